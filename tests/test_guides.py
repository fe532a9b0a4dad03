"""Tests of the pages whose code does not run when they are built."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PYTORCH = Path(__file__).parents[1] / "docs" / "guides" / "pytorch.md"
EXAMPLE = Path(__file__).parents[1] / "examples" / "cross_train.py"

missing = [name for name in ("torch", "xgboost") if find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(not PYTORCH.exists(), reason="the docs are not beside the tests")
@pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
def test_the_training_guide_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `torchrun` sets them for one process; a port of 0 is any that is free.
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_PORT", "0")
    blocks = re.findall(r"```python\n(.*?)```", PYTORCH.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "train.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("validation loss") == 3


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLE.exists(), reason="the examples are not beside the tests")
def test_the_example_scores_each_event_once_and_writes_friends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "Scores of 80,000 events" in done.stdout
    assert (tmp_path / "scores.png").exists()
    assert len([*(tmp_path / "friends").glob("*.root")]) == 4
    num_lines = len(EXAMPLE.read_text(encoding="utf-8").splitlines())
    assert num_lines < 60
