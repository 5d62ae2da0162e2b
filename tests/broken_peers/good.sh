# Does everything right.
. "${0%/*}/peer.sh"
serve
