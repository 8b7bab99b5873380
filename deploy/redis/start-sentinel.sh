#!/bin/sh
# Starts a Sentinel that keeps what it has learnt. Environment as in start-redis.sh: ANNOUNCE_HOST (of this
# Sentinel), SENTINELS, REDIS_HOSTS, MASTER_NAME, the passwords' files, TLS_DIR, TLS_AUTH_CLIENTS, DATA_DIR; besides
#
#   QUORUM          sentinels that must agree that the primary is down (2)
#   DOWN_AFTER_MS   it is down after this long without an answer (2000)
#   EXTRA_CONF      a file of further settings
#
# The settings are written at each start. Kept is what Sentinel learnt: its own id, the primary, the other sentinels,
# the epochs, and that there are replicas. One that knows nothing yet asks the others, and then all Redis servers.
set -eu
scripts=$(dirname "$0")
data=${DATA_DIR:-/data}
conf=$data/sentinel.conf
list() { echo "$1" | tr ',' ' ' | sed 's/:[0-9]*//g'; }
sentinels=$(list "${SENTINELS:?SENTINELS: the names of all sentinels}")
hosts=$(list "${REDIS_HOSTS:?REDIS_HOSTS: the names of all Redis servers, the first primary first}")
self=${ANNOUNCE_HOST:?ANNOUNCE_HOST: the name of this Sentinel}
name=${MASTER_NAME:-chat}
quorum=${QUORUM:-2}

ask() { timeout 3 sh "$scripts/cli.sh" "$@" 2>/dev/null; }

# Who is primary, for a Sentinel that is new: by the other sentinels, the servers, or the order of the list.
find_primary() {
  known=$(
    for sentinel in $sentinels; do
      ask sentinel -h "$sentinel" sentinel master "$name" | awk '
        NR % 2 { key = $0; next } { field[key] = $0 }
        END { if (field["config-epoch"] > 0 || field["num-slaves"] > 0) print field["config-epoch"], field["ip"] }' &
    done
    wait
  )
  leading=$(
    for host in $hosts; do
      ask redis -h "$host" info replication | tr -d '\r' | awk -F : -v host="$host" '
        { field[$1] = $2 } END { if (field["role"] == "master") print field["connected_slaves"], host }' &
    done
    wait
  )
  for answers in "$known" "$leading"; do
    [ -z "$answers" ] || { echo "$answers" | sort -n -r | head -n 1 | cut -d ' ' -f 2 && return; }
  done
  echo "${hosts%% *}"
}

# A password of a file, as Redis reads it in its configuration.
quoted() {
  if [ ! -s "$1" ]; then echo "start-sentinel: $1 is empty: it must hold a password" >&2 && exit 1; fi
  sed 's/[\\"]/\\&/g; s/.*/"&"/; q' "$1"
}

write_settings() {
  cat <<EOF
# written by start-sentinel.sh at each start
dir "$data"
protected-mode no
# containers change their addresses, so all go by names
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $self
sentinel announce-port 26379
EOF
  if [ -n "${TLS_DIR:-}" ]; then
    cat <<EOF
port 0
tls-port 26379
tls-ca-cert-file "$TLS_DIR/ca.crt"
tls-cert-file "$TLS_DIR/tls.crt"
tls-key-file "$TLS_DIR/tls.key"
tls-auth-clients ${TLS_AUTH_CLIENTS:-optional}
tls-replication yes
EOF
  else
    echo 'port 26379'
  fi
  if [ -n "${SENTINEL_PASSWORD_FILE:-}" ]; then
    password=$(quoted "$SENTINEL_PASSWORD_FILE")
    printf 'requirepass %s\nsentinel sentinel-pass %s\n' "$password" "$password"
  fi
  echo "sentinel monitor $name $primary 6379 $quorum"
  if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
    password=$(quoted "$REDIS_PASSWORD_FILE")
    printf 'sentinel auth-pass %s %s\n' "$name" "$password"
  fi
  cat <<EOF
sentinel down-after-milliseconds $name ${DOWN_AFTER_MS:-2000}
sentinel failover-timeout $name 10000
sentinel parallel-syncs $name 1
# a primary that has started again and loads for longer is down as well
sentinel master-reboot-down-after-period $name 10000
EOF
  echo "$kept"
  if [ -n "$has_replicas" ]; then
    for host in $hosts; do
      [ "$host" = "$primary" ] || echo "sentinel known-replica $name $host 6379"
    done
  fi
  if [ -n "${EXTRA_CONF:-}" ]; then echo "include $EXTRA_CONF"; fi
}

kept=
primary=
has_replicas=
if [ -e "$conf" ]; then
  primary=$(awk -v name="$name" '$1 == "sentinel" && $2 == "monitor" && $3 == name { print $4 }' "$conf")
  kept=$(awk -v name="$name" '$1 == "sentinel" && ($2 == "myid" || $2 == "current-epoch" ||
    ($2 ~ /^(config-epoch|leader-epoch|known-sentinel)$/ && $3 == name)) && !had[$0]++' "$conf")
  # Their names are in REDIS_HOSTS. Sentinel itself writes one of them twice when addresses have changed hands, as
  # after a restart of all, and would not start again on what it wrote
  has_replicas=$(grep "^sentinel known-replica $name " "$conf" || true)
fi
: "${primary:=$(find_primary)}"
umask 077
write_settings >"$conf.new"
mv "$conf.new" "$conf"
echo "start-sentinel: $self starts, primary is $primary" >&2
exec redis-server "$conf" --sentinel
