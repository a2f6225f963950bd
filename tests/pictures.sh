#!/bin/sh
# Makes the pictures of the README: the dashboard, from what tests/web.sh left in target/screenshots, and the timeline of
# the demo, which it runs (some minutes). Wants what tests/setup.sh tests installs, and the built program.
#
#   tests/pictures.sh [FILE]     FILE has what `toxmail demo --once` printed, to save running it
set -eu
cd "$(dirname "$0")/.."
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

picture() { # FILE WIDTH HEIGHT, of $place/page.html
    chromium --headless --no-sandbox --hide-scrollbars --disable-lcd-text --force-device-scale-factor=1 \
        --window-size="$2,$3" --screenshot="$place/picture.png" "file://$place/page.html" >"$place/log" 2>&1 ||
        { cat "$place/log" >&2; exit 1; }
    mv "$place/picture.png" "$1"
}

overview=target/screenshots/overview-light.png
[ -f "$overview" ] || { echo "there is no $overview: run tests/web.sh first" >&2; exit 1; }
cp "$overview" "$place/overview.png"
# The upper part of the page, at three quarters of its size.
echo '<body style="margin:0"><img src="overview.png" width="960">' >"$place/page.html"
picture pictures/dashboard.png 960 536

if [ $# -gt 0 ]; then cp "$1" "$place/demo"; else target/release/toxmail demo --once >"$place/demo"; fi
{
    cat <<'STYLE'
<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 2px 20px; background: #f4f5f4; font: 13px sans-serif; color: #1d211f }
table { border-collapse: collapse }
th { text-align: left; padding: 10px 0 2px; color: #2f5d50 }
td { padding: 1px 10px 1px 0; vertical-align: top }
td:first-child { text-align: right; min-width: 52px; font: 12px monospace; line-height: 16px; color: #59636e }
</style><table>
STYLE
    # Lines with a time are rows, others headlines. Tox IDs are cut short.
    sed -E -e 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/([0-9A-F]{8})[0-9A-F]{68}/\1.../' -e '/^$/d' \
        -e 's|^ *([0-9]+\.[0-9])[0-9]* s  (.*)|<tr><td>\1 s</td><td>\2</td></tr>|' \
        -e '/^<tr>/!s|(.*)|<tr><th colspan="2">\1</th></tr>|' "$place/demo"
} >"$place/page.html"
picture pictures/timeline.png 680 690
