#!/usr/bin/env python3
"""Draws the crates and which uses which, as the Cargo.toml files have it: pictures/crates.svg.

    tests/crates.py           writes the picture
    tests/crates.py --check   fails if the picture is not what it would write

An arrow that follows from others (smtp uses listener, listener uses mail) is left out. Crates that nearly all others use
are bars at the bottom; a coloured dot in a box stands for the arrow to such a bar. No dot, no arrow: not used, or only
through another crate.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "pictures" / "crates.svg"
BARS = {"mail": "the words all others speak: addresses, envelopes, records; no I/O",
        "supervisor": "tasks and threads that live long"}
BOX_WIDTH, BOX_HEIGHT, GAP, ROW, MARGIN = 84, 34, 14, 92, 12

STYLE = """
  text { font: 14px sans-serif; fill: #1f2328; text-anchor: middle }
  text.note { font-size: 12px; fill: #59636e }
  rect { fill: #ddf4ff; stroke: #54aeff }
  rect.mail, circle.mail { fill: #dafbe1; stroke: #2da44e } circle { stroke-width: 3 }
  rect.supervisor, circle.supervisor { fill: #fff1c2; stroke: #bf8700 }
  path { fill: none; stroke: #59636e; stroke-width: 1.2; marker-end: url(#head) }
  marker path { fill: #59636e; stroke: none; marker-end: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } text.note { fill: #9198a1 }
    rect { fill: #0c2d6b; stroke: #388bfd }
    rect.mail, circle.mail { fill: #033a16; stroke: #2ea043 }
    rect.supervisor, circle.supervisor { fill: #4b2900; stroke: #d29922 }
    path { stroke: #9198a1 } marker path { fill: #9198a1 }
  }
"""


def uses_of_crates():
    """For each crate of host/ the crates it uses, tests aside."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    packages = json.loads(subprocess.check_output(command, cwd=ROOT))["packages"]
    crates = {p["name"]: p for p in packages if Path(p["manifest_path"]).parent.parent.name == "host"}

    def is_used(d):
        """What is optional is there for tests of other crates."""
        return d["kind"] is None and not d["optional"] and d["name"] in crates

    return {name: sorted({d["name"] for d in p["dependencies"] if is_used(d)})
            for name, p in sorted(crates.items())}


def reach(uses, crate):
    """Everything a crate uses, directly or not."""
    found = set()
    for used in uses[crate]:
        found |= {used} | reach(uses, used)
    return found


def without_implied(uses):
    """The arrows that do not follow from others."""
    return {crate: [used for used in direct
                    if not any(used in reach(uses, other) for other in direct if other != used)]
            for crate, direct in uses.items()}


def rows_of(arrows):
    """Crates by row, each below everything that uses it; long arrows pass rows as points (crate, used, row)."""
    depth = {}

    def depth_of(crate):
        if crate not in depth:
            depth[crate] = 1 + max((depth_of(c) for c in arrows if crate in arrows[c]), default=-1)
        return depth[crate]

    boxes = [crate for crate in arrows if crate not in BARS]
    rows = [[] for _ in range(1 + max(map(depth_of, boxes)))]
    chains = []
    for crate in boxes:
        rows[depth[crate]].append(crate)
    for crate in boxes:
        for used in arrows[crate]:
            if used not in BARS:
                points = [(crate, used, row) for row in range(depth[crate] + 1, depth[used])]
                for point in points:
                    rows[point[2]].append(point)
                chains.append([crate, *points, used])
    return rows, chains


def ordered(rows, chains):
    """Each row in an order that keeps arrows short, found by exchanging two at a time until nothing gets better."""
    links = [(a, b) for chain in chains for a, b in zip(chain, chain[1:])]

    def length():
        place = {node: (index + 0.5) / len(row) for row in rows for index, node in enumerate(row)}
        return sum((place[a] - place[b]) ** 2 for a, b in links)

    best, improved = length(), True
    while improved:
        improved = False
        for row in rows:
            for i in range(len(row)):
                for j in range(i):
                    row[i], row[j] = row[j], row[i]
                    found = length()
                    if found < best - 1e-9:
                        best, improved = found, True
                    else:
                        row[i], row[j] = row[j], row[i]
    return rows


def width_of(node):
    return BOX_WIDTH if isinstance(node, str) else 16


def drawing(uses):
    arrows = without_implied(uses)
    rows, chains = rows_of(arrows)
    rows = ordered(rows, chains)
    total = max(sum(width_of(n) + GAP for n in row) - GAP for row in rows)
    center = {}
    for depth, row in enumerate(rows):
        free = total - sum(map(width_of, row))
        space, x = free / (len(row) + 1), MARGIN
        if len(row) > 1 and space < GAP:
            space = free / (len(row) - 1)
            x -= space
        for node in row:
            x += space + width_of(node) / 2
            center[node] = (x, MARGIN + BOX_HEIGHT / 2 + depth * ROW)
            x += width_of(node) / 2

    shapes = []
    for chain in chains:
        (x, y), *rest = [center[node] for node in chain]
        rest[-1] = (rest[-1][0], rest[-1][1] - BOX_HEIGHT / 2 - 2)
        line = f"M{x:.0f} {y + BOX_HEIGHT / 2:.0f}" + "".join(f" L{x:.0f} {y:.0f}" for x, y in rest)
        shapes.append(f'<path d="{line}"><title>{chain[0]} uses {chain[-1]}</title></path>')
    for crate, (x, y) in ((node, at) for node, at in center.items() if isinstance(node, str)):
        left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
        shapes.append(f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>')
        shapes.append(f'<text x="{x:.0f}" y="{y + 3:.0f}">{crate}</text>')
        for index, bar in enumerate(BARS):
            if bar in arrows[crate]:
                shapes.append(f'<circle class="{bar}" cx="{x - 8 + 16 * index:.0f}" cy="{top + BOX_HEIGHT:.0f}" r="5">'
                              f"<title>{crate} uses {bar}</title></circle>")
    y = MARGIN + len(rows) * ROW - 24
    for bar, note in BARS.items():
        shapes.append(f'<rect class="{bar}" x="{MARGIN}" y="{y}" width="{total:.0f}" height="{BOX_HEIGHT}" rx="6"/>')
        shapes.append(f'<circle class="{bar}" cx="{MARGIN + 18}" cy="{y + BOX_HEIGHT // 2}" r="5"/>')
        shapes.append(f'<text x="{MARGIN + total / 2:.0f}" y="{y + 22}">{bar}: {note}</text>')
        y += BOX_HEIGHT + 8
    head = ('<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z"/></marker>')
    size = f"{total + 2 * MARGIN:.0f} {y + MARGIN - 8:.0f}"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">',
                      "<title>The crates of host/, each above those it uses</title>",
                      f"<style>{STYLE}</style>", f"<defs>{head}</defs>", *shapes, "</svg>", ""])


def main():
    text = drawing(uses_of_crates())
    if "--check" not in sys.argv[1:]:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(text)
    elif not PICTURE.exists() or PICTURE.read_text() != text:
        sys.exit("pictures/crates.svg is not what the Cargo.toml files say: run tests/crates.py and commit it")


main()
