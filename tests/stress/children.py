"""Forked children: each does one dangerous thing, and its end is looked at from outside."""

import faulthandler
import os
import pickle
import re
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import memmpy
from memmpy.errors import MemmpyError

__all__ = ["End", "attempt", "run", "run_each"]

T = TypeVar("T")

_PACKAGE = Path(memmpy.__file__).parent
#: A line of memmpy in what `faulthandler` says.
_FRAME = re.compile(rf'File "{re.escape(str(_PACKAGE))}/([^"]+)", line (\d+) in (\w+)')
#: Seconds after which an action hangs: it takes some 20 ms.
TIMEOUT = 20.0
_LENGTH = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class End:
    """How an action in a child ended.

    Parameters
    ----------
    how : str
        ``value``, ``error`` for a `MemmpyError`, ``raw`` for any other, ``signal`` or ``hang``.
    value : object
        What the action returned.
    text : str
        Type and message of an error, or the name of a signal.
    place : str
        The last line of memmpy that was run.
    """

    how: Literal["value", "error", "raw", "signal", "hang"]
    value: Any = None
    text: str = ""
    place: str = ""


def attempt(action: Callable[[], object]) -> End:
    """Do something in this process; what would end it ends it."""
    try:
        return End("value", action())
    except BaseException as error:  # noqa: BLE001 - all that an action raises is looked at
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
        last = (ours or frames)[-1]
        place = f"{Path(last.filename).name}:{last.lineno} {last.name}"
        if ours:
            name = Path(last.filename).relative_to(_PACKAGE)
            place = f"{name}:{last.lineno} {last.name}"
        text = f"{type(error).__name__}: {error}"[:500]
        return End("error" if isinstance(error, MemmpyError) else "raw", None, text, place)


def run(action: Callable[[], object], *, log: Path, timeout: float = TIMEOUT) -> End:
    """Do something in a child of its own; `log` is a file for what it says at its death."""
    (end,) = run_each([None], lambda _: action(), log=log, timeout=timeout)
    return end


def run_each(
    items: Iterable[T], action: Callable[[T], object], *, log: Path, timeout: float = TIMEOUT
) -> Iterator[End]:
    """Do something with each item in one child; where that dies, the next item gets a new one."""
    left = list(items)
    while left:
        pipe, pipe_in = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(pipe)
            _act(left, action, pipe_in, log)
        os.close(pipe_in)
        is_dead = False
        try:
            while left:
                end = _read(pipe, timeout)
                if end.how in {"signal", "hang"}:
                    if end.how == "hang":
                        os.kill(child, signal.SIGABRT)  # it tells where it is, and dies
                    is_dead = True
                    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                    end = _death(end, code, log)
                del left[0]
                yield end
                if is_dead:
                    break
        finally:
            os.close(pipe)
            if not is_dead:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _act(items: list[T], action: Callable[[T], object], pipe: int, log: Path) -> None:
    """Do it all, tell the parent of each end, and never return."""
    try:
        # A fault that kills the child tells here where it was.
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, 2)
        faulthandler.enable(file)
        for item in items:
            data = pickle.dumps(attempt(partial(action, item)))
            data = _LENGTH.pack(len(data)) + data
            while data:
                data = data[os.write(pipe, data) :]
    finally:
        os._exit(0)


def _read(pipe: int, timeout: float) -> End:
    """Return the next end that a child tells; ``signal`` where it tells nothing more."""
    deadline = time.monotonic() + timeout
    data, length = b"", _LENGTH.size
    while len(data) < length:
        if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return End("hang", None, f"no end within {timeout:g} s")
        more = os.read(pipe, length - len(data))
        if not more:
            return End("signal")
        data += more
        if len(data) == length == _LENGTH.size:
            length += _LENGTH.unpack(data)[0]
    end = pickle.loads(data[_LENGTH.size :])
    assert isinstance(end, End)
    return end


def _death(end: End, code: int, log: Path) -> End:
    """Return how a child died, with the place in memmpy that it told of."""
    said = log.read_text(errors="replace") if log.exists() else ""
    frames = _FRAME.findall(said)
    place = "{}:{} {}".format(*frames[0]) if frames else ""
    if end.how == "hang":
        return End("hang", None, end.text, place)
    if code < 0:
        return End("signal", None, signal.Signals(-code).name, place)
    return End("raw", None, f"the child ended with {code}: {said[-300:]}", place)
