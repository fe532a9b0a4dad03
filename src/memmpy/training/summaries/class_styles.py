"""The colours of classes in pictures."""

from typing import Any

from memmpy.figures import line_style

__all__ = ["style_of_class"]


def style_of_class(classes: tuple[str, ...], number: int) -> dict[str, Any]:
    """Return the style of a class; the last number is for the events of no class."""
    return line_style(number if number < len(classes) - 1 else -1)
