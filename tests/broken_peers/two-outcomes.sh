# Says at once that it was done and that it was not.
. "${0%/*}/peer.sh"
ok() {
    case $op in
    resources) say "{\"id\":$id,\"ok\":$1,\"fault\":\"broken\"}" ;;
    *) say "{\"id\":$id,\"ok\":$1}" ;;
    esac
}
serve
