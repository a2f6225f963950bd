#!/bin/sh
# Builds the components and asks them the cases.
set -eu
cd "$(dirname "$0")"

[ -d node_modules/@bytecodealliance ] || npm install --silent --no-audit --no-fund
npm run --silent build

"${TOXMAIL:-toxmail}" component test evil.wasm --case ../cases/*.toml
"${TOXMAIL:-toxmail}" component test evil-filter.wasm --case ../cases/filter/*.toml
