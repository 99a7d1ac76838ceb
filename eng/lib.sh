# Shared by the scripts of this folder: processes we own, found again by pid and start time, never by name.
# The including script sets `dir`, its state folder.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# The script's own head comment is its help.
usage() {
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

need() {
    local tool
    for tool; do command -v "$tool" >/dev/null || die "$tool is missing: run eng/install"; done
}

# What tells a process apart from a later one with the same pid: when it began, in clock ticks since boot.
# Nothing for one that has ended but was not yet waited for.
birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" {print $20}'; }

# spawn NAME COMMAND...: starts it in the background, detached, its output in $dir/log/NAME.out.
spawn() {
    local name=$1
    shift
    mkdir -p "$dir/run" "$dir/log"
    setsid "$@" >"$dir/log/$name.out" 2>&1 </dev/null &
    remember "$name" $!
}

remember() { echo "$2 $(birth "$2")" >"$dir/run/$1.pid"; }

# alive NAME: true if what spawn started still runs; sets pid.
alive() {
    local born
    pid=
    [ -s "$dir/run/$1.pid" ] || return 1
    read -r pid born <"$dir/run/$1.pid"
    [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]
}

# halt NAME [SIGNAL]: ends it and waits until it and its children are gone; after 15 s they are killed.
# spawn made it the leader of a process group of its own.
halt() {
    if alive "$1"; then
        if [ "${2-}" != KILL ]; then
            kill "$pid"
            until_true 15 group_gone "$pid" || say "$1 does not end by itself"
        fi
        kill -KILL -- "-$pid" 2>/dev/null || true
        until_true 5 group_gone "$pid"
    fi
    rm -f "$dir/run/$1.pid"
}

# A process that ends while it is looked at makes cat fail: that says nothing about the group.
group_gone() { ! { cat /proc/[0-9]*/stat 2>/dev/null || :; } | sed 's/.*) //' | awk -v group="$1" '$3 == group && $1 != "Z" {found = 1} END {exit !found}'; }

# until_true SECONDS COMMAND...: repeats it quietly until it succeeds.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# ready NAME SECONDS COMMAND...: waits until COMMAND succeeds; shows the log if NAME dies or takes longer.
ready() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! alive "$name" || [ $SECONDS -ge $deadline ]; then
            tail -n 8 "$dir/log/$name"* >&2
            die "$name did not start"
        fi
        sleep 0.1
    done
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

need_port() {
    local port
    for port; do if port_is_taken "$port"; then die "port $port is in use"; fi; done
}

# free_ports N: prints N different ports, below the range the kernel hands out by itself, on which nobody listens, nor
# on the next one (Ceph's monitor takes two).
free_ports() {
    local found=() port
    while [ ${#found[@]} -lt "$1" ]; do
        port=$((20000 + RANDOM % 6000 * 2))
        case " ${found[*]} " in *" $port "*) continue ;; esac
        port_is_taken "$port" || port_is_taken $((port + 1)) || found+=("$port")
    done
    echo "${found[@]}"
}

show() {
    local name
    for name; do
        if alive "$name"; then echo "$name pid $pid, $(awk '/VmRSS/ {print int($2 / 1024) " MiB"}' "/proc/$pid/status")"; else echo "$name stopped"; fi
    done
}

# removed only if it looks like a state folder of ours: it has run/.
remove_state() {
    if [ -d "$dir/run" ]; then rm -rf -- "$dir"; fi
}
