#!/bin/sh
# Installs what the tests need, builds everything and runs every test.
set -eu
cd "$(dirname "$0")/.."
tests/setup.sh tests
# The components are a workspace of their own; their logic is tested natively, themselves through the sandbox.
cargo test --release --locked --manifest-path components/Cargo.toml --target-dir target/components-native
# The end-to-end tests start the program itself: it has to be there first.
cargo build --release --locked --package daemon
cargo test --release --locked --workspace
