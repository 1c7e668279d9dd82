# What the real UCX does with the variables that the launcher sets, on verbs devices, and with other lists of devices.
#
#     ucx.sh                       all that one guest can show
#     ucx.sh serve HOST [broken]   the same lists to a peer: one guest serves, the other connects to HOST
#     ucx.sh connect HOST [broken] `broken`: no route leads from one's fabric addresses to the other's
#
# Needs verbs devices with IPv4 addresses, an interface eth0 with one, a CPU with AVX, and what `tests/rdma/ucx` builds.
# A line for each test; the host looks for the last one. About three minutes under emulation.
set -u
ROOT=/test/ucx
LAUNCHER=/test/prefill-launcher
# The pod's own interface; its address and route are not touched.
INTERFACE=eth0
out=/tmp/ucx.out peer=/tmp/ucx.peer
failed=0 port=7000

# soft-RoCE's provider by path, because each libibverbs has its own folder of providers built in.
export IBV_DRIVERS="$ROOT/debian/librxe"
# UCX before 1.19 reads a field that only Mellanox' devices fill, and drops every UD packet of the others.
export UCX_UD_ETH_DGID_CHECK=n UCX_WARN_UNUSED_ENV_VARS=n
unset UCX_NET_DEVICES UCX_TLS UCX_IB_GID_INDEX UCX_IB_ROCE_SUBNETS

pass() { echo "pass: ucx: $1"; }
fail() {
    echo "fail: ucx: $1: expected $2"
    sed 's/^/      /' $out
    failed=1
}

# judge NAME STATUS works|fails TEXT: `works` wants a lane with TEXT, `fails` wants TEXT among what was said.
judge() {
    case $3 in
    works) [ "$2" = 0 ] && grep -q "^lane: .*$4" $out ;;
    fails) [ "$2" != 0 ] && grep -q -e "$4" $out ;;
    esac
    # shellcheck disable=SC2181 # the status of the case
    if [ $? = 0 ]; then pass "$1: $3, $4"; else fail "$1" "that it $3: $4"; fi
}

# try NAME works|fails TEXT VARIABLE=VALUE… COMMAND…
try() {
    name=$1 want=$2 text=$3
    shift 3
    LD_LIBRARY_PATH=$ROOT/$ucx timeout 300 env "$@" >$out 2>&1
    judge "$ucx ($version) $name" $? "$want" "$text"
}

# The value of one variable in the launcher's plan. soft-RoCE is used only where it is asked for.
planned() {
    "$LAUNCHER" plan --rdma=require --rdma-include='*' --format env --ucx-tcp="$1" 2>/dev/null
}

before() { # VERSION: whether this UCX is older
    [ "$(printf '%s\n%s\n' "$version" "$1" | sort -V | head -n 1)" = "$version" ] && [ "$version" != "$1" ]
}

# 1.20 takes the boot id in a loopback address for an IP address, and finds no route to it. Fixed in 1.21.
loopback_works() { before 1.20 || ! before 1.21; }

two_processes() { # NAME VARIABLE=VALUE…
    name=$1
    shift
    port=$((port + 1))
    LD_LIBRARY_PATH=$ROOT/$ucx timeout 300 env "$@" "$ROOT/endpoint" serve $port >$peer 2>&1 &
    LD_LIBRARY_PATH=$ROOT/$ucx timeout 300 env "$@" "$ROOT/endpoint" connect 127.0.0.1 $port >$out 2>&1
    status=$?
    wait $! || status=1
    sed 's/^/peer: /' $peer >>$out
    judge "$ucx ($version) $name" $status works rc_verbs
}

# Another network namespace, as of a pod that was given the device but not its interface: no HCA reaches its own GID.
# shellcheck disable=SC2016 # that shell's own word
pod='busybox mount -t sysfs sysfs /sys; ip link set lo up; ip link add pod0 type dummy; ip link set pod0 up;
ip addr add 10.99.0.1/24 dev pod0; ip route add default via 10.99.0.2; exec "$0" self'

in_pod() { # NAME works|fails TEXT VARIABLE=VALUE…
    try "$@" unshare -m -n bash -c "$pod" "$ROOT/endpoint"
}

one_guest() {
    for mode in none loopback interface; do
        # shellcheck disable=SC2046 # one word a variable
        set -- $(planned $mode)
        devices=$(planned $mode | sed -n 's/^UCX_NET_DEVICES=//p')
        [ -n "$devices" ] || { : >$out; fail "plan --ucx-tcp=$mode" "a list for UCX"; continue; }
        try "self, $devices" works rc_verbs "$@" "$ROOT/endpoint" self
        # Between two processes there is a faster way for puts; without it they too must go through the device.
        two_processes "two processes, $devices" "$@" UCX_TLS=^cma
    done

    hcas=$(planned none | sed -n 's/^UCX_NET_DEVICES=//p')
    list=UCX_NET_DEVICES=$hcas
    none='no active messages transport'
    if before 1.19; then
        # Nothing is looked up before the first packet.
        in_pod "unreachable HCA alone" works rc_verbs "$list"
    else
        in_pod "unreachable HCA alone" fails "$none" "$list"
        if loopback_works; then
            in_pod "unreachable HCA and lo" works tcp/lo "$list,lo"
        else
            in_pod "unreachable HCA and lo" fails 'tcp/lo - no route to' "$list,lo"
        fi
        in_pod "unreachable HCA and the pod's interface" works tcp/pod0 "$list,pod0"
        in_pod "unreachable HCA and shared memory" works sysv/memory "$list" UCX_MM_ERROR_HANDLING=y
    fi
    try "no error handling asked for" works self/memory "$list" ENDPOINT_ERRORS=none "$ROOT/endpoint" self
    try "an empty list" fails "$none" UCX_NET_DEVICES= "$ROOT/endpoint" self
    try "an index without an entry" fails 'not available' "$list" UCX_IB_GID_INDEX=200 "$ROOT/endpoint" self
    # What hides: the agent starts, and has no way to another pod.
    if loopback_works; then
        try "an index without an entry, and lo" works tcp/lo "$list,lo" UCX_IB_GID_INDEX=200 "$ROOT/endpoint" self
    fi
    try "an index without an entry, and the pod's interface" works "tcp/$INTERFACE" \
        "$list,$INTERFACE" UCX_IB_GID_INDEX=200 "$ROOT/endpoint" self
    bare=UCX_NET_DEVICES=${hcas%%:*}
    if before 1.21; then
        try "a name without a port" fails 'not available' "$bare" "$ROOT/endpoint" self
    else
        try "a name without a port" works rc_verbs "$bare" "$ROOT/endpoint" self
    fi
    before 1.18 || try "an index and subnets" fails "both GID_INDEX and ROCE_SUBNET_LIST" \
        "$list" UCX_IB_GID_INDEX=1 UCX_IB_ROCE_SUBNETS=10.0.0.0/8 "$ROOT/endpoint" self
}

# The two guests walk through the same lists; the ports keep them together.
with_peer() { # serve|connect HOST [broken]
    fabric=${3:+ behind a $3 fabric}
    for mode in none loopback interface; do
        port=$((port + 1))
        words="connect $2 $port" want=works text=rc_verbs
        [ "$1" = connect ] || words="serve $port"
        if [ -n "$fabric" ] && ! before 1.19; then
            want=fails text='no active messages transport'
            [ $mode != interface ] || { want=works text=tcp/$INTERFACE; }
        fi
        variables=$(planned $mode)
        devices=$(echo "$variables" | sed -n 's/^UCX_NET_DEVICES=//p')
        [ -n "$devices" ] || { : >$out; fail "plan --ucx-tcp=$mode" "a list for UCX"; continue; }
        # shellcheck disable=SC2086 # one word a variable, and words
        try "peer$fabric, $devices" $want "$text" $variables "$ROOT/endpoint" $words
    done
}

ran=0
for ucx in debian llm-d wheel; do
    if [ ! -d "$ROOT/$ucx" ]; then
        echo "note: ucx: $ucx was not run: $(cat "$ROOT/$ucx.missing" 2>/dev/null || echo "no $ROOT/$ucx")"
        continue
    fi
    version=$(LD_LIBRARY_PATH=$ROOT/$ucx UCX_NET_DEVICES='' "$ROOT/endpoint" self 2>&1 | sed -n 's/^ucx: //p')
    [ -n "$version" ] || {
        LD_LIBRARY_PATH=$ROOT/$ucx "$ROOT/endpoint" self >$out 2>&1
        fail "$ucx" "that it can be loaded"
        continue
    }
    ran=$((ran + 1))
    case ${1:-} in
    '') one_guest ;;
    *) with_peer "$@" ;;
    esac
done
# For the host: a guest that ends early has none of these.
if [ $failed = 0 ] && [ $ran -gt 0 ]; then echo "pass: ucx"; else echo "fail: ucx, $ran versions ran"; fi
