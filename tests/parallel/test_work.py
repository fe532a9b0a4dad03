"""Tests of `Work`: the executor of a conversion or a skim, and its limits."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from memmpy import Work
from memmpy.errors import OptionError
from memmpy.parallel import check_work


def test_what_is_not_given_has_its_default() -> None:
    assert Work() == Work(None, -1, 32 * 2**20) == check_work(None)


def test_an_executor_is_short_for_its_work() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert check_work(executor) == Work(executor)
        work = Work(executor, step_bytes=1)
        assert check_work(work) is work


def test_numbers_of_numpy_become_those_of_python() -> None:
    numbers: dict[str, Any] = {"lock_timeout": np.float32(3), "step_bytes": np.int64(7)}
    work = Work(**numbers)
    assert (type(work.lock_timeout), type(work.step_bytes)) == (float, int)
    assert (work.lock_timeout, work.step_bytes) == (3, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"executor": 3},
            r"work must be a Work or a concurrent\.futures\.Executor, got 3; for a Dask client",
        ),
        ({"executor": ThreadPoolExecutor}, "work must be a Work or a concurrent"),
        ({"lock_timeout": "5"}, "lock_timeout must be a number of seconds"),
        ({"lock_timeout": float("nan")}, "lock_timeout must be a number of seconds"),
        ({"step_bytes": 0}, "step_bytes must be an integer of at least 1, got 0"),
        ({"step_bytes": 1.5}, "step_bytes must be an integer of at least 1, got 1.5"),
        ({"step_bytes": True}, "step_bytes must be an integer of at least 1, got True"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Work(**options)
