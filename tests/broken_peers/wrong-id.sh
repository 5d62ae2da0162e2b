# Answers with another command's id.
. "${0%/*}/peer.sh"
ok() { say "{\"id\":$((id + (id > 2))),\"ok\":$1}"; }
serve
