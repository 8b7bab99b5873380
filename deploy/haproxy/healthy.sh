# Whether HAProxy answers and has a gateway to send clients to; with `count`, to how many it sends newcomers.
# Bash itself, because the image has no client.
exec 3<>/dev/tcp/127.0.0.1/9001 || exit 1
if [[ ${1:-} == count ]]; then
  printf 'GET /stats;csv HTTP/1.0\r\n\r\n' >&3
  timeout 2 grep -c '^gateways,gateway[0-9]*,.*,UP' <&3
  exit 0
fi
printf 'GET / HTTP/1.0\r\n\r\n' >&3
read -r -t 2 status <&3 && [[ $status == *' 200 '* ]]
