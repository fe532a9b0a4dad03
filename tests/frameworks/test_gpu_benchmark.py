"""The benchmark of a GPU runs without one, on a few events, and checks its answers there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPT.exists(), reason="the benchmarks are not in a source distribution")
def test_all_of_it_runs_on_the_cpu(tmp_path: Path) -> None:
    result = run("--cpu", "--out", str(tmp_path / "answers.json"))
    assert result.returncode == 0, result.stderr
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert json.loads(result.stdout.splitlines()[-1]) == answers
    assert answers["device"] == "CPU"
    assert list(answers["copies"]) == [*answers["steps"], "100,000"]
    assert all(rate > 0 for rate in answers["copies"].values())
    assert "gather of rows of 88 bytes" in result.stdout


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.skipif(not SCRIPT.exists(), reason="the benchmarks are not in a source distribution")
def test_without_a_gpu_one_line_says_so() -> None:
    result = run()
    assert result.returncode == 1
    assert result.stderr.startswith("gpu.py needs a GPU")
    assert len(result.stderr.splitlines()) == 1
