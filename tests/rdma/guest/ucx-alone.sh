# What real UCX does in one guest: two devices, and the interface of an ordinary pod.
. /test/words.sh
. /test/pods.sh
clean
count=0
ordinary_interface
for n in 0 1; do device mlx5_$n 10.0.$n.1/24; done
bash /test/ucx.sh
