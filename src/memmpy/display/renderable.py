"""A mixin: results print the same in a terminal, with rich and in a notebook."""

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from memmpy.display.page_style import styled_html
from memmpy.display.tables import TrimmedLines, printable

if TYPE_CHECKING:
    import rich.console

__all__ = ["DisplayBlock", "Renderable"]


class DisplayBlock(Protocol):
    """A part of the display of a result, such as a `Table`."""

    def to_text(self) -> str:
        """Return it as plain text."""
        ...

    def to_html(self) -> str:
        """Return it as HTML."""
        ...

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult": ...


class Renderable(ABC):
    """A result that shows itself. A class gives `_blocks`; text, rich and HTML follow from it."""

    __slots__ = ()

    @abstractmethod
    def _blocks(self) -> Sequence[str | DisplayBlock]:
        """Return the parts of the display, from top to bottom; a str is a paragraph."""

    def __repr__(self) -> str:
        return "\n\n".join(
            printable(block) if isinstance(block, str) else block.to_text()
            for block in self._blocks()
        )

    def __rich__(self) -> "rich.console.Group":
        from rich.console import Group
        from rich.text import Text

        # Texts of users are shown unchanged: jet_pt[0] is no markup.
        return Group(
            *(
                TrimmedLines(Text(printable(block))) if isinstance(block, str) else block
                for block in self._blocks()
            )
        )

    def _repr_html_(self) -> str:
        content = "".join(
            f"<p>{html.escape(printable(block))}</p>" if isinstance(block, str) else block.to_html()
            for block in self._blocks()
        )
        return styled_html(content)
