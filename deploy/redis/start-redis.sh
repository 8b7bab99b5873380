#!/bin/sh
# Starts a Redis that finds its role by itself: alone, or one of several that Sentinel watches. Compose and
# Kubernetes run it as it is, in an image with redis-server, redis-cli, awk and timeout.
#
#   SENTINELS              host names, parted by commas or spaces; none: this Redis is alone
#   ANNOUNCE_HOST          with Sentinel: the name by which the others reach this one
#   REDIS_HOSTS            with Sentinel: the names of all of them, this one too; the first begins as primary
#   MASTER_NAME            by which Sentinel knows the primary (chat)
#   SENTINEL_WAIT_SECONDS  how long to wait for a majority of the sentinels (30)
#   REDIS_PASSWORD_FILE, SENTINEL_PASSWORD_FILE     none: no password
#   TLS_DIR                a folder with ca.crt, tls.crt and tls.key; none: no TLS
#   TLS_AUTH_CLIENTS       whether clients must have certificates: no, optional, yes (optional)
#   MAXMEMORY              600mb for example (60 % of the container's limit, or of the machine's memory)
#   MIN_REPLICAS           below so many replicas in touch the primary refuses writes (0)
#   APPENDFSYNC            (everysec)
#   EXTRA_CONF             a file of further settings, users for example
#   DATA_DIR               the volume (/data)
#
# Who is primary? What most sentinels know. If fewer answer, or none of them has ever seen a replica, what
# this volume was when it ran last; if it is empty, the first of REDIS_HOSTS. Three rules keep what was said:
#  - A replica may be promoted only once it has been in sync since its start (replica-priority 0 until
#    then): after a restart of all, Sentinel cannot see which of them is behind.
#  - An empty volume never becomes the primary of others that have data: it waits until Sentinel has
#    promoted one of them, and says so.
#  - While a failover is under way, nobody starts as primary.
# The settings are written at each start; of what Redis wrote there itself only `replicaof` is kept.
set -eu
scripts=$(dirname "$0")
data=${DATA_DIR:-/data}
conf=$data/redis.conf
list() { echo "$1" | tr ',' ' ' | sed 's/:[0-9]*//g'; }
sentinels=$(list "${SENTINELS:-}")
hosts=$(list "${REDIS_HOSTS:-}")
self=${ANNOUNCE_HOST:-}
name=${MASTER_NAME:-chat}

say() { echo "start-redis: $*" >&2; }
ask() { timeout 3 sh "$scripts/cli.sh" "$@" 2>/dev/null; }

# --- who is primary ---

# A line for each sentinel that answers: config epoch, replicas it knows, whether it fails over, primary.
ask_sentinels() {
  for sentinel in $sentinels; do
    ask sentinel -h "$sentinel" sentinel master "$name" | awk '
      NR % 2 { key = $0; next } { field[key] = $0 }
      END {
        if (field["ip"] != "")
          print field["config-epoch"], field["num-slaves"], field["flags"] ~ /failover_in_progress/, field["ip"]
      }' &
  done
  wait
}

# Others that hold keys, or are loading them.
others_with_data() {
  for host in $hosts; do
    [ "$host" = "$self" ] || ! ask redis -h "$host" info | grep -q -e '^db0:' -e '^loading:1' || echo "$host"
  done
}

# Sets `primary`, once it is certain enough to start.
find_primary() {
  count=$(echo "$sentinels" | wc -w)
  first=${hosts%% *}
  until=$(($(date +%s) + ${SENTINEL_WAIT_SECONDS:-30}))
  said=
  while :; do
    answers=$(ask_sentinels)
    # one that has neither a failover nor a replica to tell of knows only what it was told at its first start
    known=$(echo "$answers" | awk '$1 > 0 || $2 > 0' | sort -n -r | head -n 1 | cut -d ' ' -f 4)
    is_late=$([ "$(date +%s)" -ge "$until" ] && echo yes || true)
    if [ "$(echo "$answers" | grep -c .)" -gt $((count / 2)) ]; then
      primary=${known:-${kept:-$first}} why="$(echo "$answers" | grep -c .) of $count sentinels answer"
    elif [ -z "$is_late" ]; then
      primary='' why="waiting for a majority of the sentinels"
    else
      primary=${kept:-${known:-$first}} why="too few sentinels answer"
    fi
    if [ "$primary" = "$self" ] && [ -n "$is_empty" ] && { [ -n "$known" ] || [ -n "$(others_with_data)" ]; }; then
      primary='' why="this volume is empty, and the others are not: waiting until Sentinel promotes one of them"
    fi
    if [ "$primary" = "$self" ] && [ -z "$is_late" ] && echo "$answers" | grep -q '^[0-9]* [0-9]* 1 '; then
      primary='' why="waiting for the end of a failover"
    fi
    [ -z "$primary" ] || break
    [ "$why" = "$said" ] || say "$why"
    said=$why
    sleep 0.5
  done
  say "$self starts, primary is $primary ($why)"
}

# It has all that the primary has, on its disk as well: after a full copy Redis writes its append-only file anew.
is_in_sync() {
  ask redis info | tr -d '\r' | awk -F : '
    { field[$1] = $2 }
    END {
      is_copied = field["master_link_status"] == "up" && field["aof_rewrite_in_progress"] == 0 &&
        field["aof_rewrite_scheduled"] == 0 && field["aof_last_bgrewrite_status"] == "ok"
      exit !(is_copied || field["role"] == "master")
    }'
}

# In the background. Redis will wonder at a child that it does not know when this ends.
eligible_once_in_sync() {
  until is_in_sync; do sleep 0.5; done
  ask redis config set replica-priority 100 >/dev/null && say "$self is in sync, and may be promoted"
}

# --- settings ---

# A password of a file, as Redis reads it in its configuration.
quoted() {
  if [ ! -s "$1" ]; then say "$1 is empty: it must hold a password" && exit 1; fi
  sed 's/[\\"]/\\&/g; s/.*/"&"/; q' "$1"
}

# Bytes: of the container's limit (cgroup 2, 1), or of the machine's memory, whichever is less.
memory() {
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    if [ -r "$file" ]; then grep -x '[0-9]*' "$file" || true; fi
  done
  awk '/^MemTotal:/ { printf "%.0f\n", $2 * 1024 }' /proc/meminfo
}

# 600mb, as Redis writes it, is a number of bytes here.
bytes() {
  awk '{ unit = tolower($0); sub(/^[0-9]+/, "", unit); by[""] = 1; by["kb"] = 1024; by["mb"] = 1024 ^ 2
    by["gb"] = 1024 ^ 3; printf "%.0f", $0 * by[unit] }'
}

write_settings() {
  maxmemory=$(echo "${MAXMEMORY:-}" | bytes)
  if [ "$maxmemory" = 0 ]; then maxmemory=$(memory | sort -n | head -n 1 | awk '{ printf "%.0f", $1 * 0.6 }'); fi
  cat <<EOF
# written by start-redis.sh at each start
dir "$data"
protected-mode no
tcp-keepalive 60
maxmemory $maxmemory
# what Redis threw away would be lost
maxmemory-policy noeviction
appendonly yes
appendfsync ${APPENDFSYNC:-everysec}
save ""
# what a gateway misses it reads from the log: a slow one is better cut than fed from memory
client-output-buffer-limit pubsub 64mb 32mb 10
# a replica that is cut for its slowness copies all again; beside maxmemory, within the container's limit
client-output-buffer-limit replica $((maxmemory / 4)) $((maxmemory / 8)) 60
repl-backlog-size $((maxmemory / 32))
EOF
  if [ -n "${TLS_DIR:-}" ]; then
    cat <<EOF
port 0
tls-port 6379
tls-ca-cert-file "$TLS_DIR/ca.crt"
tls-cert-file "$TLS_DIR/tls.crt"
tls-key-file "$TLS_DIR/tls.key"
tls-auth-clients ${TLS_AUTH_CLIENTS:-optional}
tls-replication yes
EOF
  fi
  if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
    password=$(quoted "$REDIS_PASSWORD_FILE")
    printf 'requirepass %s\nmasterauth %s\n' "$password" "$password"
  fi
  if [ -n "$sentinels" ]; then
    cat <<EOF
replica-announce-ip $self
# until then a replica is of no use, and there are few to wait for
repl-diskless-sync-delay 1
min-replicas-to-write ${MIN_REPLICAS:-0}
min-replicas-max-lag 10
# a frozen replica is given up; until then ACK_LEVEL=replicated waits for it
repl-timeout 10
repl-ping-replica-period 2
EOF
    # the name stands here even if nobody has it: Redis looks it up at each attempt
    if [ "$primary" != "$self" ]; then
      printf 'replicaof %s 6379\nreplica-priority 0\n' "$primary"
    fi
  fi
  if [ -n "${EXTRA_CONF:-}" ]; then echo "include $EXTRA_CONF"; fi
}

# --- start ---

is_empty=$([ -e "$data/appendonlydir" ] || echo yes)
kept=
if [ -e "$conf" ]; then
  # the role that Sentinel gave it last, in Redis' own words
  kept=$(awk '$1 == "replicaof" || $1 == "slaveof" { gsub(/"/, "", $2); print $2 }' "$conf")
  kept=${kept:-$self}
fi
if [ -n "$sentinels" ]; then
  : "${self:?ANNOUNCE_HOST: the name of this Redis}" "${hosts:?REDIS_HOSTS: the names of all of them}"
  find_primary
elif [ -n "$kept" ] && [ "$kept" != "$self" ]; then
  say "this volume was a replica of $kept when it ran last, so it may be behind, and no SENTINELS are given."
  say "Start it with its sentinels; or, if this is the data that you want, remove $conf."
  exit 1
fi
umask 077
write_settings >"$conf.new"
mv "$conf.new" "$conf"
if [ -n "$sentinels" ] && [ "$primary" != "$self" ]; then eligible_once_in_sync & fi
exec redis-server "$conf"
