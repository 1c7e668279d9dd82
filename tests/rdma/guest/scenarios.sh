# Runs the scenario files that are named, in one guest.
. /test/words.sh
. /test/pods.sh
. /test/traffic.sh
# The interface of an ordinary pod.
ip link add eth0 type dummy
ip link set eth0 up
ip address add 10.244.3.7/24 dev eth0
ip route add default via 10.244.3.1
for file; do
    . "/test/scenarios/$file.sh"
done
finish
