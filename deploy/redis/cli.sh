#!/bin/sh
# cli.sh redis|sentinel [-h HOST] COMMAND…: redis-cli with this deployment's password and TLS.
# For health checks, for the two start scripts, and for people:
#     docker compose exec redis sh /scripts/cli.sh redis info replication
set -eu
kind=$1
shift
case $kind in
redis) port=6379 password_file=${REDIS_PASSWORD_FILE:-} ;;
sentinel) port=26379 password_file=${SENTINEL_PASSWORD_FILE:-} ;;
*) echo "cli.sh: redis or sentinel, not $kind" >&2 && exit 2 ;;
esac
if [ -n "$password_file" ]; then
  REDISCLI_AUTH=$(cat "$password_file")
  export REDISCLI_AUTH
fi
if [ -n "${TLS_DIR:-}" ]; then
  set -- --tls --cacert "$TLS_DIR/ca.crt" --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
fi
# -e: an error that the server answers is an error of the command
exec redis-cli -e -p "$port" "$@"
