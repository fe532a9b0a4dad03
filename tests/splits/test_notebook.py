"""Tests of loaders in a notebook: a Jupyter kernel that is interrupted, and run again."""

import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.skims.stores import write_store

pytest.importorskip("ipykernel")
jupyter = pytest.importorskip("jupyter_client")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

#: Seconds until a cell that hangs fails the test.
TIMEOUT = 60

SETUP = """
import threading, warnings
import memmpy
from memmpy.parallel import THREAD_NAME
warnings.simplefilter("ignore", memmpy.MemmpyWarning)
store = memmpy.open({path!r})
skim = store.skim(keys=["x"], groups={{"wide": ["a", "b"]}}, progress=False)
def make(kind, **options):
    if kind == "skim":
        return memmpy.SplitLoader(skim, 100, num_threads=2, **options)
    return store.loader(batch_size=100, num_threads=2, **options)
def num_threads():
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())
def values(batches):
    return [batch["x"].tobytes() for batch in batches]
loaders = {{kind: make(kind) for kind in ("skim", "columns")}}
print("ready")
"""
ENDLESS = """
loader, num = loaders[{kind!r}], 0
while True:
    for batch in loader:
        num += 1
        if num == {num}:
            print("working", flush=True)
"""
AGAIN = """
loader = loaders[{kind!r}]
assert num >= {num}
epoch = loader.epoch
assert values(loader) == values(make({kind!r}).batches(epoch))
assert loader.epoch == epoch + 1
loader.close()  # the notebook keeps the interrupted pass, to show where that was
assert num_threads() == 0, num_threads()
print("right")
"""


class Notebook:
    """A running kernel."""

    def __init__(self) -> None:
        self.manager, self.client = jupyter.manager.start_new_kernel(
            kernel_name="python3", startup_timeout=TIMEOUT
        )

    def start(self, code: str) -> None:
        """Start a cell."""
        self.client.execute(code)

    def wait_for_output(self) -> str:
        """Return the next text that a cell prints."""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            if message["msg_type"] == "stream":
                return str(message["content"]["text"]).strip()
            if message["msg_type"] == "error":
                name, text = message["content"]["ename"], message["content"]["evalue"]
                assert name == "KeyboardInterrupt", f"{name}: {text}"  # of the cell before

    def interrupt(self) -> str:
        """Interrupt the cell, as the stop button does, and return how it ended."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            self.manager.interrupt_kernel()  # Python drops one in the callback of a weak set
            try:
                reply: dict[str, Any] = self.client.get_shell_msg(timeout=2)
            except queue.Empty:
                continue
            return str(reply["content"].get("ename"))
        return "no end"

    def run(self, code: str) -> str:
        """Run a cell, and return what it prints."""
        self.start(code)
        output = self.wait_for_output()
        assert self.client.get_shell_msg(timeout=TIMEOUT)["content"]["status"] == "ok"
        return output

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Return a kernel with loaders of 30,000 events."""
    random, num = np.random.default_rng(0), 30_000
    columns = {
        "x": random.normal(size=(num, 60)).astype(np.float32),
        "a": random.normal(size=num).astype(np.float32),
        "b": random.normal(size=num).astype(np.float32),
    }
    path: Path = write_store(tmp_path_factory.mktemp("notebook") / "s", columns)
    notebook = Notebook()
    try:
        assert notebook.run(SETUP.format(path=str(path))) == "ready"
        yield notebook
    finally:
        notebook.close()


@pytest.mark.parametrize("kind", ["skim", "columns"])
def test_a_cell_that_was_interrupted_runs_again_with_the_right_batches(
    notebook: Notebook, kind: str
) -> None:
    for num in (1, 2, 70, 450):
        notebook.start(ENDLESS.format(kind=kind, num=num))
        assert notebook.wait_for_output() == "working"
        assert notebook.interrupt() == "KeyboardInterrupt"
        assert notebook.run(AGAIN.format(kind=kind, num=num)) == "right"
