# Says that it is broken.
. "${0%/*}/peer.sh"
receive() { say "{\"id\":$id,\"fault\":\"handle srv is in use\"}"; }
serve
