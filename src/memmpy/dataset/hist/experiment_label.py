"""The label and the style of an experiment, from mplhep, for one figure."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from memmpy.errors import require

__all__ = ["add_label", "enter_style"]

#: The width and height of a figure in inches.
_SIZE = (6.6, 4.8)
#: The styles of `mplhep.style` by experiment.
_STYLES = {"ALICE": "ALICE", "ATLAS": "ATLAS", "CMS": "CMS", "DUNE": "DUNE", "LHCb": "LHCb2"}


def enter_style(stack: ExitStack, label: str | None) -> tuple[float, float]:
    """Set the style of an experiment until the stack ends, and return its size of a figure."""
    if label is None:
        return _SIZE
    import matplotlib as mpl

    # The import itself may change settings, too.
    stack.enter_context(mpl.rc_context())
    mplhep = require("mplhep", what="a label of an experiment", extra="plot")
    style = _STYLES.get(label.split(maxsplit=1)[0])
    if style is None:
        return _SIZE
    mpl.rcParams.update(getattr(mplhep.style, style))
    # Matplotlib looks up "sans-serif" when it saves the figure, after this style has ended.
    mpl.rcParams["font.family"] = _first_font(mpl.rcParams["font.sans-serif"])
    width, height = mpl.rcParams["figure.figsize"]
    return width, 0.75 * width if height == width else height


def _first_font(names: Sequence[str]) -> str:
    """Return the first font that is installed."""
    from matplotlib.font_manager import findfont

    for name in names:
        with suppress(ValueError):
            findfont(name, fallback_to_default=False)
            return name
    return "sans-serif"


def add_label(figure: Any, label: str) -> None:
    """Write the label of an experiment above the first panel."""
    from mplhep.label import exp_text

    experiment, _, text = label.strip().partition(" ")
    if experiment not in _STYLES:
        experiment, text = label.strip(), ""
    figure.axes[0].yaxis.set_offset_position("right")
    # To make room for a power of ten, mplhep would open a figure of pyplot.
    options = {"loc": 0, "scilocator_adjust": False, "ax": figure.axes[0]}
    for written in exp_text(exp=experiment, text=text, **options):
        if written is not None:
            written.set_parse_math(False)
