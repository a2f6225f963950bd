#!/bin/sh
# Builds the component and asks it the cases. `./build.sh install` also makes it live in the running gateway.
set -eu
cd "$(dirname "$0")"
name=NAME slot=SLOT
toxmail=${TOXMAIL:-toxmail}

[ -d node_modules ] || npm install --silent --no-audit --no-fund
npm run --silent build

"$toxmail" component test "$name.wasm" --case cases/*.toml
if [ "${1:-}" = install ]; then
    "$toxmail" component add "$name.wasm"
    "$toxmail" slot use "$slot" "$name"
fi
