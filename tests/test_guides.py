"""Tests of the scripts under `examples`."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_example(name: str, folder: Path, *, warnings: str = "error") -> str:
    """Run an example in a folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", warnings, EXAMPLES / name],
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
@pytest.mark.parametrize(
    "package", ["torch", "lightning", "jax", "keras", "xgboost", "lightgbm", "sklearn"]
)
def test_an_example_separates_events_that_it_has_not_seen(package: str, tmp_path: Path) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    warnings = "default" if package == "lightning" else "error"  # it warns of its own parts
    printed = run_example(f"train_{package}.py", tmp_path, warnings=warnings)
    auc = r"AUC o[nf] .*0\.8\d\d$|events +[\d,]+ +[\d,]+ +0\.8\d{3}"  # a line, or a table
    assert re.search(auc, printed, re.MULTILINE)
    assert num_lines_of(f"train_{package}.py") < 80
