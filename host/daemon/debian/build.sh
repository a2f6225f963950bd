#!/bin/sh
# Makes a Debian package of the program that is built already, and prints its path.
#
#   host/daemon/debian/build.sh [PROFILE] [OPTIONS OF cargo deb]     target/release where PROFILE is not said
#
# Wants cargo-deb (`cargo install cargo-deb`). CONTRIBUTING.md, "A release", says how to build the program for it.
set -eu
cd "$(dirname "$0")/../../.."
. tests/toolchain.sh
profile="${1:-release}"
[ $# -eq 0 ] || shift
program="target/$profile/toxmail"
made="target/$profile/package"

rm -rf "$made"
mkdir -p "$made/man"
"$program" man "$made/man" >/dev/null 2>&1
gzip -9n "$made"/man/*
for shell in bash zsh fish; do "$program" completions "$shell" >"$made/completions.$shell"; done
# Every crate that is linked into the program, with version and licence.
cargo tree --locked --package daemon --edges normal --prefix none --format '{p} {l}' |
    sed -e 's| (/[^)]*)||' -e 's| (\*)$||' -e 's| (proc-macro)||' | sort -u >"$made/crates.txt"
exec cargo deb --no-build --locked --profile "$profile" --package daemon "$@"
