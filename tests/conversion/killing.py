"""A program that converts, and dies at chosen moments: the n-th time that it touches the store.

Each line that it prints is one JSON value.
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from memmpy import convert, open, verify
from memmpy.store import Transaction, read_metadata
from tests.conversion.everything import arguments_of, check_clean, contents, options_with

T = TypeVar("T")
#: Audit events of what changes a directory; what writes to a file has none, and is wrapped.
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
WRITES = ("write", "pwrite")
OTHERS = ("copy_file_range", "fsync", "fdatasync")


class Watch:
    """Counts how often the store is touched, and does something at the n-th time, before it is.

    A write is half done by then.
    """

    def __init__(self, store: Path, num: int, act: Callable[[], None]) -> None:
        self._store, self._num, self._act = str(store), num, act
        self._lock = threading.Lock()
        self.count = 0
        for name in WRITES:
            setattr(os, name, self._torn(getattr(os, name)))
        for name in OTHERS:
            setattr(os, name, self._watched(getattr(os, name)))
        sys.addaudithook(self._audit)

    def _step(self, half: Callable[[], Any] | None = None) -> None:
        with self._lock:
            self.count += 1
            is_now = self.count == self._num
        if is_now:
            if half is not None:
                half()
            self._act()

    def _torn(self, write: Callable[..., int]) -> Callable[..., int]:
        def torn(file: int, data: Any, *more: Any) -> int:
            self._step(lambda: write(file, bytes(data)[: len(data) // 2], *more))
            return write(file, data, *more)

        return torn

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self._step()
            return call(*arguments, **options)

        return watched

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_written = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (is_written or event in CHANGES) and str(arguments[0]).startswith(self._store):
            self._step()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def in_child(action: Callable[[], object]) -> int:
    """Return how a child ended that does something and prints what comes of it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            found = action()
            if found is not None:
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing of the child may go on as the parent
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class OtherWorkers(Executor):
    """Threads that might as well be machines: all that they make goes to the disk."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2)

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        return self._threads.submit(do, *arguments, **options)


def convert_watched(kind: str, folder: Path, store: Path) -> None:
    """Convert: trees with threads, RNTuples with workers of which nothing is known."""
    files, options = arguments_of(kind, folder)
    executor = OtherWorkers() if kind == "tuple" else None
    convert(files, store, **options_with(executor, options))


def run(kind: str, folder: Path, store: Path, num: int = 0) -> int:
    """Convert, die at a moment if that is not 0, and return how many moments there were."""
    watch = Watch(store, num, die)
    convert_watched(kind, folder, store)
    return watch.count


def once(kind: str, folder: Path, store: Path, num: int) -> None:
    """Die at one moment."""
    assert in_child(lambda: run(kind, folder, store, num)) == -signal.SIGKILL


def often(kind: str, folder: Path, store: Path, num: int) -> None:
    """Die at many moments, and finish after each.

    The stores ``{kind}_old`` and ``{kind}_new`` of the folder are what is there before and after.
    """
    generator = random.Random(kind)
    old, new = (contents(folder / f"{kind}_{when}") for when in ("old", "new"))
    total = int((folder / f"{kind}_moments").read_text())
    for i, moment in enumerate(sorted(generator.sample(range(1, total), num))):
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(folder / f"{kind}_old", store)
        again = generator.randrange(1, moment + 1) if i % 2 else 0
        for at in (moment, again)[: 1 + i % 2]:
            # Threads take turns: now and then there are a few moments less.
            status = in_child(lambda at=at: run(kind, folder, store, at) and None)  # type: ignore[misc]
            assert status in {-signal.SIGKILL, 0}, status

        def check() -> bool:
            is_old = contents(store) == old
            assert is_old or contents(store) == new
            assert verify(store) == []
            assert set(open(store)) == set(read_metadata(store).columns)
            files, options = arguments_of(kind, folder)
            convert(files, store, **options)
            assert contents(store) == new
            with Transaction(store):  # what is left is removed by who writes next
                pass
            check_clean(store)
            return is_old

        assert in_child(check) == 0, moment


def interrupted(kind: str, folder: Path, store: Path, num: int) -> None:
    """Get SIGINT at a moment; print how many there were."""

    def run_interrupted() -> int:
        watch = Watch(store, num, interrupt)
        try:
            convert_watched(kind, folder, store)
        except KeyboardInterrupt:
            return watch.count
        raise AssertionError("it was not interrupted")

    assert in_child(run_interrupted) == 0


def count(kind: str, folder: Path, store: Path, num: int) -> None:
    """Print how many moments there are."""
    assert in_child(lambda: run(kind, folder, store)) == 0


if __name__ == "__main__":
    what = {"once": once, "often": often, "interrupted": interrupted, "count": count}[sys.argv[1]]
    what(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
