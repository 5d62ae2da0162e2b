# Receives other bytes than were sent.
. "${0%/*}/peer.sh"
crc_of() { crc=12345; }
serve
