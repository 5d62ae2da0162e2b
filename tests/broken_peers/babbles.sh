# Says something after its last answer.
. "${0%/*}/peer.sh"
leave() { say 'bye'; exit 0; }
serve
