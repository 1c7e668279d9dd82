# How long a look at 16 devices takes: through libibverbs, through sysfs alone, and by KServe's script. Emulated, so
# the ratios say something and the seconds do not. What is timed must have worked; how long it takes is no verdict.
. /test/words.sh
. /test/pods.sh
. /test/traffic.sh

# fastest TIMES COMMAND…
fastest() {
    local times=$1 best= begin took
    shift
    while [ "$times" -gt 0 ]; do
        times=$((times - 1))
        begin=$EPOCHREALTIME
        "$@" >/dev/null 2>&1 || fault "$*: failed"
        [ "${status:-0}" -eq 0 ] || fault "$*: exit code $status"
        took=$((${EPOCHREALTIME/./} - ${begin/./}))
        if [ -z "$best" ] || [ $took -lt "$best" ]; then best=$took; fi
    done
    echo "$best"
}

# Without what it takes to start a program in the pod at all.
row() { gawk "BEGIN { printf \"figure: %-24s %9.1f ms  %6.1f\n\", \"$1\", ($2 - $start) / 1000, ($2 - $start) / ($verbs - $start) }"; }

scenario figures 'what is timed works'
for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do device mlx5_$n 10.0.$n.1/24; done
start=$(fastest 10 as_pod true)
verbs=$(fastest 10 probe)
echo 'figure: 16 devices, 1024 GIDs each    fastest   ratio'
row 'probe, libibverbs' "$verbs"
row 'plan, libibverbs' "$(fastest 10 plan)"
view=hide_library
row 'probe, sysfs' "$(fastest 3 probe)"
view=
if has_kserve; then row "KServe's script" "$(fastest 1 kserve)"; fi
plan
variable NCCL_IB_GID_INDEX 1
finish
