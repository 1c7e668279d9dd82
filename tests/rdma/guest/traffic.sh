# Connections over verbs, and KServe's script.

# set_to NAME: what the plan sets it to.
set_to() { sed -n "s/^$1=//p" /tmp/out; }

# index DEVICE: the GID index that the plan uses there, in words.
index() {
    pod "$launcher" plan --rdma-include='*' 2>/dev/null | sed -n "s/^use \`$1:1\`.* GID \([0-9]*\) is .*/\1/p"
}

# pingpong DEVICE INDEX: a hundred messages from the device to itself, as the pod's user. Without an index it would
# take 0, a link-local GID.
pingpong() {
    local server outcome
    [ -n "$2" ] || return 1
    pod timeout 60 ibv_rc_pingpong -d "$1" -g "$2" -n 100 >/tmp/server 2>&1 &
    server=$!
    # Port 18515, in the state LISTEN, unless the server has found its device or index wrong.
    until $inside cat /proc/net/tcp /proc/net/tcp6 | grep -q ':4853 .* 0A ' || ! kill -0 $server 2>/dev/null; do
        sleep 0.2
    done
    pod timeout 60 ibv_rc_pingpong -d "$1" -g "$2" -n 100 127.0.0.1
    outcome=$?
    wait $server && return $outcome
}

# no_connection DEVICE INDEX: the entry is empty, and the driver says so when the connection is made.
no_connection() {
    fails pingpong "$1" "$2"
    holds grep -q 'Failed to modify QP to RTR' /tmp/server
}

# has_kserve: whether KServe's script was given; says so where not.
has_kserve() {
    [ ! -f /test/kserve.sh ] || return 0
    echo "note: $current: KServe's script was not run; hint: PREFILL_KSERVE_SCRIPT=rendered script"
    return 1
}

# kserve: runs it on this machine, up to vLLM, whose variables are then in /tmp/vllm.env.
kserve() {
    rm -f /tmp/vllm.*
    pod env PATH="/test/stub:$PATH" KSERVE_INFER_ROCE=true LWS_LEADER_ADDRESS=127.0.0.1 LWS_WORKER_INDEX=0 \
        DP_ADDRESS_RESOLVE_ATTEMPTS=1 \
        bash /test/kserve.sh >/tmp/kserve.log 2>&1
    [ -s /tmp/vllm.env ]
}
