# Writes one line that does not end.
. "${0%/*}/peer.sh"
receive() { while :; do printf '%s' '0123456789012345678901234567890123456789012345678901234567890123456789'; done; }
serve
