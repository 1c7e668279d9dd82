# peer.sh serve|connect peers|ucx: one of two guests. eth0 is the pods' network, eth1 the fabric, on which each has an
# HCA.
. /test/words.sh
. /test/pods.sh
. /test/traffic.sh

role=$1
case $role in serve) mine=1 other=2 ;; connect) mine=2 other=1 ;; esac
ip link set eth0 up
ip address add 10.244.0.$mine/24 dev eth0
ip route add default via 10.244.0.254
ip link set eth1 up

# fabric INDEX: an HCA on the fabric, whose IPv4 address is at that index.
fabric() {
    local filler
    ip address flush dev eth1 scope global
    rdma link add mlx5_0 type rxe netdev eth1
    for filler in $(seq 2 "$1"); do address eth1 fd09:$filler::$mine/64; done
    address eth1 10.9.0.$mine/24
}

# crosses INDEX: a hundred messages between the guests. Who connects tries until the other one listens.
crosses() {
    local patience=240 server=
    [ -n "$1" ] || return 1
    if [ "$role" = connect ]; then server=10.244.0.$other; fi
    # Who serves waits for a guest that may have started later.
    while ! pod timeout 300 ibv_rc_pingpong -d mlx5_0 -g "$1" -n 100 $server; do
        patience=$((patience - 1))
        [ "$role" = connect ] && [ $patience -gt 0 ] || return 1
        sleep 1
    done
}

case $2 in
peers)
    . /test/scenarios/peers.sh
    finish
    ;;
ucx)
    clean
    fabric 1
    bash /test/ucx.sh "$role" 10.244.0.1
    # Other networks, and no way from one to the other.
    ip address flush dev eth1 scope global
    address eth1 10.9.$mine.$mine/24
    bash /test/ucx.sh "$role" 10.244.0.1 broken
    ;;
esac
