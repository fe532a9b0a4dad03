"""Charts as small as a word: a distribution, and a share, in text and as SVG."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

__all__ = ["Bar", "InlineChart", "Sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
#: Legible on white and on black.
_COLOR = "#4a90d9"
#: The size of a chart in a page.
_WIDTH, _HEIGHT = 96, 18


class InlineChart(Protocol):
    """A chart in a cell of a table."""

    @property
    def style(self) -> str:
        """The style of rich in which a terminal shows it."""
        ...

    def __str__(self) -> str: ...

    def to_html(self) -> str:
        """Return it as HTML."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Sparkline:
    """The distribution of values: a bar for each bin.

    Attributes
    ----------
    counts : sequence of float
        The content of each bin. Bins without content are blank; negative ones too.
    label : str
        A text that a page shows at the pointer.
    """

    counts: Sequence[float]
    label: str = ""

    @property
    def style(self) -> str:
        """Its colour."""
        return "cyan"

    def __str__(self) -> str:
        return "".join(_BLOCKS[height - 1] if height else " " for height in self._heights(8))

    def to_html(self) -> str:
        """Return it as an SVG element."""
        heights = self._heights(_HEIGHT)
        bars = "".join(
            f"M{i} {_HEIGHT}v{-height}h1v{height}z" for i, height in enumerate(heights) if height
        )
        label = html.escape(self.label, quote=True)
        return (
            f'<svg role="img" aria-label="distribution {label}" viewBox="0 0 {len(heights)} '
            f'{_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" preserveAspectRatio="none">'
            f'<title>{label}</title><path fill="{_COLOR}" d="{bars}"/></svg>'
        )

    def _heights(self, greatest: int) -> list[int]:
        """Return a height for each bin: at least 1 for one with content."""
        counts = [count if count > 0 and math.isfinite(count) else 0.0 for count in self.counts]
        top = max(counts, default=0.0)
        return [max(1, round(greatest * (count / top))) if count else 0 for count in counts]


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """A text with a bar behind it in a page.

    Attributes
    ----------
    text : str
        The text, such as ``12.3 %``.
    share : float
        The length of the bar, from 0 to 1; none for other values.
    """

    text: str
    share: float

    @property
    def style(self) -> str:
        """No style: it is a text like others."""
        return ""

    def __str__(self) -> str:
        return self.text

    def to_html(self) -> str:
        """Return the text and the bar as SVG."""
        text = html.escape(self.text)
        if not 0 <= self.share <= 1:
            return text
        width = f"{_WIDTH / 2 * self.share:.4g}"
        return (
            f'{text} <svg aria-hidden="true" width="{_WIDTH // 2}" height="8">'
            f'<rect width="{_WIDTH // 2}" height="8" rx="2" fill="{_COLOR}" opacity="0.18"/>'
            f'<rect width="{width}" height="8" rx="2" fill="{_COLOR}"/></svg>'
        )
