# What stands in /dev/infiniband, /sys and the library's folder.

scenario two-nodes-of-four 'sysfs shows four devices, the pod has the nodes of two'
for n in 0 1 2 3; do device mlx5_$n 10.0.$n.1/24; done
view='only_nodes uverbs1 uverbs3'
plan
exits 0
variable NCCL_IB_HCA =mlx5_1,mlx5_3
variable UCX_NET_DEVICES mlx5_1:1,mlx5_3:1,lo
probe
shows '`/dev/infiniband/uverbs0` is not in this pod'

scenario no-node 'sysfs shows four devices, the pod has no node'
for n in 0 1 2 3; do device mlx5_$n 10.0.$n.1/24; done
view=only_nodes
plan
exits 0
absent NCCL_IB_HCA
plan --rdma=require
exits 1
says uverbs
doctor
shows uverbs-node-missing

scenario unopenable-node 'a node that the user of the pod may not open'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
chmod 600 /dev/infiniband/uverbs0
plan
exits 0
variable NCCL_IB_HCA =mlx5_1
probe
shows 'EACCES (13)'
doctor
shows uverbs-node-unopenable
chmod 666 /dev/infiniband/uverbs0

scenario sys-hidden '/sys is hidden: libibverbs knows the devices still'
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
view='hide /sys'
probe
exits 0
shows mlx5_1
plan
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1

scenario no-libibverbs 'no libibverbs that can be loaded: said, and sysfs is read'
device mlx5_0 10.0.0.1/24
view='hide_library'
plan
exits 0
says libibverbs
variable NCCL_IB_HCA =mlx5_0
plan --rdma=require
exits 1
doctor
shows verbs-library-missing

scenario no-memlock 'no memory may be locked: doctor tries it and says so'
device mlx5_0 10.0.0.1/24
view='ulimit -l 0'
plan
exits 0
doctor
exits 1
shows memory-registration-failed

scenario memlock-unlimited 'memory may be locked: doctor registers 64 MiB'
device mlx5_0 10.0.0.1/24
view='ulimit -l unlimited'
doctor
exits 0
shows '0 errors'
hides memory-registration-failed
hides 'not known: whether memory'
