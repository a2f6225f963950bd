#!/bin/sh
# The long run of the web interface, some minutes: two people at a real browser, with a picture of every page (dark, light, telephone) in
# target/screenshots; attacks on API and pages; a fuzz of the API by its own description; and the first minutes of a new user.
# Wants what tests/setup.sh tests installs, and PyPI.
#
#   tests/web.sh [EXAMPLES]     examples of each route for the fuzz, 50 if not said
set -eu
cd "$(dirname "$0")/.."
. tests/toolchain.sh
tests/setup.sh tests
cargo build --release --workspace --bins
rm -rf target/screenshots
export TOXMAIL_SCREENSHOTS="$PWD/target/screenshots"
cargo test --release --workspace --bin toxmail --test e2e -- dashboard web_attacks the_service_manager the_units
ls "$TOXMAIL_SCREENSHOTS"
tests/schemathesis.sh "${1:-50}" 2>&1 | tee target/schemathesis.log
target/release/bench setup
