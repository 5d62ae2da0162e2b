# Is killed by a signal in the middle of a command.
. "${0%/*}/peer.sh"
receive() { kill -ABRT $$; }
serve
