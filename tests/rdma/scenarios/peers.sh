# Two pods on two nodes. Both guests go through these, so each line comes twice.

scenario peer-same-index 'data crosses to a peer with the index of the plans'
fabric 1
plan
variable NCCL_IB_HCA =mlx5_0
variable NCCL_IB_GID_INDEX 1
holds crosses "$(set_to NCCL_IB_GID_INDEX)"

scenario peer-other-index 'each side has its own index'
fabric "$mine"
plan
variable NCCL_IB_GID_INDEX "$mine"
holds crosses "$(set_to NCCL_IB_GID_INDEX)"
