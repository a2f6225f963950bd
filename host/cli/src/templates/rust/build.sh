#!/bin/sh
# Builds the component and asks it the cases. `./build.sh install` also makes it live in the running gateway.
set -eu
cd "$(dirname "$0")"
name=NAME slot=SLOT
toxmail=${TOXMAIL:-toxmail}
target=wasm32-unknown-unknown

if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    cargo build --quiet --release --target "$target"
elif [ -x /usr/bin/cargo ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    # Debian's compiler (packages rustc-web, cargo-web, rust-web-src) builds the standard library along. The linker is that of another
    # toolchain, or Debian's (package lld-22).
    host=$(rustc -vV | sed -n 's/^host: //p')
    for linker in "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" $(ls -r /usr/bin/wasm-ld* 2>/dev/null) none; do
        [ ! -x "$linker" ] || break
    done
    [ "$linker" != none ] || { echo "A linker for WebAssembly is missing. Run: apt-get install lld-22" >&2; exit 1; }
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
        /usr/bin/cargo build --quiet --release -Zbuild-std=std,panic_abort --target "$target"
else
    echo "Rust cannot compile to WebAssembly here. Run: rustup target add $target" >&2
    exit 1
fi
cp "${CARGO_TARGET_DIR:-target}/$target/release/$(echo "$name" | tr - _).wasm" "$name.wasm"

"$toxmail" component test "$name.wasm" --case cases/*.toml
if [ "${1:-}" = install ]; then
    "$toxmail" component add "$name.wasm"
    "$toxmail" slot use "$slot" "$name"
fi
