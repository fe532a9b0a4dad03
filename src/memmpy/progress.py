"""A progress bar for long work, shown on terminals."""

import sys
from types import TracebackType
from typing import Any, final

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
        is_shown = sys.stderr.isatty() if show is None else show
        self._bar = _new_bar() if is_shown and total else None
        self._title, self._total, self._done = title, total, 0.0

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._task = self._bar.add_task(self._title, total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, num_entries: float) -> None:
        """Count entries as done; a part of one where only some of its columns are."""
        self._done += num_entries
        if self._bar is not None:
            self._bar.update(self._task, completed=round(self._done))


def _new_bar() -> Any:  # rich is imported only where a bar is shown
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("entries"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
