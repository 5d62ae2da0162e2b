# Refuses what it has to do.
. "${0%/*}/peer.sh"
receive() { err exceeds-max-borrows; }
serve
