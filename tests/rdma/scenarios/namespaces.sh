# What a pod's network namespace shows of devices whose interfaces are elsewhere.

scenario shared-mode 'shared RDMA mode, interfaces of the node: the GIDs are not this pod'"'"'s, and nothing is used'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
namespace pod
holds ip netns exec pod test -e /sys/class/infiniband/mlx5_0
fails ip netns exec pod test -e /sys/class/net/dummy0
plan
exits 0
absent NCCL_IB_HCA
plan --rdma=require
exits 1
says '`mlx5_0'
plan --rdma-gids=any
variable NCCL_IB_HCA =mlx5_0,mlx5_1
variable NCCL_IB_GID_INDEX 1

scenario shared-mode-macvlan 'shared RDMA mode, a macvlan of the rail moved into the pod: its own GID is used'
device mlx5_0 10.0.0.1/24
namespace pod
ip link add link dummy0 name net1 netns pod type macvlan mode bridge
ip -n pod link set net1 up
ip -n pod address add 10.9.0.1/24 dev net1
plan
uses mlx5_0 10.9.0.1

scenario exclusive-mode 'exclusive RDMA mode: the pod has nodes in /dev, and no device behind them'
holds rdma system set netns exclusive
device mlx5_0 10.0.0.1/24
namespace pod
fails ip netns exec pod test -e /sys/class/infiniband/mlx5_0
holds test -e /dev/infiniband/uverbs0
plan
exits 0
absent NCCL_IB_HCA
says 'RDMA device'
plan --rdma=require
exits 1
doctor
shows no-rdma-device
inside=
clean
holds rdma system set netns shared
