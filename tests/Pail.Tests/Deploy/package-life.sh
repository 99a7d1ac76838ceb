#!/bin/bash
# The life of the Debian package, in a root of Debian: installed, started by its unit's own command line as its user, pushed to,
# upgraded, removed, purged. There is no systemd at work in the root: what it would do by the unit is done here, from the unit.
#
# usage: package-life.sh FOLDER PORT      FOLDER holds pail_1.deb, pail_2.deb and an OCI layout
set -euo pipefail
shared=$1
port=$2
unit=/usr/lib/systemd/system/pail.service
export DEBIAN_FRONTEND=noninteractive

fail() {
    echo "package-life: $*" >&2
    exit 1
}

# Everything but what dpkg, apt and sysusers keep for themselves, and what this script makes.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path "$shared" -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \
        -o -path /var/log -o -path /var/lib/pail -o -path /var/lib/containers \) -prune -o -print | grep -vE '^/etc/(passwd|group|shadow|gshadow)-?$|^/etc/\.pwd\.lock$' | LC_ALL=C sort
}

apt() { apt-get -q -o Dpkg::Use-Pty=0 "$@" >"$shared/apt.log" 2>&1 || { cat "$shared/apt.log" >&2; fail "apt-get $*"; }; }

setting() { sed -n "s/^$1=//p" $unit; }

# As systemd reads the unit: credentials, the environment, the user, the command line.
start() {
    local credentials=/run/credentials/pail.service user words=()
    user=$(setting User)
    install -d -m 500 -o "$user" $credentials
    setting LoadCredential | while IFS=: read -r name file; do
        if [ -e "$file" ]; then install -m 400 -o "$user" "$file" "$credentials/$name"; fi
    done
    setting SetCredential | while IFS=: read -r name text; do
        [ -e "$credentials/$name" ] || { printf '%s' "$text" >"$credentials/$name" && chown "$user" "$credentials/$name"; }
    done
    install -d -m "$(setting StateDirectoryMode)" -o "$user" -g "$(setting Group)" "/var/lib/$(setting StateDirectory)"
    mapfile -t words < <(setting Environment | sed "s|%d|$credentials|g" | tr ' ' '\n'; grep -v '^#' "$(setting EnvironmentFile | sed 's/^-//')" | grep . || true)
    # No /proc but its own processes, no new privileges, no capability.
    unshare --mount bash -c 'mount -t proc -o subset=pid,hidepid=invisible proc /proc 2>/dev/null || true; exec "$@"' - \
        setpriv --reuid "$user" --regid "$(setting Group)" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
        env -i "${words[@]}" $(setting ExecStart) >"$shared/pail.log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
        if curl -sfo /dev/null "http://127.0.0.1:$port/readyz"; then return; fi
        kill -0 $server 2>/dev/null || break
        sleep 0.1
    done
    cat "$shared/pail.log" >&2
    fail "the service does not start"
}

stop() {
    kill $server
    wait $server || fail "the service ended with $?"
}

copy() { skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "$@"; }

before=$(files)
apt install -y "$shared/pail_1.deb"
pail --version | grep -q '^pail ' || fail "no version"
man -w pail-serve >/dev/null || fail "no man page"
for file in bash-completion/completions/pail zsh/vendor-completions/_pail fish/vendor_completions.d/pail.fish doc/pail/copyright; do [ -s /usr/share/$file ] || fail "$file is missing"; done
[ "$(stat -c '%a %U' /etc/pail/secret)" = "600 root" ] || fail "the secret can be read"
[ "$(wc -c </etc/pail/secret)" = 64 ] || fail "the secret is short"
[ ! -e /etc/systemd/system/multi-user.target.wants/pail.service ] || fail "enabled by itself"
# Offline it judges the unit alone; the threshold is ten times the exposure.
systemd-analyze security --offline=yes --threshold=20 $unit >/dev/null || fail "systemd-analyze finds the service too exposed"
systemd-analyze verify $unit || fail "the unit is not valid"

echo "PAIL_LISTEN=127.0.0.1:$port" >>/etc/default/pail
start
copy "oci:$shared/layout:1" "docker://127.0.0.1:$port/team/app:1"
[ "$(stat -c %U /var/lib/pail/v2)" = pail ] || fail "images are not the user's"
stop

secret=$(cat /etc/pail/secret)
apt install -y "$shared/pail_2.deb"
dpkg-query -W -f '${Version} ${db:Status-Status}' pail | grep -qx '99.0 installed' || fail "not upgraded"
[ "$(cat /etc/pail/secret)" = "$secret" ] || fail "an upgrade changed the secret"
grep -qx "PAIL_LISTEN=127.0.0.1:$port" /etc/default/pail || fail "an upgrade changed the settings"
start
copy "docker://127.0.0.1:$port/team/app:1" "oci:$shared/pulled:1"
diff <(skopeo inspect --raw "oci:$shared/layout:1") <(skopeo inspect --raw "oci:$shared/pulled:1") || fail "another image"
stop

apt remove -y pail
[ ! -e /usr/bin/pail ] || fail "the program stayed"
[ -e /etc/default/pail ] && [ -e /etc/pail/secret ] || fail "remove took the settings"
apt purge -y pail
grep -q '/var/lib/pail holds images and stays' "$shared/apt.log" || fail "nothing was said of the images"
[ -d /var/lib/pail/v2 ] || fail "purge took the images"
diff <(echo "$before") <(files) || fail "something was left"
echo "whole life passed"
