"""A sample of what the stress command does, the same each time; `nox -s stress` does far more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stress.outcomes import FAULTS, Outcome, Tally, Verdict
from tests.stress.shim import SHIM

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")


def stress(part: str, trials: int, **environment: str) -> None:
    command = [sys.executable, "-m", "tests.stress.run", part, "--trials", str(trials)]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_kill_leaves_the_old_store_or_the_new(shim: Path) -> None:
    stress("kills", 100, **{SHIM: str(shim), "LD_PRELOAD": str(shim)})


@pytest.mark.slow
def test_a_call_that_fails_is_an_error_that_leaves_the_store(shim: Path) -> None:
    stress("failures", 100, **{SHIM: str(shim), "LD_PRELOAD": str(shim)})


@pytest.mark.slow
@on_linux
def test_a_flipped_bit_is_noticed() -> None:
    stress("flips", 60)


@pytest.mark.slow
@on_linux
def test_readers_beside_two_writers_see_whole_commits() -> None:
    stress("contention", 20)


@pytest.mark.slow
@on_linux
def test_wrong_documents_offsets_cuts_and_files_are_errors() -> None:
    stress("fuzz", 70)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_tally_counts_what_must_not_be(verdict: Verdict) -> None:
    tally = Tally()
    tally.add("convert", "die at write 3", Outcome(verdict, "it is gone", "store/commit.py:1 f"))
    assert tally.num_faults == (verdict in FAULTS)
    assert verdict.value in tally.table()
    assert ("convert (1)\n         die at write 3: it is gone" in tally.report()) == (
        verdict in FAULTS
    )
