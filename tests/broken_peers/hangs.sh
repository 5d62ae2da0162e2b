# Never comes back from one operation.
. "${0%/*}/peer.sh"
receive() { while :; do sleep 1; done; }
serve
