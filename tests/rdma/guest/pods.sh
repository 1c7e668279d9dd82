# What a pod sees: its mounts, its network, its user; and the programs that run in it.

launcher=/test/prefill-launcher
# As the image of llm-d does: user 2000, group 0. No capability, and none to be gained.
user='setpriv --reuid 2000 --regid 0 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs'
# The network namespace that it runs in, and what is done to its mounts and limits before it starts.
inside= view=

# The interface of an ordinary pod, with the default route.
ordinary_interface() {
    ip link add eth0 type dummy
    ip link set eth0 up
    ip address add 10.244.3.7/24 dev eth0
    ip route add default via 10.244.3.1
}

# namespace NAME: pods run there from now on, until the scenario ends.
namespace() {
    ip netns add "$1"
    ip -n "$1" link set lo up
    inside="ip netns exec $1"
}

# For `view`: in a mount namespace of the pod's own.
only_nodes() {
    local node mask=/tmp/nodes
    mkdir -p $mask
    busybox mount -t tmpfs tmpfs $mask
    for node; do
        # shellcheck disable=SC2046 # two numbers
        mknod -m 666 $mask/"$node" c $(stat -c '0x%t 0x%T' "/dev/infiniband/$node")
    done
    busybox mount -o bind $mask /dev/infiniband
}
hide() { busybox mount -t tmpfs tmpfs "$1"; }
hide_library() {
    local file
    for file in /lib/*/libibverbs.so.1* /usr/lib/*/libibverbs.so.1*; do
        [ ! -e "$file" ] || busybox mount -o bind /dev/null "$file"
    done
}
export -f only_nodes hide hide_library

# pod COMMAND: as that user, with that view.
pod() {
    local with=$view
    # shellcheck disable=SC2086 # lists of words
    $inside unshare --mount bash -c "${with:-:}; exec \"\$@\"" pod $user "$@"
}

# Each of these leaves what was said in out and err, and the exit code in status. Soft-RoCE is used only where it is
# named, so the plan names every device, unless a flag behind it says otherwise.
as_pod() { pod "$@" >/tmp/out 2>/tmp/err; status=$?; }
plan() { as_pod "$launcher" plan --format env --rdma-include='*' "$@"; }
probe() { as_pod "$launcher" probe "$@"; }
doctor() { as_pod "$launcher" doctor --rdma-include='*' "$@"; }
