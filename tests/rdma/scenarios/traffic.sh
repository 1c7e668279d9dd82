# Data crosses with what the plan says, and does not with an index that is wrong.

scenario traffic 'an RC connection on each port with the index of the plan; none with an empty entry'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24 fd00:1::1/64
plan
variable NCCL_IB_GID_INDEX 1
for n in 0 1; do holds pingpong mlx5_$n "$(set_to NCCL_IB_GID_INDEX)"; done
no_connection mlx5_0 5

scenario traffic-ipv6 'an RC connection where there is IPv6 alone'
device mlx5_0 fd00:0::1/64
plan
variable NCCL_IB_GID_INDEX 1
holds pingpong mlx5_0 "$(set_to NCCL_IB_GID_INDEX)"

scenario traffic-vote 'two ports have their address at 1, one at 3: a vote takes 1, where the third has nothing'
for n in 0 1 2; do device mlx5_$n; done
address dummy0 10.0.0.1/24
address dummy1 10.0.1.1/24
address dummy2 fd00:2::1/64 fd00:2::2/64 10.0.2.1/24
ip address delete fd00:2::1/64 dev dummy2
gid mlx5_2 1 0000:0000:0000:0000:0000:0000:0000:0000
gid mlx5_2 3 0000:0000:0000:0000:0000:ffff:0a00:0201
plan
variable NCCL_IB_HCA =mlx5_0,mlx5_1,mlx5_2
absent NCCL_IB_GID_INDEX
is 'the indices of the plan' "$(index mlx5_0) $(index mlx5_1) $(index mlx5_2)" '1 1 3'
for n in 0 1 2; do holds pingpong mlx5_$n "$(index mlx5_$n)"; done
vote=1
if has_kserve; then
    holds kserve
    vote=$(sed -n 's/^NCCL_IB_GID_INDEX=//p' /tmp/vllm.env)
    is "the index of KServe's vote" "$vote" 1
    is 'its list' "$(sed -n 's/^NCCL_IB_HCA=//p' /tmp/vllm.env)" mlx5_0,mlx5_1,mlx5_2
fi
no_connection mlx5_2 "$vote"

scenario traffic-pod "shared RDMA mode: data crosses from the pod's namespace, by a GID of the node"
device mlx5_0 10.0.0.1/24
namespace pod
plan --rdma-gids=any
variable NCCL_IB_GID_INDEX 1
holds pingpong mlx5_0 1
