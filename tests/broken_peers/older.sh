# Speaks version 1 of the protocol alone.
. "${0%/*}/peer.sh"

hello() {
    field protocol
    if [ "$value" = 1 ]; then
        ok "{\"implementation\":\"fake\",\"version\":\"1.2.3\",\"language\":\"sh\",\"features\":[$features],\"wire\":\"fake\"}"
    else
        unsupported
    fi
}

serve
