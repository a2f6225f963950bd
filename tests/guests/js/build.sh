#!/bin/sh
# Builds the component and asks it the cases.
set -eu
cd "$(dirname "$0")"

[ -d node_modules ] || npm install --silent --no-audit --no-fund
npm run --silent build

"${TOXMAIL:-toxmail}" component test evil.wasm --case ../cases/*.toml
