# Links that are down, come up, or go away.

scenario down-administratively 'an interface that is set down: its port is not used'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
ip link set dummy1 down
holds grep -q DOWN /sys/class/infiniband/mlx5_1/ports/1/state
plan
exits 0
variable NCCL_IB_HCA =mlx5_0
probe
shows 'mlx5_1 - 1 DOWN'

scenario down-without-carrier 'no carrier: the port polls, its GIDs stay in the table, it is not used'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
ip link set dummy1 carrier off
holds grep -q DOWN /sys/class/infiniband/mlx5_1/ports/1/state
gid mlx5_1 1 0000:0000:0000:0000:0000:ffff:0a00:0101
plan
exits 0
variable NCCL_IB_HCA =mlx5_0
plan --rdma-expect=2 --rdma=require
exits 1
says 'mlx5_1'

scenario all-down 'no port is up: nothing is set, and require fails'
device mlx5_0 10.0.0.1/24
ip link set dummy0 carrier off
plan
exits 0
absent NCCL_IB_HCA
plan --rdma=require
exits 1

scenario late-link 'a link that comes up while the launcher waits for it'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
ip link set dummy1 carrier off
when_waiting ip link set dummy1 carrier on &
plan --rdma=require --rdma-expect=2 --rdma-wait=60
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1
says 'waiting up to 60 s'
wait

scenario late-address 'an address that comes while it is waited for: link-local alone is not enough'
device mlx5_0
when_waiting ip address add 10.0.0.1/24 dev dummy0 &
plan --rdma=require --rdma-wait=60
exits 0
variable NCCL_IB_GID_INDEX 1
says 'waiting up to 60 s'
wait

scenario deleted-while-probing 'devices that come and go while they are looked at: no crash, no wrong list'
for n in 0 1 2 3; do device mlx5_$n 10.0.$n.1/24; done
touch /tmp/churn
(while [ -e /tmp/churn ]; do
    rdma link delete mlx5_2
    rdma link add mlx5_2 type rxe netdev dummy2
done) &
looks=0
while [ "$looks" -lt 10 ]; do
    plan
    looks=$((looks + 1))
    exits 0
    silent panicked
    variable NCCL_IB_HCA =mlx5_0,mlx5_1,mlx5_3 =mlx5_0,mlx5_1,mlx5_2,mlx5_3
done
rm /tmp/churn
wait
rdma link delete mlx5_2 2>/dev/null
plan
variable NCCL_IB_HCA =mlx5_0,mlx5_1,mlx5_3
