# What devices are called, and how many there are.

scenario eight-ipv4 'eight devices with IPv4 and IPv6: all are used, IPv4 at 1'
for n in 0 1 2 3 4 5 6 7; do device rxe$n 10.0.$n.1/24 fd00:$n::1/64; done
gid rxe7 1 0000:0000:0000:0000:0000:ffff:0a00:0701
probe
exits 0
for n in 0 1 2 3 4 5 6 7; do shows "rxe$n - 1 ACTIVE Ethernet 2.5Gb/s dummy$n 1=10.0.$n.1"; done
plan
exits 0
variable NCCL_IB_HCA =rxe0,rxe1,rxe2,rxe3,rxe4,rxe5,rxe6,rxe7
variable UCX_NET_DEVICES rxe0:1,rxe1:1,rxe2:1,rxe3:1,rxe4:1,rxe5:1,rxe6:1,rxe7:1,lo
variable NCCL_IB_GID_INDEX 1
variable UCX_IB_GID_INDEX 1
absent NVSHMEM_HCA_LIST
absent NVSHMEM_IB_GID_INDEX
variable NCCL_SOCKET_IFNAME =eth0

scenario software-left-alone 'soft-RoCE that nobody named is not used'
device rxe0 10.0.0.1/24
as_pod "$launcher" plan --format env
exits 0
absent NCCL_IB_HCA
says 'no RDMA port can be used'
as_pod "$launcher" plan --rdma=require
exits 1
says '`rxe0`: made of software'

scenario named-mlx5 'mlx5_1 beside mlx5_10: the list means mlx5_1 alone'
for n in 1 10 2; do device mlx5_$n 10.0.$n.1/24; done
plan --rdma-exclude=mlx5_10
exits 0
variable NCCL_IB_HCA =mlx5_1,mlx5_2
variable UCX_NET_DEVICES mlx5_1:1,mlx5_2:1,lo
plan
variable NCCL_IB_HCA =mlx5_1,mlx5_2,mlx5_10

scenario named-by-slot 'names that udev gives: rocep…, ibp…, bnxt_re_bond'
for name in rocep26s0 rocep27s0f1 ibp3s0 bnxt_re_bond0; do
    number=$((count + 1))
    device $name 10.0.$number.1/24
done
plan
exits 0
variable NCCL_IB_HCA =ibp3s0,rocep26s0,rocep27s0f1,bnxt_re_bond0

scenario named-otherwise 'a device renamed while the pod runs: the next look finds its new name'
device rxe0 10.0.0.1/24
device mlx5_3 10.0.1.1/24
plan
variable NCCL_IB_HCA =rxe0,mlx5_3
rdma dev set rxe0 name mlx5_7
plan
variable NCCL_IB_HCA =mlx5_3,mlx5_7

scenario sixteen 'sixteen devices'
for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do device mlx5_$n 10.0.$n.1/24; done
plan --rdma-expect=16
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1,mlx5_2,mlx5_3,mlx5_4,mlx5_5,mlx5_6,mlx5_7,mlx5_8,mlx5_9,mlx5_10,mlx5_11,mlx5_12,mlx5_13,mlx5_14,mlx5_15
variable NCCL_IB_GID_INDEX 1
