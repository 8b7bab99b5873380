#!/bin/sh
# Before a Redis stops: if it is the primary, another one takes its place first, with all that was acknowledged.
# Nobody waits until it is missed. It gives up in the end; then Sentinel finds out by itself.
#
#   SENTINELS, MASTER_NAME, ANNOUNCE_HOST and what cli.sh reads, as in start-redis.sh
#
# 1. The sentinels of the other pods must see all replicas, for 30 s at most. One that has just started they find
#    only when DNS has its new address. One that they do not see, they do not tell of the new primary, for ten
#    seconds, and a primary without a replica refuses writes.
# 2. Writes are held back here, until this Redis ends or the pause does. Those were not acknowledged. From here on
#    20 s are left.
# 3. A replica gets all that was written before.
# 4. A sentinel, of another pod, is asked for a failover; it takes the replica that has most.
# 5. The end of it is awaited: a sentinel names another primary, and that one says so too.
set -eu
name=${MASTER_NAME:-chat}
say() { echo "hand-over: $*" >&2; }
redis() { timeout 3 sh /scripts/cli.sh redis "$@"; }
sentinel() { timeout 3 sh /scripts/cli.sh sentinel "$@" 2>/dev/null; }
others() { echo "$SENTINELS" | tr ', ' '\n\n' | grep -vxF "$ANNOUNCE_HOST"; }
within() { until=$(($(date +%s) + $1)); }
is_late() { [ "$(date +%s)" -ge "$until" ]; }
give_up() {
  say "$1; this primary stops without a successor"
  redis client unpause >/dev/null || true
  exit 0
}

replication() { redis info replication | tr -d '\r'; }
is_primary() { replication | grep -q '^role:master'; }
# A replica has confirmed all that is here.
is_copied() {
  replication | awk -F '[:,=]' '
    $1 == "master_repl_offset" { all = $2 }
    $1 ~ /^slave[0-9]+$/ { for (i = 2; i < NF; i++) if ($i == "offset") had[$1] = $(i + 1) }
    END { for (each in had) if (had[each] >= all) found = 1; exit !found }'
}
# Every sentinel that answers sees all replicas, and could lead them elsewhere.
are_seen() {
  for host in $(others); do
    sentinel -h "$host" sentinel replicas "$name" | awk '
      NR % 2 { key = $0; next }
      key == "flags" && $0 != "slave" || key == "master-link-status" && $0 != "ok" { unseen = 1 }
      END { exit unseen }' || return
  done
}
# Asks one sentinel after another, until one agrees.
ask_for_failover() {
  for host in $(others); do
    sentinel -h "$host" sentinel failover "$name" >/dev/null && return
  done
  return 1
}
# Who is primary, as the first sentinel says that answers.
successor() {
  for host in $(others); do
    sentinel -h "$host" sentinel get-master-addr-by-name "$name" | head -n 1 | grep -vxF "$ANNOUNCE_HOST" && return
  done
  return 1
}

is_primary || exit 0
within 30
until are_seen; do
  if is_late; then say "not all replicas are seen by the sentinels; going on" && break; fi
  sleep 0.5
done
# deposed a moment ago, and not told yet: all that could be handed over is gone from here
if host=$(successor); then
  say "$host is primary already"
  exit 0
fi
within 20
redis client pause 30000 write >/dev/null || give_up "it holds no writes back"
until is_copied; do
  ! is_late || give_up "no replica has everything"
  sleep 0.2
done
until ask_for_failover; do
  ! is_late || give_up "no sentinel begins a failover"
  sleep 0.5
done
until host=$(successor) && redis -h "$host" info replication | grep -q '^role:master'; do
  ! is_late || give_up "the failover does not end"
  sleep 0.2
done
say "$host is primary now"
