#!/bin/sh
# The Debian package from end to end: builds it of the program in target/PROFILE, installs an older one, starts the program
# from it, upgrades, and removes and purges it. Leaves the machine as it was. Wants root, dpkg, and what tests/setup.sh tests
# installs; without root it says so and does nothing.
#
#   tests/package.sh [PROFILE]     release where not said
set -eu
cd "$(dirname "$0")/.."
. tests/toolchain.sh
profile="${1:-release}"

say() { printf 'package: %s\n' "$*" >&2; }
fail() { say "FAILED: $*"; exit 1; }

[ "$(id -u)" -eq 0 ] || { say "skipped: installing a package needs root"; exit 0; }
command -v dpkg-deb >/dev/null || { say "skipped: this is not Debian or a relative"; exit 0; }
! dpkg-query -W toxmail >/dev/null 2>&1 || fail "a package toxmail is installed here; remove it first"
[ ! -e /etc/toxmail ] || fail "/etc/toxmail is there already"
[ -x "target/$profile/toxmail" ] || fail "there is no target/$profile/toxmail: build it first"

place="$(mktemp -d)"
started=""
clean_up() {
    [ -z "$started" ] || kill -KILL "$started" 2>/dev/null || true
    dpkg --purge toxmail >/dev/null 2>&1 || true
    rm -rf "$place"
}
trap clean_up EXIT

version_of() { dpkg-query -W -f '${Version}' toxmail; }

# Waits for a condition, for half a minute at most.
wait_for() {
    what="$1" turns=150
    shift
    until "$@" >/dev/null 2>&1; do
        turns=$((turns - 1))
        [ "$turns" -gt 0 ] || { cat "$place/log" >&2; fail "$what"; }
        sleep 0.2
    done
}

# Starts the gateway as the unit does, but with a data directory, ports and a network of its own, and stops it again.
start_and_stop() {
    command="$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/toxmail.service)"
    command="$(printf '%s' "$command" | sed "s|/var/lib/toxmail|$place/data|")"
    # shellcheck disable=SC2086
    $command --no-public-bootstrap --smtp :0 --pop3 :0 --admin :0 >"$place/log" 2>&1 &
    started=$!
    wait_for "the installed program does not start" toxmail status --data "$place/data"
    kill -TERM "$started"
    wait "$started" || { cat "$place/log" >&2; fail "the installed program did not stop with success"; }
    started=""
}

say "building"
older="$(host/daemon/debian/build.sh "$profile" --fast --deb-version 0.0.1-1 --output "$place/older.deb")"
newer="$(host/daemon/debian/build.sh "$profile" --fast --output "$place/newer.deb")"
for package in "$older" "$newer"; do [ -f "$package" ] || fail "no package: $package"; done

# What is in it; asked of the package, because some machines leave manual pages and documentation out.
dpkg-deb --contents "$newer" >"$place/contents"
for file in usr/bin/toxmail etc/toxmail/config.toml usr/share/man/man1/toxmail-up.1.gz \
    usr/share/bash-completion/completions/toxmail usr/share/zsh/vendor-completions/_toxmail \
    usr/share/fish/vendor_completions.d/toxmail.fish usr/share/doc/toxmail/copyright \
    usr/share/doc/toxmail/changelog.Debian.gz usr/share/doc/toxmail/examples/config.toml \
    usr/share/doc/toxmail/README.Debian usr/share/doc/toxmail/crates.txt; do
    grep -q " \./$file\$" "$place/contents" || fail "$file is not in the package"
done

say "installing $older"
dpkg --install "$older" >"$place/log" 2>&1 || { cat "$place/log" >&2; fail "dpkg --install"; }
[ "$(version_of)" = 0.0.1-1 ] || fail "installed is $(version_of)"
systemd-analyze verify --man=no /usr/lib/systemd/system/toxmail.service || fail "the unit of the machine"
XDG_RUNTIME_DIR="$place" systemd-analyze --user verify --man=no /usr/lib/systemd/user/toxmail.service ||
    fail "the unit of a user"
start_and_stop

say "upgrading to $newer"
echo '# A line of the administrator.' >>/etc/toxmail/config.toml
dpkg --install "$newer" >"$place/log" 2>&1 </dev/null || { cat "$place/log" >&2; fail "the upgrade"; }
expected="$(dpkg-deb --field "$newer" Version)"
[ "$(version_of)" = "$expected" ] || fail "after the upgrade it is $(version_of), not $expected"
tail -n 1 /etc/toxmail/config.toml | grep -q administrator || fail "the upgrade lost a change of the configuration"
account="$(cat "$place/data/password")"
start_and_stop
[ "$(cat "$place/data/password")" = "$account" ] || fail "the upgraded program made a new account"

say "removing and purging"
dpkg --remove toxmail >"$place/log" 2>&1 || { cat "$place/log" >&2; fail "dpkg --remove"; }
[ ! -e /usr/bin/toxmail ] || fail "the program is still there"
[ -e /etc/toxmail/config.toml ] || fail "removing took the configuration along"
dpkg --purge toxmail >"$place/log" 2>&1 || { cat "$place/log" >&2; fail "dpkg --purge"; }
[ ! -e /etc/toxmail ] || fail "purging left /etc/toxmail"
! dpkg-query -W toxmail >/dev/null 2>&1 || fail "dpkg still knows it"
say "passed: built, installed, started, upgraded, removed and purged"
