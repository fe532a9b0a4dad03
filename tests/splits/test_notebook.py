"""Tests of loaders in a notebook: a Jupyter kernel that is interrupted, and run again."""

import queue
from collections.abc import Iterator
from contextlib import suppress
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
        # Else the kernel drops a cell that comes in the first moment after an interrupt.
        self.cell = self.client.execute(code, stop_on_error=False)

    def wait_for_output(self) -> str:
        """Return the next text that the cell prints."""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            content = message["content"]
            if message["parent_header"].get("msg_id") != self.cell:
                continue
            assert message["msg_type"] != "error", f"{content['ename']}: {content['evalue']}"
            if message["msg_type"] == "stream":
                return str(content["text"]).strip()

    def wait_for_end(self, timeout: float) -> str:
        """Return how the cell ends: an error, or "ok"; a `queue.Empty` if it does not in time."""
        while True:
            reply: dict[str, Any] = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == self.cell:
                return str(reply["content"].get("ename", reply["content"]["status"]))

    def interrupt(self) -> str:
        """Interrupt the cell, as the stop button does, and return how it ended."""
        for number in range(5):
            self.manager.interrupt_kernel()
            with suppress(queue.Empty):  # Python drops an interrupt in the callback of a weak set
                how = self.wait_for_end(timeout=TIMEOUT / 5)
                is_late = number > 0  # one that comes late is for none of the cells that follow
                while is_late:
                    self.start("pass")
                    is_late = self.wait_for_end(timeout=TIMEOUT) != "ok"
                return how
        return "no end"

    def run(self, code: str) -> str:
        """Run a cell, and return what it prints."""
        self.start(code)
        output = self.wait_for_output()
        assert self.wait_for_end(timeout=TIMEOUT) == "ok"
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
