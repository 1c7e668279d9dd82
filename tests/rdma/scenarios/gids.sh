# What stands in a GID table, and where.

scenario ipv6-only 'IPv6 alone: NCCL is told the family'
for n in 0 1; do device mlx5_$n fd00:$n::1/64; done
gid mlx5_1 1 fd00:0001:0000:0000:0000:0000:0000:0001
plan
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1
variable NCCL_IB_GID_INDEX 1
variable NCCL_IB_ADDR_FAMILY AF_INET6
doctor
shows ' warning'
hides 'calls every peer'

scenario ula-with-ffff 'fd00:3:ffff:1::1 is IPv6, whatever its text contains'
device mlx5_0 fd00:3:ffff:1::1/64
device mlx5_1 fd00:3:ffff:2::1/64
ip address add 10.0.0.1/24 dev dummy0
ip address add 10.0.1.1/24 dev dummy1
gid mlx5_0 1 fd00:0003:ffff:0001:0000:0000:0000:0001
gid mlx5_0 2 0000:0000:0000:0000:0000:ffff:0a00:0001
plan
exits 0
variable NCCL_IB_GID_INDEX 2
absent NCCL_IB_ADDR_FAMILY

scenario link-local-only 'link-local alone: used, and said to reach one segment only'
device mlx5_0
device mlx5_1
plan
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1
absent NCCL_IB_GID_INDEX
uses mlx5_0 0
doctor
shows link-local-only

scenario indices-differ 'the right index is another one on each port: none is voted for'
for n in 0 1 2; do device mlx5_$n; done
address dummy0 10.0.0.1/24
address dummy1 fd00:1::1/64 10.0.1.1/24
address dummy2 fd00:2::1/64 fd00:2::2/64 10.0.2.1/24
gid mlx5_0 1 0000:0000:0000:0000:0000:ffff:0a00:0001
gid mlx5_1 2 0000:0000:0000:0000:0000:ffff:0a00:0101
gid mlx5_2 3 0000:0000:0000:0000:0000:ffff:0a00:0201
plan
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1,mlx5_2
absent NCCL_IB_GID_INDEX
absent UCX_IB_GID_INDEX
for n in 0 1 2; do uses mlx5_$n $((n + 1)); done

scenario address-replaced 'an address taken away and given back lands at another index'
device mlx5_0 10.0.0.1/24 fd00::1/64 fd00::2/64
ip address delete 10.0.0.1/24 dev dummy0
ip address add fd00::3/64 dev dummy0
ip address add 10.0.0.1/24 dev dummy0
gid mlx5_0 1 fd00:0000:0000:0000:0000:0000:0000:0003
gid mlx5_0 4 0000:0000:0000:0000:0000:ffff:0a00:0001
plan
variable NCCL_IB_GID_INDEX 4

scenario vlan "a VLAN's GID stands in its parent's table: the parent's own address is taken"
device mlx5_0 10.0.0.1/24
ip link add link dummy0 name dummy0.7 type vlan id 7
ip link set dummy0.7 up
ip address add 10.7.0.1/24 dev dummy0.7
holds eval '[ "$(cat /sys/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs/3)" = dummy0.7 ]'
plan
exits 0
variable NCCL_IB_GID_INDEX 1
ip address delete 10.0.0.1/24 dev dummy0
plan
uses mlx5_0 10.7.0.1

scenario macvlan "a macvlan's GID stands in its parent's table too"
device mlx5_0 10.0.0.1/24
ip link add link dummy0 name net1 type macvlan mode bridge
ip link set net1 up
ip address add 10.9.0.1/24 dev net1
holds eval '[ "$(cat /sys/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs/3)" = net1 ]'
gid mlx5_0 3 0000:0000:0000:0000:0000:ffff:0a09:0001
plan
exits 0
variable NCCL_IB_GID_INDEX 1
