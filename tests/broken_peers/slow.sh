# Needs a second to start, and as long to receive.
. "${0%/*}/peer.sh"
receive() { sleep 1; ok '{"received":false}'; }
sleep 1
serve
