"""Tests of how kernels are compiled: what the user is told, and what it costs others."""

import gc
import logging
import os
import pickle
import pty
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.event import trigger_event

from memmpy.display import progress
from memmpy.kernels import jit, jit_notice
from memmpy.kernels.jit import kernel, run_kernel
from memmpy.kernels.jit_notice import NOTE_THREAD
from memmpy.kernels.permute_numba import permute

pytestmark = pytest.mark.skipif(not jit.ENABLED, reason="Numba is switched off")

TEXT = "compiling kernels (once on this machine)"

#: Runs a kernel in 4 threads at once, and prints how often it was compiled, and what it gave.
THREADS_SCRIPT = """
import sys, threading
from memmpy.kernels import jit
jit._notice._shown_until = float("inf")  # as if a note had just been shown
from memmpy.order import Permutation
from memmpy.kernels.permute_numba import permute
start, found = threading.Barrier(4), []

def run():
    order = Permutation(1000, key=7)
    expected = order.run(0, 1000, compiled=False)
    start.wait()
    found.append(bool((order.run(0, 1000, compiled=True) == expected).all()))

threads = [threading.Thread(target=run) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(found, sum(permute.stats.cache_misses.values()))
"""


class Terminal:
    """A stderr that is a terminal, and hands over what is written to it."""

    def __init__(self) -> None:
        self.written: SimpleQueue[str] = SimpleQueue()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.written.put(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    terminal = Terminal()
    # Not that of all modules: pytest puts its own there when the test begins.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(jit_notice, "_PATIENCE", 0.0)
    monkeypatch.setattr(jit._notice, "_shown_until", -np.inf)
    yield terminal
    wait_for_notes()


@pytest.fixture
def logged() -> Iterator[SimpleQueue[str]]:
    """Return what is logged of kernels, as it is."""
    messages: SimpleQueue[str] = SimpleQueue()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.put(f"{record.levelname} {record.getMessage()}")

    handler, logger = Handler(), logging.getLogger("memmpy.kernels.jit")
    logger.addHandler(handler)
    yield messages
    wait_for_notes()
    logger.removeHandler(handler)


def wait_for_notes() -> None:
    for thread in threading.enumerate():
        if thread.name == NOTE_THREAD:
            thread.join()


@contextmanager
def being_compiled(function: Callable[..., Any]) -> Iterator[None]:
    """Tell listeners what Numba tells them when it compiles."""
    with trigger_event("numba:compile", data={"dispatcher": function}):
        yield


def test_a_line_is_shown_while_a_kernel_is_compiled(terminal: Terminal) -> None:
    with being_compiled(permute):
        assert terminal.written.get(timeout=30) == f"\r{TEXT}"
        assert terminal.written.empty()
    assert terminal.written.get(timeout=30) == f"\r{' ' * len(TEXT)}\r"


def test_kernels_that_are_met_inside_others_share_a_line(terminal: Terminal) -> None:
    with being_compiled(permute):
        assert TEXT in terminal.written.get(timeout=30)
        with being_compiled(permute):
            pass
        assert terminal.written.empty()
    assert terminal.written.get(timeout=30).isspace()


def test_kernels_of_others_are_no_news(terminal: Terminal) -> None:
    running = threading.active_count()
    with being_compiled(njit(lambda number: number)):
        assert threading.active_count() == running


def test_nothing_is_said_where_stderr_is_no_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    running = threading.active_count()
    with caplog.at_level(logging.WARNING, "memmpy.kernels.jit"), being_compiled(permute):
        assert threading.active_count() == running


def test_what_takes_long_is_logged_where_nothing_is_shown(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, logged: SimpleQueue[str]
) -> None:
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    with being_compiled(permute):
        assert logged.get(timeout=30) == f"INFO {TEXT}"
    wait_for_notes()
    assert terminal.written.empty()


def test_quiet_code_shows_no_notice(terminal: Terminal, logged: SimpleQueue[str]) -> None:
    with progress.quiet(), being_compiled(permute):
        assert logged.get(timeout=30) == f"INFO {TEXT}"
    wait_for_notes()
    assert terminal.written.empty()


def test_a_worker_shows_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, logged: SimpleQueue[str]
) -> None:
    monkeypatch.setattr(jit_notice, "parent_process", object)
    with being_compiled(permute):
        assert logged.get(timeout=30) == f"INFO {TEXT}"
    wait_for_notes()
    assert terminal.written.empty()


def test_kernels_that_follow_each_other_are_logged_once(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, logged: SimpleQueue[str]
) -> None:
    with being_compiled(permute):
        assert logged.get(timeout=30) == f"INFO {TEXT}"
    wait_for_notes()
    monkeypatch.setattr(jit_notice, "_PATIENCE", 600.0)
    monkeypatch.setattr(terminal, "written", SimpleQueue())
    with being_compiled(permute):
        assert TEXT in terminal.written.get(timeout=30)
    wait_for_notes()
    assert logged.empty()


def test_a_kernel_that_compiles_at_once_shows_no_notice(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit_notice, "_PATIENCE", 30.0)
    with being_compiled(permute):
        pass
    wait_for_notes()
    assert terminal.written.empty()


def test_a_kernel_that_fails_to_compile_removes_the_notice(terminal: Terminal) -> None:
    def fail() -> None:
        with being_compiled(permute):
            assert TEXT in terminal.written.get(timeout=30)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert terminal.written.get(timeout=30).isspace()


def test_a_kernel_without_a_cache_directory_is_compiled(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit._notice, "are_kept", True)
    # Of a function without a file Numba knows no place where to keep it.
    code = _double.__code__.replace(co_filename="<nowhere>")
    double = kernel(FunctionType(code, {}))
    assert run_kernel(double, np.int64(21)) == 42
    with being_compiled(permute):
        assert "kept nowhere: set NUMBA_CACHE_DIR" in terminal.written.get(timeout=30)


def test_a_kernel_that_a_full_disk_cannot_cache_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    double: Any = kernel(_double)

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(double._cache, "save_overload", refuse)
    monkeypatch.setattr(double._cache, "load_overload", lambda *_: None)
    assert run_kernel(double, np.int64(21)) == 42


@pytest.mark.slow
def test_a_first_call_holds_the_memory_it_works_on_when_the_caller_is_interrupted() -> None:
    """Else it would write to memory that is somebody else's by then."""
    may_end, was_there = threading.Event(), SimpleQueue[bool]()

    class Memory:
        pass

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert may_end.wait(30)
        was_there.put(held[0]() is not None)

    def call() -> None:
        memory = Memory()
        held.append(weakref.ref(memory))
        run_kernel(work, owners=[memory])

    held: list[weakref.ref[Memory]] = []
    try:
        call()
    except KeyboardInterrupt as error:
        error.__traceback__ = None  # it would hold all that the caller has
    else:
        pytest.fail("not interrupted")
    gc.collect()
    may_end.set()
    assert was_there.get(timeout=30)


def _double(number: Any) -> Any:
    return number + number


#: Loads from columns that are worth a kernel, and says whether one was compiled.
LOADING_SCRIPT = """
import sys
import numpy as np, pyarrow
from pyarrow import parquet
from memmpy import load_root
from memmpy.kernels import jit
folder, progress = sys.argv[1], {"False": False, "None": None}[sys.argv[2]]
jit._notice._shown_until = float("inf")  # as if a note had just been shown
table = pyarrow.table({"x": np.arange(1 << 20, dtype=np.float64)})
parquet.write_table(table, f"{folder}/x.parquet")
loader = load_root(f"{folder}/x.parquet", f"{folder}/s", keys={"x"}, skim=False, progress=progress)
print(len(next(iter(loader))["x"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("progress", ["False", "None"])
def test_loading_without_progress_shows_no_notice(progress: str, tmp_path: Path) -> None:
    given, said = _run(LOADING_SCRIPT, tmp_path / "kernels", str(tmp_path), progress)
    assert given == "32"
    assert any((tmp_path / "kernels").rglob("*.nbi"))  # some were compiled
    if progress == "False":
        assert said == ""
    else:
        assert TEXT in said


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Return what a script says on a terminal that compiles kernels, and one that loads them."""
    folder = tmp_path_factory.mktemp("kernels")
    return [_run(THREADS_SCRIPT, folder), _run(THREADS_SCRIPT, folder)]


def _run(script: str, cache: Path, *words: str) -> tuple[str, str]:
    """Return what a process writes to stdout, and to the terminal that is its stderr."""
    reader, writer = pty.openpty()
    try:
        ran = subprocess.run(
            [sys.executable, "-c", script, *words],
            stdout=subprocess.PIPE,
            stderr=writer,
            env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
            check=False,
            text=True,
        )
        os.write(writer, b"the end")
        said = ""
        while not said.endswith("the end"):
            said += os.read(reader, 1024).decode()
    finally:
        os.close(reader)
        os.close(writer)
    assert ran.returncode == 0, said
    return ran.stdout.strip(), said.removesuffix("the end")


@pytest.mark.slow
def test_threads_that_need_a_kernel_at_once_compile_it_once(
    outputs: list[tuple[str, str]],
) -> None:
    assert outputs[0][0] == "[True, True, True, True] 1"


@pytest.mark.slow
def test_compiling_on_a_terminal_shows_a_notice(outputs: list[tuple[str, str]]) -> None:
    assert outputs[0][1].startswith(f"\r{TEXT}")
    assert outputs[0][1].endswith(f"\r{' ' * len(TEXT)}\r")


@pytest.mark.slow
def test_kernels_that_were_kept_are_loaded_without_a_word(outputs: list[tuple[str, str]]) -> None:
    assert outputs[1] == ("[True, True, True, True] 0", "")


#: Runs a kernel, and prints whether it was right and how often it was compiled.
PERMUTE_SCRIPT = """
import numpy as np
from memmpy.kernels.permute_numba import permute
from memmpy.order import Permutation
order = Permutation(1000, key=7)
expected = order.run(0, 1000, compiled=False)
is_right = np.array_equal(order.run(0, 1000, compiled=True), expected)
print(is_right, sum(permute.stats.cache_misses.values()))
"""


@pytest.mark.slow
def test_a_kernel_kept_by_an_older_memmpy_is_compiled_again(tmp_path: Path) -> None:
    def run() -> str:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", PERMUTE_SCRIPT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert [run(), run()] == ["True 1\n", "True 0\n"]
    for index in tmp_path.rglob("*.nbi"):  # of a source file of another time and size
        with index.open("rb") as file:
            version, (_, overloads) = pickle.load(file), pickle.load(file)
        index.write_bytes(pickle.dumps(version) + pickle.dumps(((0.0, 0), overloads)))
    for data in tmp_path.rglob("*.nbc"):  # with an object of a module that has moved
        data.write_bytes(b"cmemmpy.gather.compiled_rows\nspread\n.")
    assert run() == "True 1\n"
