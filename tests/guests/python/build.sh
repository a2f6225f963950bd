#!/bin/sh
# Builds the component and asks it the cases.
set -eu
cd "$(dirname "$0")"

if [ ! -x .venv/bin/componentize-py ]; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
fi
.venv/bin/componentize-py --quiet -d wit -w policy componentize --stub-wasi component -o evil.wasm

"${TOXMAIL:-toxmail}" component test evil.wasm --case ../cases/*.toml
