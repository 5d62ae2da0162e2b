# Goes on running when its stdin is closed.
. "${0%/*}/peer.sh"
leave() { while :; do sleep 1; done; }
serve
