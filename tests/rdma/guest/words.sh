# The words in which the scenarios are written: what there is, and what is wanted. The first begins one, and ends
# the one before.

current=

clock() { cut -d' ' -f1 /proc/uptime; }

# scenario NAME TITLE: nothing of the scenario before is left.
scenario() {
    finish
    current=$1 title=$2 count=0 checks=0 began=$(clock)
    : >/tmp/faults
    clean
}

# One line for each scenario; the host wants `pass:` from every one that it knows.
finish() {
    [ -n "$current" ] || return 0
    local took verdict=pass
    took=$(gawk "BEGIN { printf \"%.1f\", $(clock) - $began }")
    if [ -s /tmp/faults ] || [ "$checks" -eq 0 ]; then verdict=fail; fi
    printf '%s: %-24s %3d checks %5s s  %s\n' $verdict "$current" "$checks" "$took" "$title"
    [ $verdict = pass ] || show
    current=
}

show() {
    sed 's/^/    /' /tmp/faults
    [ "$checks" -gt 0 ] || echo '    no check was made'
    echo "    the last words of what was run (exit code $status):"
    cat /tmp/out /tmp/err | sed 's/^/    | /'
}

clean() {
    local device netdev
    inside= view= status=
    for device in $(devices); do rdma link delete "$device"; done
    ip -all netns delete
    for netdev in $(ls /sys/class/net); do
        case $netdev in lo | eth*) ;; *) ip link delete "$netdev" 2>/dev/null ;; esac
    done
    : >/tmp/out
    : >/tmp/err
}

devices() { ls /sys/class/infiniband 2>/dev/null; }

# device NAME ADDRESS…: a soft-RoCE device on an interface of its own, dummy0, dummy1, ….
device() {
    local device=$1 netdev=dummy$count
    shift
    count=$((count + 1))
    ip link add "$netdev" type dummy
    ip link set "$netdev" up
    address "$netdev" "$@"
    rdma link add "$device" type rxe netdev "$netdev"
}

# address INTERFACE ADDRESS…: the kernel adds them to the table in this order.
address() {
    local netdev=$1 address
    shift
    for address; do ip address add "$address" dev "$netdev"; done
}

# when_waiting WORDS…: as soon as the launcher says that it waits.
when_waiting() {
    local patience=600
    until grep -q 'waiting up to' /tmp/err || [ $patience -eq 0 ]; do
        patience=$((patience - 1))
        sleep 0.2
    done
    "$@"
}

fault() { echo "$*" >>/tmp/faults; }

# is WHAT FOUND EXPECTED…: one of these.
is() {
    local what=$1 found=$2 expected
    shift 2
    checks=$((checks + 1))
    for expected; do [ "$found" != "$expected" ] || return 0; done
    fault "$what is \`$found\`, expected \`$*\`"
}

# variable NAME VALUE…: the plan sets it to this, or to one of these.
variable() {
    local variable=$1
    shift
    is "$variable" "$(sed -n "s/^$variable=//p" /tmp/out)" "$@"
}

absent() { is "$1" "$(sed -n "s/^$1=/set to /p" /tmp/out)" ''; }
exits() { is 'the exit code' "$status" "$1"; }

# gid DEVICE N GID: so it stands in the kernel's table.
gid() { is "GID $2 of $1" "$(cat "/sys/class/infiniband/$1/ports/1/gids/$2")" "$3"; }

# says TEXT, silent TEXT: among the words for people, or not there.
says() {
    checks=$((checks + 1))
    grep -qF -- "$1" /tmp/err || fault "expected the words: $1"
}
silent() {
    checks=$((checks + 1))
    ! grep -qF -- "$1" /tmp/err || fault "expected nothing of: $1"
}

# shows TEXT: in what is printed; runs of spaces count as one.
shows() {
    checks=$((checks + 1))
    tr -s ' ' </tmp/out | grep -qF -- "$1" || fault "expected in the output: $1"
}
hides() {
    checks=$((checks + 1))
    ! grep -qF -- "$1" /tmp/out || fault "expected nothing in the output of: $1"
}

# holds WORDS…, fails WORDS…: of the guest itself, so that a scenario is what it says, and of other programs.
holds() {
    checks=$((checks + 1))
    "$@" >/tmp/held 2>&1 || fault "failed: $* ($(tail -n 1 /tmp/held))"
}
fails() {
    checks=$((checks + 1))
    ! "$@" >/tmp/held 2>&1 || fault "succeeded, which it should not: $*"
}

# uses DEVICE WHAT: the plan, in words, uses this GID index or address there.
uses() {
    local line
    pod "$launcher" plan --rdma-include='*' >/tmp/words 2>/dev/null
    line=$(grep -F "use \`$1:1\`" /tmp/words)
    checks=$((checks + 1))
    case $line in *"GID $2 is "* | *" is $2 on "*) ;; *) fault "$1 with $2 is expected, found: $line" ;; esac
}
