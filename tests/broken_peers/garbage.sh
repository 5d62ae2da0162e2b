# Writes a line of its log among its answers.
. "${0%/*}/peer.sh"
receive() { say 'DEBUG receiving'; ok '{"received":false}'; }
serve
