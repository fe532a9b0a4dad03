"""A progress bar for long work, or a line that says what goes on: shown on terminals."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, final

__all__ = ["Note", "Progress", "is_quiet", "is_terminal", "quiet"]

#: Those that are shown now, of any thread.
_bars: list[Any] = []
#: One for each block that is quiet now, of any thread: an interrupt could leave a lock taken.
_quiet_blocks: list[object] = []


@contextmanager
def quiet(*, when: bool = True) -> Iterator[None]:
    """Show no note in this process for as long as the block lasts, where `when` holds."""
    block = object()
    try:
        if when:
            _quiet_blocks.append(block)
        yield
    finally:
        with suppress(ValueError):
            _quiet_blocks.remove(block)


def is_quiet() -> bool:
    """Return whether some thread is in a quiet block."""
    return bool(_quiet_blocks)


def is_terminal() -> bool:
    """Return whether somebody sees what is written to stderr."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # it is None, or closed
        return False


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
        is_shown = is_terminal() if show is None else show
        self._bar = _new_bar() if is_shown and total else None
        self._title, self._total, self._done = title, total, 0.0

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._task = self._bar.add_task(self._title, total=self._total)
            self._bar.start()
            _bars.append(self._bar)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if self._bar in _bars:
                _bars.remove(self._bar)
            self._bar.stop()

    def advance(self, num_entries: float) -> None:
        """Count entries as done; a part of one where only some of its columns are."""
        self._done += num_entries
        if self._bar is not None:
            self._bar.update(self._task, completed=round(self._done))


@final
class Note:
    """A line on stderr that says what goes on, and vanishes with the end of the ``with`` block.

    Where a bar is shown it is printed above it, and stays. It may be shown from any thread; none is
    where somebody is `quiet`.

    Parameters
    ----------
    text : str
        What is being done, in fewer words than a line has room for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._blank = ""

    def __enter__(self) -> "Note":
        bars = tuple(_bars)
        if is_quiet():
            return self
        if bars:
            bars[-1].console.print(self._text, highlight=False, markup=False)
        else:
            self._blank = " " * len(self._text)
            _write(f"\r{self._text}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._blank:
            _write(f"\r{self._blank}\r")


def _write(text: str) -> None:
    # A terminal that was closed, or a stderr of another kind meanwhile, is no reason to fail.
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


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
