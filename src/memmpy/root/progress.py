"""A progress bar for long work, shown on terminals."""

import sys
from types import TracebackType
from typing import final

__all__ = ["Progress"]


@final
class Progress:
    """A bar that counts entries.

    Parameters
    ----------
    title : str
        What is being done.
    total : int
        Entries to do; a bar for none is not shown.
    show : bool or None
        None to show it on a terminal only.
    """

    def __init__(self, title: str, total: int, *, show: bool | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        is_shown = sys.stderr.isatty() if show is None else show
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("entries"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not is_shown or total == 0,
        )
        self._title = title
        self._task = self._bar.add_task(title, total=total)

    def say(self, detail: str) -> None:
        """Show what is being done now."""
        self._bar.update(self._task, description=f"{self._title} {detail}")

    def advance(self, num_entries: int) -> None:
        """Count entries as done."""
        self._bar.advance(self._task, num_entries)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
