#!/bin/sh
# Installs what Toxmail needs on Debian and its relatives, and says what. Does nothing that is done already.
#
#   tests/setup.sh build    what building and the demo need
#   tests/setup.sh tests    that, and the programs the tests use as peers, clients and tools
#
# Packages come from Debian with apt-get (as root, or through sudo). Rust itself must be there (https://rustup.rs).
# The components are WebAssembly. Rust's target for it is installed with `rustup target add`; where that cannot be,
# or with TOXMAIL_WASM=debian, Debian's compiler and library source build it (packages rustc-web, cargo-web,
# rust-web-src).
set -eu
cd "$(dirname "$0")/.."
. tests/toolchain.sh

build_packages="gcc libc6-dev pkg-config libtoxcore-dev"
test_packages="g++ spamassassin make swaks curl mpop msmtp mutt fetchmail bind9 bind9-utils python3 chromium chromium-driver toxcore-utils"
wasm_packages="rustc-web cargo-web rust-web-src"

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else stop "these packages are missing and neither root nor sudo is at hand; run as root: $*"
    fi
}

install_packages() {
    missing=""
    for package in "$@"; do is_installed "$package" || missing="$missing $package"; done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null ||
        stop "this is not Debian or a relative; install what these packages are called there:$missing"
    say "installing with apt-get:$missing"
    as_root apt-get update -qq >&2
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
    # Servers among them are started by the tests that use them, on ports of their own.
}

has_wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }

install_wasm_target() {
    if has_wasm_target; then return; fi
    if [ "${TOXMAIL_WASM:-}" != debian ] && command -v rustup >/dev/null; then
        say "adding Rust's WebAssembly target: rustup target add wasm32-unknown-unknown"
        if rustup target add wasm32-unknown-unknown >&2; then return; fi
    fi
    # shellcheck disable=SC2086
    install_packages $wasm_packages
}

# The accessibility check of the browser tests: axe-core, from npm's registry, kept beside what is built.
install_axe() {
    version=4.14.1 folder="target/browser"
    [ ! -f "$folder/node_modules/axe-core/axe.min.js" ] || return 0
    command -v npm >/dev/null || install_packages npm
    say "fetching axe-core $version with npm"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --silent "axe-core@$version" >&2
}

# Makes the Debian package: from crates.io, a minute or two.
install_cargo_deb() {
    version=3.8.0
    ! cargo deb --version >/dev/null 2>&1 || return 0
    say "installing cargo-deb $version with cargo"
    cargo install "cargo-deb@$version" --locked --quiet >&2
}

command -v cargo >/dev/null || stop "Rust is missing; install it from https://rustup.rs and run this again"

# Python's test mails: their package has Python's version in its name.
find_python_testsuite() {
    apt-cache search --names-only '^libpython3[.][0-9]+-testsuite$' 2>/dev/null | cut -d' ' -f1 | sort -V | tail -n 1
}

python_testsuite() {
    found="$(find_python_testsuite)"
    if [ -z "$found" ] && command -v apt-get >/dev/null; then
        # A fresh machine has no lists of packages yet.
        as_root apt-get update -qq >&2
        found="$(find_python_testsuite)"
    fi
    printf '%s' "$found"
}

case "${1:-}" in
    build) packages="$build_packages" ;;
    tests) packages="$build_packages $test_packages $(python_testsuite)" ;;
    *) stop "usage: tests/setup.sh build|tests" ;;
esac
# shellcheck disable=SC2086
install_packages $packages
install_wasm_target
[ "$1" != tests ] || { install_axe; install_cargo_deb; }
