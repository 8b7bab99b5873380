# Whether HAProxy answers and has a gateway to send clients to. Bash itself, because the image has no client.
exec 3<>/dev/tcp/127.0.0.1/9001 || exit 1
printf 'GET / HTTP/1.0\r\n\r\n' >&3
read -r -t 2 status <&3 && [[ $status == *' 200 '* ]]
