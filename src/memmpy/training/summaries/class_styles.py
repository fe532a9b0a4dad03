"""The colours of classes in pictures, and names that are short enough for a panel."""

from typing import Any

from memmpy.figures import line_style

__all__ = ["short_name", "style_of_class"]


def style_of_class(classes: tuple[str, ...], number: int) -> dict[str, Any]:
    """Return the style of a class; the last number is for the events of no class."""
    return line_style(number if number < len(classes) - 1 else -1)


def short_name(name: str, *, limit: int = 30) -> str:
    """Return a name whose middle is left out if it is long."""
    if len(name) <= limit:
        return name
    return f"{name[: limit // 2 - 1]}...{name[-(limit // 2 - 2) :]}"
