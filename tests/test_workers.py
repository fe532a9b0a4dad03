"""Ctrl-C at any moment ends what threads do."""

import subprocess
import sys

import pytest

from tests import interrupting


@pytest.mark.parametrize("what", interrupting.RUNS)
def test_an_interrupt_at_any_moment_hangs_nothing(what: str) -> None:
    command = [sys.executable, "-m", "tests.interrupting", what, "4"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert int(done.stdout) > 10
