"""Tests of the demo of toy events: what it prints, what it reaches, and that its code runs."""

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from rich.console import Console

from memmpy.cli import main
from memmpy.demo import run_toys
from memmpy.training import Scores

Run = Callable[..., tuple[str, Scores]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs the demo on the same toy events, and returns what it prints."""
    folder = tmp_path_factory.mktemp("toys")

    def run(
        *, width: int = 80, num_events: int = 3000, cut: str | None = None
    ) -> tuple[str, Scores]:
        file = io.StringIO()
        console = Console(file=file, width=width, force_terminal=True, color_system="standard")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            scores = run_toys(
                Path("[b]"),
                num_events=num_events,
                seed=1,
                cut=cut,
                batch_size=256,
                console=console,
            )
        return file.getvalue(), scores

    return run


@pytest.fixture(scope="module")
def output(run: Run) -> str:
    """What a terminal of 80 columns shows, without colours."""
    return without_colours(run()[0])


def code_in(output: str) -> str:
    """Return the Python that a run prints."""
    _, title, code = output.partition("The same in Python:\n")
    assert title
    return code.partition("What to try next:\n")[0]


def without_colours(output: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", output)


@pytest.mark.slow
def test_sentences_are_broken_at_their_ends_alone(run: Run) -> None:
    lines = run(num_events=2000)[0].splitlines() + run(num_events=2000)[0].splitlines()
    assert "Wrote 4 ROOT files of 2,000 toy events each to [b]/toys_2000_1:" in lines
    assert "Found 4 ROOT files of toy events in [b]/toys_2000_1." in lines
    assert "Converted 12 branches of 4 files to [b]/data.mmpy:" in lines
    assert "Everything came from the cache, no ROOT file was read:" in lines
    assert "8,000 events in [b]/data.mmpy." in lines
    assert any(re.fullmatch(r"\d+\.\d MB in \d+\.\d s\.", line) for line in lines)
    assert any(re.fullmatch(r"8,000 events in [\d.]+ s, .* events/s\.", line) for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_longer_than_the_terminal_is_wide(run: Run, width: int) -> None:
    output, _ = run(width=width)
    printed, _, code = without_colours(output).partition("The same in Python:")
    assert max(map(len, printed.splitlines())) <= width
    assert max(map(len, code.splitlines())) <= 79


@pytest.mark.slow
def test_a_batch_is_a_table(output: str) -> None:
    rows = [line.split(maxsplit=2) for line in output.splitlines()]
    assert ["event", "float32", "(256, 5)"] in rows
    assert ["jets", "float32", "(256, 12, 3)"] in rows
    assert ["label", "int64", "(256,)"] in rows


@pytest.mark.slow
def test_the_code_runs_as_printed_and_gives_the_scores_of_the_run(run: Run, tmp_path: Path) -> None:
    output, scores = run()
    folder = Path(str(scores._path)).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code_in(output)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert f"{scores.auc():.4f}" in done.stdout


@pytest.mark.slow
def test_a_cut_of_the_user_is_in_the_code(run: Run) -> None:
    cut = 'nJets >= 5 && process in ("ttH", "ttbb")'
    output, scores = run(cut=cut)
    assert f"cut={cut!r}" in code_in(output)
    assert len(scores) > 5_700  # those that pass the cut of the README


@pytest.mark.slow
def test_equal_runs_give_equal_scores(run: Run) -> None:
    (first_output, first), (second_output, second) = run(), run()
    assert first.auc() == second.auc()
    line = re.compile(r"^AUC .*$", re.MULTILINE)
    assert line.findall(first_output) == line.findall(second_output) != []


@pytest.mark.slow
def test_a_small_network_separates_the_toys(run: Run) -> None:
    output, scores = run(num_events=20_000)
    assert 0.85 < scores.auc() < 0.9
    found = re.search(r"^AUC (0\.8\d\d\d), folds ± (0\.0\d\d\d):", output, re.MULTILINE)
    assert found is not None
    assert found[1] == f"{scores.auc():.4f}"
    assert 0 < float(found[2]) < 0.02
    folds = re.findall(
        r"^Fold (\d): trained on .*? events, tested on (.*?): AUC", output, re.MULTILINE
    )
    assert [int(fold) for fold, _ in folds] == list(range(5))
    assert sum(int(num.replace(",", "")) for _, num in folds) == len(scores)


@pytest.mark.slow
def test_the_scores_are_drawn_and_reported(run: Run) -> None:
    _, scores = run()
    folder = Path(str(scores._path)).parent
    assert (folder / "scores.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "m_bb" in page
    assert f"{scores.auc():.4f}" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("absent", "lines"),
    [
        ({"matplotlib"}, ["report.html"]),
        ({"jinja2"}, ["scores.png"]),
        ({"matplotlib", "jinja2"}, []),
    ],
)
def test_pictures_without_their_packages_are_left_out(
    run: Run, absent: set[str], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = find_spec
    monkeypatch.setattr(
        "memmpy.demo.toy_run.find_spec", lambda name: None if name in absent else find(name)
    )
    output, _ = run()
    assert "pip install 'memmpy[plot,report]'" in output
    for name in ("report.html", "scores.png"):
        assert (name in code_in(output)) == (name in lines)


@pytest.mark.slow
def test_the_commands_to_try_next_are_verbs(output: str) -> None:
    commands = re.findall(r"^memmpy (.*)$", output, re.MULTILINE)
    assert len(commands) >= 3
    verbs = main.list_commands(click.Context(main))
    assert {shlex.split(command)[0] for command in commands} <= {*verbs}
