"""Draws the rates of loaders beside their shuffle scores, from `measured.json`, as two SVG files.

usage: python benchmarks/loading/picture.py

The numbers come from a table of docs/explanation/loading_speed.md; a test compares them. One file
is for light pages, the other for dark ones.
"""

import json
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MEASURED = HERE / "measured.json"
FOLDER = HERE.parents[1] / "docs" / "diagrams"

#: Text, remarks, the bar of memmpy, other bars, and scores of a poor shuffle.
THEMES = {
    "light": ("#1f2328", "#59636e", "#2f7fd1", "#b8c0c8", "#b4540a"),
    "dark": ("#e6edf3", "#9aa4ae", "#58a6ff", "#59636e", "#ffa657"),
}
#: Above this score, the scatter of the classes of a batch is twice that of random batches.
POOR_SCORE = 2.0
WIDTH, ROW, TOP = 560, 26, 50
BAR_LEFT, BAR_WIDTH, SCORE_RIGHT = 192, 204, 546


def picture(measured: dict[str, Any], theme: str) -> str:
    """Return the picture as SVG."""
    text, remark, ours, others, poor = THEMES[theme]
    rows = measured["rows"]
    scale = BAR_WIDTH / max(row["rate"] for row in rows)
    bottom = TOP + ROW * len(rows)
    height = bottom + 18 + 16 * len(measured["setup"])
    first, last = rows[0], rows[-1]
    summary = (
        f"{first['label']} loads {first['rate']} million events per second with a shuffle score of "
        f"{first['score']}; the other loaders load {last['rate']} to {rows[1]['rate']} million."
    )
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" font-family="system-ui, sans-serif" '
            'font-size="14">'
        ),
        f"<title>{escape(summary)}</title>",
        _text(BAR_LEFT, 18, "million events per second", text, weight=600),
        _text(SCORE_RIGHT, 18, "shuffle score", text, anchor="end", weight=600),
        _text(SCORE_RIGHT, 35, "1 is perfect", remark, anchor="end", size=12),
    ]
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        is_ours, is_poor = number == 0, row["score"] > POOR_SCORE
        weight, width = 600 if is_ours else 400, max(row["rate"] * scale, 1.0)
        lines += [
            _text(BAR_LEFT - 8, y + 15, row["label"], text, anchor="end", weight=weight),
            (
                f'<rect x="{BAR_LEFT}" y="{y + 2}" width="{width:.1f}" height="18" rx="2" '
                f'fill="{ours if is_ours else others}"/>'
            ),
            _text(BAR_LEFT + width + 6, y + 15, _rate(row["rate"]), text, weight=weight),
            _text(
                SCORE_RIGHT,
                y + 15,
                f"{row['score']:.1f}",
                poor if is_poor else text,
                anchor="end",
                weight=weight,
            ),
        ]
    for number, sentence in enumerate(measured["setup"]):
        lines.append(_text(8, bottom + 22 + 16 * number, sentence, remark, size=12))
    return "\n".join([*lines, "</svg>", ""])


def _rate(rate: float) -> str:
    return f"{rate:.1f}" if rate >= 10 else f"{rate:.2f}"


def _text(x: float, y: int, words: str, colour: str, *, anchor: str = "start", **style: int) -> str:
    """Return a line of text; `style` is its size and its weight."""
    attributes = "".join(f' font-{name}="{value}"' for name, value in style.items())
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{colour}" text-anchor="{anchor}"{attributes}>'
        f"{escape(words)}</text>"
    )


if __name__ == "__main__":
    for theme in THEMES:
        content = picture(json.loads(MEASURED.read_text(encoding="utf-8")), theme)
        (FOLDER / f"loading-{theme}.svg").write_text(content, encoding="utf-8")
