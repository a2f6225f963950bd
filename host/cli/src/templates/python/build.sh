#!/bin/sh
# Builds the component and asks it the cases. `./build.sh install` also makes it live in the running gateway.
set -eu
cd "$(dirname "$0")"
name=NAME slot=SLOT
toxmail=${TOXMAIL:-toxmail}

if [ ! -x .venv/bin/componentize-py ]; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
fi
.venv/bin/componentize-py --quiet -d wit -w WORLD componentize --stub-wasi component -o "$name.wasm"

"$toxmail" component test "$name.wasm" --case cases/*.toml
if [ "${1:-}" = install ]; then
    "$toxmail" component add "$name.wasm"
    "$toxmail" slot use "$slot" "$name"
fi
