# What real UCX does in one guest: two devices, and the interface of an ordinary pod.
. /test/words.sh
clean
count=0
ip link add eth0 type dummy
ip link set eth0 up
ip address add 10.244.3.7/24 dev eth0
ip route add default via 10.244.3.1
for n in 0 1; do device mlx5_$n 10.0.$n.1/24; done
bash /test/ucx.sh
