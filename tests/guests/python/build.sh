#!/bin/sh
# Builds the components and asks them the cases.
set -eu
cd "$(dirname "$0")"

if [ ! -x .venv/bin/componentize-py ]; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
fi
.venv/bin/componentize-py --quiet -d wit -w decisions componentize --stub-wasi component -o evil.wasm
.venv/bin/componentize-py --quiet -d wit -w filter componentize --stub-wasi filter -o evil-filter.wasm

"${TOXMAIL:-toxmail}" component test evil.wasm --case ../cases/*.toml
"${TOXMAIL:-toxmail}" component test evil-filter.wasm --case ../cases/filter/*.toml
