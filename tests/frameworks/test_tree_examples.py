"""Tests of the examples and the guide of boosted decision trees, run as scripts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "trees.md"


def run(script: Path, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("package", ["xgboost", "lightgbm", "sklearn"])
def test_an_example_trains_and_scores_the_test_split(package: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    example = ROOT / "examples" / f"train_{package}.py"
    if not example.exists():
        pytest.skip("the examples are not beside the tests")
    assert len(example.read_text(encoding="utf-8").splitlines()) < 80
    output = run(example, tmp_path)
    assert "Scores of 15,906 events" in output
    assert re.search(r"events +[\d,]+ +[\d,]+ +0\.6\d{3}", output)
    assert len([*(tmp_path / "friends").glob("*.root")]) == 4


@pytest.mark.slow
@pytest.mark.skipif(not GUIDE.exists(), reason="the docs are not beside the tests")
def test_the_guide_runs_as_written(tmp_path: Path) -> None:
    for package in ("xgboost", "lightgbm", "pandas", "sklearn"):
        pytest.importorskip(package)
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", text, re.DOTALL)
    script = tmp_path / "guide.py"
    script.write_text("\n".join([*blocks, "print(scores.auc(), len(frame))"]), encoding="utf-8")
    area, num = run(script, tmp_path).split()[-2:]
    assert float(area) > 0.6
    assert int(num) > 7000
    assert [*tmp_path.glob("xgboost-*")] == []  # of the cache
