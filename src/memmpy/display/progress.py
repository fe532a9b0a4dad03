"""A progress bar for long work, and a note of one line, both shown on terminals."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, final

__all__ = ["Note", "Progress", "is_quiet", "is_terminal", "quiet"]

#: The bars that are shown now, of all threads.
_bars: list[Any] = []
#: One object for each quiet block of any thread. No lock: Ctrl-C could leave it taken.
_quiet_blocks: list[object] = []


@contextmanager
def quiet(*, when: bool = True) -> Iterator[None]:
    """Show no notes in this process until the block ends, if `when` is true."""
    block = object()
    try:
        if when:
            _quiet_blocks.append(block)
        yield
    finally:
        with suppress(ValueError):
            _quiet_blocks.remove(block)


def is_quiet() -> bool:
    """Return whether any thread is in a quiet block."""
    return bool(_quiet_blocks)


def is_terminal() -> bool:
    """Return whether stderr is a terminal."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # it is None, or closed
        return False


@final
class Progress:
    """A progress bar that counts entries, or other things.

    Parameters
    ----------
    title : str
        The work, in a word or two.
    total : int
        Their number. For 0, no bar is shown.
    show : bool or None
        Whether to show the bar; None to show it only on a terminal.
    unit : str
        What it counts, in the plural.
    """

    def __init__(self, title: str, total: int, *, show: bool | None, unit: str = "entries") -> None:
        is_shown = is_terminal() if show is None else show
        self._bar = _new_bar(unit) if is_shown and total else None
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
        """Count entries as done. An entry with only some columns done counts as a fraction."""
        self._done += num_entries
        if self._bar is not None:
            self._bar.update(self._task, completed=round(self._done))


@final
class Note:
    """A line on stderr about current work, which disappears at the end of the ``with`` block.

    If a progress bar is shown, the line is printed above the bar and stays. Any thread may show a
    note. While any thread is `quiet`, no note is shown.

    Parameters
    ----------
    text : str
        The work, in less than a line.
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
    # A closed terminal, or a stderr that was replaced meanwhile, is no reason to fail.
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _new_bar(unit: str) -> Any:  # Any: rich is imported only when a bar is shown
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
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
