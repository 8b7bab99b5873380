#!/bin/sh
# Puts a backup in the place of a Redis server's data: restore.sh BACKUP.rdb [DATA_FOLDER (/data)]
#
# The Redis must be stopped. It is to run with `appendonly yes`, as all of ours do: then it reads the folder
# appendonlydir only, and a dump.rdb beside it is ignored. So the backup becomes the base of a new
# append-only file. What was there moves to before-restore-… in the data folder; remove it when all is well.
# With replicas: restore the same backup on every server, so that it does not matter who becomes the primary.
set -eu
umask 077
export LC_ALL=C

say() { printf 'restore: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

[ $# -ge 1 ] || fail "usage: restore.sh BACKUP.rdb [DATA_FOLDER]"
backup=$1 data=${2:-/data}
[ -f "$backup" ] || fail "there is no file $backup"
[ -d "$data" ] || fail "there is no folder $data"
if [ -f "$backup.sha256" ]; then
  read -r expected _ <"$backup.sha256"
  actual=$(sha256sum <"$backup")
  [ "${actual%% *}" = "$expected" ] || fail "$backup is damaged: its checksum is another one"
fi
told=$(redis-check-rdb "$backup") || { printf '%s\n' "$told" >&2; fail "$backup is no good RDB file"; }

new=$data/.restoring
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$new/appendonlydir"
cp "$backup" "$new/appendonlydir/appendonly.aof.1.base.rdb"
echo 'file appendonly.aof.1.base.rdb seq 1 type b' >"$new/appendonlydir/appendonly.aof.manifest"
told=$(redis-check-aof "$new/appendonlydir/appendonly.aof.manifest" 2>&1) ||
  { printf '%s\n' "$told" >&2; fail "the append-only file that was made of it is no good"; }
# the owner of the data must be able to read it: Redis does not run as root
chown -R --reference="$data" "$new/appendonlydir" 2>/dev/null || :
sync "$new/appendonlydir/"* "$new/appendonlydir"

before=$data/before-restore-$(date -u +%Y%m%dT%H%M%SZ)
mkdir "$before"
chown --reference="$data" "$before" 2>/dev/null || :
for old in appendonlydir appendonly.aof dump.rdb; do
  [ ! -e "$data/$old" ] || mv "$data/$old" "$before/"
done
mv "$new/appendonlydir" "$data/appendonlydir"
sync "$data"
say "$data is $backup; what was there is in $before"
