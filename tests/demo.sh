#!/bin/sh
# Builds Toxmail and runs its demo. Arguments go to `toxmail demo` (--once, --json).
set -eu
cd "$(dirname "$0")/.."
. tests/toolchain.sh
tests/setup.sh build
exec cargo run --release --locked --quiet --package daemon --bin toxmail -- demo "$@"
