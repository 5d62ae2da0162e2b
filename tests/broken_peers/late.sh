# Answers one operation only after a while, when a file appears.
. "${0%/*}/peer.sh"
receive() { while [ ! -e "$SHMARK_ROOT/go" ]; do sleep 0.05; done; ok '{"received":false}'; }
serve
