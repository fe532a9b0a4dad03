"""Reads the numbers of the page of a report, as its script does."""

import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PageReader"]


class PageReader:
    """The content of a page: its JSON, its text, and the charts by title."""

    def __init__(self, page: Path) -> None:
        self.html = page.read_text(encoding="utf-8")
        found = re.search(r'id="report-data">(.*?)</script>', self.html, re.DOTALL)
        assert found is not None
        self.data = json.loads(found[1])
        body = re.sub(r"<(script|style).*?</\1>", "", self.html, flags=re.DOTALL)
        self.text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def cards(self) -> list[str]:
        """Return the titles of all charts, in the order of the page."""
        return [html.unescape(one) for one in re.findall(r'data-name="([^"]*)"', self.html)]

    def chart(self, title: str) -> Any:
        """Return the last chart of a title."""
        places = [i for i, card in enumerate(self.cards()) if card == title]
        return self.data["charts"][places[-1]]

    def bins(self, title: str, group: str, *, view: int = 0) -> NDArray[np.float64]:
        """Return the bins of a group of a chart, as the script adds them up."""
        chart = self.chart(title)
        names = self.data["sets"][chart["set"]]["views"][view]
        owner = names["names"].index(group)
        rows = [
            row
            for row, own in zip(chart["bins"], names["of"], strict=True)
            if own == owner and row != 0
        ]
        num = max(len(row) for row in chart["bins"] if row != 0)
        sums: NDArray[np.float64] = np.array([np.zeros(num), *rows]).sum(axis=0)
        return sums

    def edges(self, title: str) -> NDArray[np.float64]:
        """Return the edges of the bins of a chart."""
        chart = self.chart(title)
        num = max(len(row) for row in chart["bins"] if row != 0)
        return np.linspace(chart["low"], chart["high"], num + 1)

    def code(self) -> str:
        """Return the code that makes the data."""
        found = re.search(r"<pre[^>]*><code>(.*?)</code>", self.html, re.DOTALL)
        assert found is not None
        return html.unescape(found[1])
