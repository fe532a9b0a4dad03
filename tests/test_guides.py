"""Tests of the scripts under `examples`."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_example(name: str, folder: Path) -> str:
    """Run an example in a folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def num_lines_of(name: str) -> int:
    return len((EXAMPLES / name).read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not beside the tests")
def test_the_example_scores_each_event_once_and_writes_friends(tmp_path: Path) -> None:
    assert "Scores of 80,000 events" in run_example("cross_train.py", tmp_path)
    assert (tmp_path / "scores.png").exists()
    assert len([*(tmp_path / "friends").glob("*.root")]) == 4
    assert num_lines_of("cross_train.py") < 60


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not beside the tests")
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_the_torch_example_separates_events_that_it_has_not_seen(tmp_path: Path) -> None:
    printed = run_example("train_torch.py", tmp_path)
    assert printed.count("epoch") == 4
    assert "AUC on " in printed
    assert (tmp_path / "model.pt").exists()
    assert num_lines_of("train_torch.py") < 80
