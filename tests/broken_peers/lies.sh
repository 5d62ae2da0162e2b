# Declares a feature and then does not have it.
. "${0%/*}/peer.sh"
receive() { unsupported; }
serve
