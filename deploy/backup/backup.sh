#!/bin/sh
# Takes a backup of Redis over the network: one RDB file, the state of one moment, with everything that was
# acknowledged before this began. Runs in the image of Redis, by hand, from cron, or as a CronJob.
# Exits with 0 only when the file was checked, is on the disk and has its name; otherwise says why and leaves
# all older backups as they are.
#
#   REDIS_HOST, REDIS_PORT (6379)                 where Redis is, or else
#   SENTINELS (host[:26379], parted by commas or spaces), MASTER_NAME (chat)
#   REDIS_USERNAME, REDIS_PASSWORD_FILE           login at Redis, if it wants one
#   SENTINEL_USERNAME, SENTINEL_PASSWORD_FILE     at the sentinels
#   TLS_DIR                                       ca.crt, and tls.crt with tls.key; set: TLS to both
#   BACKUP_DIR (/backups)                         where backups are kept
#   KEEP (14)                                     how many
#   WITHIN_S (1800)                               the transfer may take so long
#
# A replica is asked if one is connected: while a primary sends a backup it counts a replica more, which
# confirms nothing, and gateways with ACK_LEVEL=replicated would have to wait for it.
set -eu
umask 077
export LC_ALL=C

BACKUP_DIR=${BACKUP_DIR:-/backups}
KEEP=${KEEP:-14}
WITHIN_S=${WITHIN_S:-1800}
# A replica may need so long to have what the primary has acknowledged.
CATCHES_UP_WITHIN_S=30

say() { printf 'backup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# ask PASSWORD_FILE USERNAME HOST PORT SECONDS WORD…: redis-cli with these words.
ask() (
  file=$1 username=$2 host=$3 port=$4 seconds=$5
  shift 5
  if [ -n "$file" ]; then
    REDISCLI_AUTH=$(cat "$file") || exit
    export REDISCLI_AUTH
  fi
  [ -z "$username" ] || set -- --user "$username" "$@"
  if [ -n "${TLS_DIR:-}" ]; then
    [ ! -e "$TLS_DIR/tls.crt" ] || set -- --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
    set -- --tls --cacert "$TLS_DIR/ca.crt" "$@"
  fi
  exec timeout "$seconds" redis-cli -e -h "$host" -p "$port" "$@"
)
ask_redis() { ask "${REDIS_PASSWORD_FILE:-}" "${REDIS_USERNAME:-}" "$@"; }
ask_sentinel() { ask "${SENTINEL_PASSWORD_FILE:-}" "${SENTINEL_USERNAME:-}" "$@"; }

# replication_of HOST PORT: its INFO replication, as lines of name:value.
replication_of() { ask_redis "$1" "$2" 10 INFO replication | tr -d '\r'; }
# field NAME: of such lines.
field() { sed -n "s/^$1://p"; }

# Prints "host port" of the primary, as the first sentinel that answers names it.
primary_by_sentinels() {
  for sentinel in $(printf %s "$SENTINELS" | tr , ' '); do
    host=${sentinel%:*}
    [ "$host" != "$sentinel" ] || sentinel=$sentinel:26379
    host=${host#[}
    name=${MASTER_NAME:-chat}
    answer=$(ask_sentinel "${host%]}" "${sentinel##*:}" 5 SENTINEL GET-MASTER-ADDR-BY-NAME "$name") || continue
    [ "$(printf '%s\n' "$answer" | wc -l)" -eq 2 ] || continue
    printf '%s\n' "$answer" | tr '\n' ' '
    return
  done
  fail "no sentinel of $SENTINELS names the primary of ${MASTER_NAME:-chat}"
}

# Prints "host port" of each replica that the primary, whose INFO is read, sends to; not of other backups.
replicas_in() {
  sed -n 's/^slave[0-9]*:ip=\([^,]*\),port=\([1-9][0-9]*\),state=online,.*/\1 \2/p'
}

# has_all HOST PORT: whether the replica has what the primary had written when this began.
has_all() {
  own=$(replication_of "$1" "$2" 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$own" | field role)" = slave ] || return 1
  [ "$(printf '%s\n' "$own" | field master_link_status)" = up ] || return 1
  [ "$(printf '%s\n' "$own" | field master_replid)" = "$replid" ] || return 1
  [ "$(printf '%s\n' "$own" | field slave_repl_offset)" -ge "$offset" ]
}

# Prints "host port" of a replica that has all of it; nothing if there is none.
replica_with_all() {
  seconds=0
  while [ -n "$1" ] && [ "$seconds" -lt "$CATCHES_UP_WITHIN_S" ]; do
    printf '%s\n' "$1" | while read -r host port; do
      if has_all "$host" "$port"; then echo "$host $port"; break; fi
    done | grep . && return
    sleep 1
    seconds=$((seconds + 1))
  done
}

# aux NAME: of what redis-check-rdb tells.
aux() { sed -n "s/.*AUX FIELD $1 = '\(.*\)'.*/\1/p"; }

[ "$KEEP" -ge 1 ] 2>/dev/null || fail "KEEP must be 1 or more, not $KEEP"
[ -d "$BACKUP_DIR" ] || fail "there is no folder $BACKUP_DIR"
if [ -n "${SENTINELS:-}" ]; then
  primary=$(primary_by_sentinels)
else
  primary="${REDIS_HOST:?REDIS_HOST or SENTINELS must say where Redis is} ${REDIS_PORT:-6379}"
fi
# shellcheck disable=SC2086 # "host port" is two words
set -- $primary
info=$(replication_of "$1" "$2") || fail "no answer from $1:$2"
role=$(printf '%s\n' "$info" | field role)
[ "$role" = master ] || fail "$1:$2 is no primary (role: ${role:-unknown})"
replid=$(printf '%s\n' "$info" | field master_replid)
offset=$(printf '%s\n' "$info" | field master_repl_offset)

replicas=$(printf '%s\n' "$info" | replicas_in)
replica=$(replica_with_all "$replicas" || :)
if [ -n "$replica" ]; then
  # shellcheck disable=SC2086
  set -- $replica
  source="replica $1:$2"
else
  [ -z "$replicas" ] || say "no replica has what the primary has: the primary is asked"
  source="primary $1:$2"
fi

name=tertulia-$(date -u +%Y%m%dT%H%M%SZ).rdb
part=$BACKUP_DIR/.$name.$$.part
trap 'rm -f "$part" "$part.sha256" "$part.prom"' EXIT
trap 'exit 1' HUP INT TERM
ask_redis "$1" "$2" "$WITHIN_S" --rdb "$part" || fail "the transfer from $source failed"

told=$(redis-check-rdb "$part") || { printf '%s\n' "$told" >&2; fail "what $source sent is no good RDB file"; }
if [ -n "$replica" ]; then
  # it may have got another primary meanwhile, and with it another past
  [ "$(printf '%s\n' "$told" | aux repl-id)" = "$replid" ] || fail "there was a failover meanwhile; try again"
  [ "$(printf '%s\n' "$told" | aux repl-offset)" -ge "$offset" ] || fail "$source sent an older state"
fi
keys=$(printf '%s\n' "$told" | sed -n 's/^\[info\] \([0-9]*\) keys read.*/\1/p')

digest=$(sha256sum <"$part")
printf '%s  %s\n' "${digest%% *}" "$name" >"$part.sha256"
sync "$part" "$part.sha256"
[ ! -e "$BACKUP_DIR/$name" ] || fail "$name is there already"
# the checksum's name last: a file that has one is whole
mv "$part" "$BACKUP_DIR/$name"
mv "$part.sha256" "$BACKUP_DIR/$name.sha256"
sync "$BACKUP_DIR"
say "$BACKUP_DIR/$name: ${keys:-0} keys, $(wc -c <"$BACKUP_DIR/$name" | tr -d ' ') bytes, from $source"

# node_exporter reads such files (--collector.textfile): an alert tells when this grows old
if printf 'tertulia_backup_last_success_timestamp_seconds %s\n' "$(date +%s)" >"$part.prom" &&
  chmod 644 "$part.prom"; then
  mv "$part.prom" "$BACKUP_DIR/tertulia.prom"
else
  say "$BACKUP_DIR/tertulia.prom cannot be written: metrics do not tell of this backup"
fi

# what a backup that was interrupted left
find "$BACKUP_DIR" -maxdepth 1 -name '.tertulia-*.part*' -mmin +1440 -exec rm -f {} +
if [ "${keys:-0}" -eq 0 ]; then
  say "Redis was empty: no older backup is removed"
  exit 0
fi
find "$BACKUP_DIR" -maxdepth 1 -name 'tertulia-????????T??????Z.rdb.sha256' | sort -r | tail -n "+$((KEEP + 1))" |
  while read -r old; do
    [ "$old" = "$BACKUP_DIR/$name.sha256" ] && continue
    rm -f "$old" "${old%.sha256}"
    say "removed ${old%.sha256}: $KEEP are kept"
  done
