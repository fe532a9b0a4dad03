"""Tests of the message when a truncated mapped file ends the process."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from memmpy.columns import WriteVector
from memmpy.store import read_metadata

READ = """
    import os, sys
    import numpy as np
    from memmpy import read_vector
    from memmpy.store import read_metadata
    from concurrent.futures import ThreadPoolExecutor
    store, how = sys.argv[1:]
    column = read_vector(store, "x")
    file = os.path.join(store, read_metadata(store).columns["x"].arrays["values"].file)
    if how == "handled":
        import faulthandler
        faulthandler.enable()
    os.truncate(file, 128)
    if how == "thread":
        with ThreadPoolExecutor(1) as threads:
            threads.submit(column.sum).result()
    elif how == "kernel":
        from memmpy.order import count_multiplicities
        count_multiplicities(column.view(np.uint64))
    print(column.sum())
"""


@pytest.mark.slow_together
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux names mapped files")
@pytest.mark.parametrize("how", ["main thread", "thread", "kernel", "handled"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, how: str) -> None:
    with WriteVector(tmp_path / "data", "x") as column:
        column.extend(np.arange(100_000))
    file = read_metadata(tmp_path / "data").columns["x"].arrays["values"].file
    command = [sys.executable, "-c", textwrap.dedent(READ), str(tmp_path / "data"), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGBUS
    name = tmp_path / "data" / file
    said = f"memmpy: cannot read a mapped part of {str(name)!r} any more" in done.stderr
    # Another handler before ours gives the signal on as any program sends it.
    assert said == (how != "handled")
    assert ("Bus error" in done.stderr) == (how == "handled")


@pytest.mark.slow
def test_a_signal_that_a_program_sends_ends_the_process_as_ever(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "data", "x") as column:
        column.append(1)
    code = """
        import os, signal, sys
        from memmpy import read_vector
        column = read_vector(sys.argv[1], "x")
        os.kill(os.getpid(), signal.SIGBUS)
        print("still there")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGBUS, "", "")
