#!/bin/sh
# Installs what the tests need, builds everything and runs every test.
set -eu
cd "$(dirname "$0")/.."
. tests/toolchain.sh
tests/setup.sh tests
# The components are a workspace of their own; their logic is tested natively, themselves through the sandbox.
cargo test --release --locked --manifest-path components/Cargo.toml --target-dir target/components-native
# The end-to-end tests start the program itself, which this builds too. They wait for the network more than they compute:
# more threads than processors.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-6}"
cargo test --release --locked --workspace
# The Debian package of the program that was built: installed, started, upgraded, removed.
tests/package.sh
