"""Tests that a killed writer leaves the last commit of a store."""

import random
from pathlib import Path
from typing import Any

import pytest

from memmpy.columns import WriteVector, load_memmaps
from memmpy.store import METADATA, verify_columns

WRITE = """
    import sys
    import numpy as np
    from memmpy.columns import WriteVector
    from memmpy.store import Transaction
    step = 0
    while True:
        step += 1
        with Transaction(sys.argv[1]) as transaction:
            for key in "abc":
                with WriteVector(sys.argv[1], key, transaction=transaction) as column:
                    for _ in range(3):
                        column.extend(np.full(3000, step))
                        print(step, flush=True)
"""
# In a process of its own, whose children die at the first, the fourth, ... line they run.
DIE = """
    import itertools, os, signal, sys
    import numpy as np
    from memmpy.columns import WriteVector, load_memmaps

    def write(num_lines):
        left = num_lines

        def trace(frame, event, argument):
            nonlocal left
            if "memmpy" not in frame.f_code.co_filename:
                return None
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        with WriteVector(sys.argv[1], "x") as column:
            column.extend(np.full(3, num_lines))
        os._exit(0)

    with WriteVector(sys.argv[1], "x") as column:
        column.extend(np.arange(3))
    seen = set()
    for num_lines in itertools.count(1, 3):
        before = load_memmaps(sys.argv[1])["x"].tolist()
        child = os.fork()
        if child == 0:
            write(num_lines)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        after = load_memmaps(sys.argv[1])["x"].tolist()
        if status == 0:
            break
        assert status == -signal.SIGKILL, status
        assert after in (before, [num_lines] * 3), (num_lines, before, after)
        seen.add(after == before)
    print(num_lines, *sorted(seen))
"""


def check(store: Path) -> None:
    """A store that opens whole, and that the next writer leaves without leftovers."""
    columns = load_memmaps(store)
    written = {int(value) for key in columns.keys() & set("abc") for value in set(columns[key])}
    assert len(written) <= 1
    assert verify_columns(store) == []
    with WriteVector(store, "next", lock_timeout=10) as column:
        column.append(1)
    known = load_memmaps(store)
    names = {file.name for file in store.iterdir()}
    assert len(names) == len(known) + 2
    assert names > {METADATA, "lock"}


@pytest.mark.slow
def test_a_store_opens_whole_whenever_its_writer_is_killed(store: Path, start: Any) -> None:
    generator = random.Random(1)
    for _ in range(8):
        writer = start(WRITE, store)
        for _ in range(generator.randrange(1, 60)):
            assert writer.stdout.readline()
        writer.kill()
        writer.communicate()
        check(store)


@pytest.mark.slow
def test_a_writer_killed_all_along_its_way_leaves_the_old_or_the_new(
    store: Path, run_python: Any
) -> None:
    num_lines, seen = run_python(DIE, store).split(maxsplit=1)
    assert int(num_lines) > 100
    assert seen == "False True"
    check(store)
