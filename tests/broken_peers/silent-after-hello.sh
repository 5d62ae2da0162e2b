# Never answers anything but hello and what it does not know; with SILENT nothing but hello.
. "${0%/*}/peer.sh"
ok() {
    [ "$op" != hello ] || say "{\"id\":$id,\"ok\":$1}"
}
unsupported() { [ -n "$SILENT" ] || say "{\"id\":$id,\"unsupported\":\"no $op\"}"; }
serve
