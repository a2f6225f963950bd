#!/bin/sh
# Fuzzes the web API by its own description, against a gateway of its own: no answer of class 5, nothing the description forbids is
# taken. Some minutes; for the long mode and by hand. Wants python3 with venv, and PyPI.
#
#   tests/schemathesis.sh [EXAMPLES]     examples of each route, 50 if not said
set -eu
cd "$(dirname "$0")/.."
examples="${1:-50}" venv=target/browser/venv
[ -x "$venv/bin/schemathesis" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet schemathesis==4.32.5; }
program="${TOXMAIL:-target/release/toxmail}"
[ -x "$program" ] || { echo "build first: cargo build --release" >&2; exit 1; }

data="$(mktemp -d)"
"$program" up --data "$data" --no-public-bootstrap --smtp 127.0.0.1:0 --pop3 127.0.0.1:0 --admin 127.0.0.1:0 >"$data/log" 2>&1 &
gateway=$!
trap 'kill "$gateway"; wait "$gateway" || true; rm -rf "$data"' EXIT
waited=0
while [ ! -f "$data/ready.json" ]; do
    waited=$((waited + 1))
    [ "$waited" -le 60 ] && kill -0 "$gateway" || { cat "$data/log" >&2; exit 1; }
    sleep 1
done
address="$(sed -n 's/.*"admin": "\(.*\)".*/\1/p' "$data/ready.json")"
# Left out: events never end; a password would be changed under the run, and accounts made by the hundred; uploads are no JSON, which
# is all that schemathesis writes (the tests of `admin` send them).
"$venv/bin/schemathesis" run "http://$address/api/v1/openapi.json" \
    --header "Authorization: Bearer $(cat "$data/admin-token")" \
    --exclude-path /api/v1/events --exclude-path /api/v1/accounts --exclude-path-regex '/accounts/.*' \
    --exclude-operation-id add_component --exclude-operation-id test_component --exclude-operation-id replay --exclude-operation-id import_mail \
    --max-examples "$examples" --phases fuzzing --suppress-health-check all --request-timeout 60 --no-color \
    --checks not_a_server_error,content_type_conformance,response_schema_conformance,negative_data_rejection
