# Leaves a file behind.
. "${0%/*}/peer.sh"
leave() { mkdir -p "$SHMARK_ROOT/services/a"; : >"$SHMARK_ROOT/services/a/segment"; exit 0; }
serve
