# Runs the scenario files that are named, in one guest.
. /test/words.sh
. /test/pods.sh
. /test/traffic.sh
ordinary_interface
for file; do
    . "/test/scenarios/$file.sh"
done
finish
