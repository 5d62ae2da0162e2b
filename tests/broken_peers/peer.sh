# A correct peer with canned answers, for the tests of the harness. The scripts beside this one source it, replace one of
# its functions, and call `serve`.
#
# "Shared memory" is the folder $SHMARK_ROOT: a client leaves the seed of its request there, and a server finds it.

ulimit -c 0
features='"fixed","resources","nodes"'

say() { printf '%s\n' "$1"; }
ok() { say "{\"id\":$id,\"ok\":$1}"; }
err() { say "{\"id\":$id,\"err\":{\"class\":\"$1\",\"native\":\"Fake::$1\"}}"; }
unsupported() { say "{\"id\":$id,\"unsupported\":\"no $op\"}"; }

# Sets `value` to a field of the command; empty if it has none.
field() {
    value=${line#*\"$1\":}
    [ "$value" != "$line" ] || { value=; return; }
    value=${value%%[,\}]*}
    value=${value#\"}
    value=${value%\"}
}

# Checksums of 8 payload bytes.
crc_of() {
    case $1 in
    7) crc=2376133323 ;;
    8) crc=1562265575 ;;
    *) crc=0 ;;
    esac
}

hello() {
    ok "{\"implementation\":\"fake\",\"version\":\"1.2.3\",\"language\":\"sh\",\"features\":[$features],\"wire\":\"${WIRE:-fake}\"}"
}

receive() {
    if [ -e "$SHMARK_ROOT/request" ]; then
        read -r seed <"$SHMARK_ROOT/request"
        rm "$SHMARK_ROOT/request"
        crc_of "$seed"
        ok "{\"received\":true,\"len\":1,\"bytes\":8,\"crc32\":$crc,\"origin\":\"port-cli\"}"
    else
        ok '{"received":false}'
    fi
}

answer() {
    case $op in
    hello) hello ;;
    node.create | drop) ok '{}' ;;
    node.cleanup) rm -f "$SHMARK_ROOT"/dead; ok '{"cleaned":1,"failed":0}' ;;
    service.open_or_create) ok '{"qos":{"max_clients":8},"attributes":{}}' ;;
    service.open) err does-not-exist ;;
    client.create | server.create) field as; ok "{\"port_id\":\"port-$value\"}" ;;
    client.send) field seed; say "$value" >"$SHMARK_ROOT/new"; mv "$SHMARK_ROOT/new" "$SHMARK_ROOT/request"; ok '{"delivered":1}' ;;
    server.receive) receive ;;
    resources) ok "{\"fds\":$id,\"files\":0}" ;;
    *) unsupported ;;
    esac
}

serve() {
    while read -r line; do
        field id
        id=$value
        field op
        op=$value
        answer
    done
    leave
}

leave() { exit 0; }
