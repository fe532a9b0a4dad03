"""A child that dies in any way is told from one that ends."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from memmpy.errors import OptionError
from tests.stress.children import attempt, run, run_each

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it looks at signals as Linux has them"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


def fail(error: Exception) -> None:
    raise error


def test_a_value_comes_back(tmp_path: Path) -> None:
    end = run(lambda: {"a": 1}, log=tmp_path / "log")
    assert (end.how, end.value) == ("value", {"a": 1})


def test_an_error_of_memmpy_is_told_from_a_raw_one(tmp_path: Path) -> None:
    assert attempt(lambda: fail(OptionError("no"))).how == "error"
    end = attempt(lambda: fail(OSError(5, "no")))
    assert (end.how, end.text) == ("raw", "OSError: [Errno 5] no")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGBUS, signal.SIGSEGV])
def test_a_signal_is_seen(tmp_path: Path, number: signal.Signals) -> None:
    end = run(lambda: os.kill(os.getpid(), number), log=tmp_path / "log")
    assert (end.how, end.text) == ("signal", number.name)


def test_a_child_that_hangs_is_ended(tmp_path: Path) -> None:
    end = run(lambda: time.sleep(60), log=tmp_path / "log", timeout=0.2)
    assert end.how == "hang"


def test_the_item_after_a_death_gets_a_child_of_its_own(tmp_path: Path) -> None:
    def act(number: int) -> int:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    ends = list(run_each(range(4), act, log=tmp_path / "log"))
    assert [end.how for end in ends] == ["value", "signal", "value", "value"]
    assert [end.value for end in ends] == [0, None, 2, 3]
