"""The answers of `compare.py --out` as tables in Markdown, as the docs show them.

usage: python benchmarks/loading/table.py ANSWERS_JSON ...
"""

import json
import sys
from pathlib import Path
from typing import Any

from compare import title

#: What ratios are to.
BY_HAND = "memmap by hand"
HEAD = (
    "loader",
    "M events/s",
    "ratio",
    "each event once, unchanged",
    "score",
    "first batch",
    "memory",
)


def lines(found: dict[str, Any]) -> list[str]:
    """Return the table of a run, the fastest first."""
    done = [answer for answer in found["answers"] if "error" not in answer]
    done.sort(key=rate, reverse=True)
    by_hand = next((rate(answer) for answer in done if answer["name"] == BY_HAND), 0.0)
    rows = [
        (
            title(answer),
            f"{rate(answer):.3g}",
            f"{rate(answer) / by_hand:.2g}" if by_hand else "",
            once(answer),
            f"{answer['score']:.2f}" if answer["score"] < 1000 else "> 1000",
            f"{answer['first_seconds']:.1f} s",
            memory(answer["peak_private"]),
        )
        for answer in done
    ]
    widths = [max(len(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD))]
    rule = tuple("-" * width for width in widths)
    table = [
        "| " + " | ".join(word.ljust(w) for word, w in zip(row, widths, strict=True)) + " |"
        for row in (HEAD, rule, *rows)
    ]
    failed = [f"- {title(a)}: {a['error']}" for a in found["answers"] if "error" in a]
    limit = found["copy_rate"] / found["event_bytes"]
    said = (
        f"{found['events']:,} events, {found['data']}"
        + (f" with the cut `{found['cut']}`" if found["cut"] else "")
        + f", batches of {found['batch_size']:,}, {found['cores']} cores. Memory is copied at "
        f"{found['copy_rate'] / 1e9:.1f} GB/s: {limit / 1e6:.0f} M events/s of "
        f"{found['event_bytes']:.0f} bytes. A plain loop takes {found['row_rate'] / 1e6:.0f} M "
        "events/s in random order."
    )
    return [said, "", *table, *(["", *failed] if failed else [])]


def memory(num_bytes: int) -> str:
    """Return bytes in few characters, so that no line is folded: ``197 MB``, ``2.1 GB``."""
    return f"{num_bytes / 1e6:.0f} MB" if num_bytes < 999.5e6 else f"{num_bytes / 1e9:.1f} GB"


def rate(answer: dict[str, Any]) -> float:
    """Return millions of events a second."""
    return float(answer["events"] / answer["seconds"] / 1e6)


def once(answer: dict[str, Any]) -> str:
    """Return whether each event came once, unchanged."""
    said = [f"{answer[key]:,} {key}" for key in ("repeated", "missing", "unknown") if answer[key]]
    if any("other" in words or "shape" in words for words in answer["wrong"]):
        said.append("wrong numbers")
    if any("as float32" in words for words in answer["wrong"]):
        said.append("integers as float32")
    if any("padded" in words for words in answer["wrong"]):
        said.append("lists padded")
    return ", ".join(said) or "yes"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print("\n".join(lines(json.loads(Path(name).read_text()))), end="\n\n")
