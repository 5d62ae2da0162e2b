# Answers, and then does not stop to talk.
. "${0%/*}/peer.sh"
receive() { while :; do say '{"id":1,"ok":{}}'; done; }
serve
