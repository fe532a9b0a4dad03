"""Each verb fits terminals of 60 to 200 columns, without colours where nobody wants them."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from memmpy import RFileConfig, convert
from memmpy.cli import main
from memmpy.cli.main import TOPICS
from memmpy.demo import write_demo_files

RECIPE = """
store = "set.mmpy"
[[files]]
path = "ttH_mc16a.root"
tree = "tree2"
metadata = { process = "ttH" }
[[files]]
path = "ttbb_mc16a.root"
tree = "tree1"
metadata = { process = "ttbb" }
[splits]
by = ["process", "eventNumber"]
num_folds = 2
val = 0.1
[training.inputs]
event = ["met", "nJets", "jet_pt[0]"]
[training.labels]
background = "process == 'ttbb'"
signal = "process == 'ttH'"
"""
CONVERT = "convert ttH_mc16a.root ttbb_mc16a.root --keys met,nJets --pad jet_pt:12:nan"
#: The words of each verb, as a user types them.
VERBS = {
    "ls": "ls ttH_mc16a.root ttbb_mc16a.root",
    "info": "info data.mmpy --no-check-files",
    "keys": "keys data.mmpy",
    "head": "head data.mmpy",
    "describe": "describe data.mmpy --by process",
    "plot": "plot",
    "report": "report data.mmpy -o report.html --no-check",
    "demo": "demo --files ttH_mc16a.root --out demo --keys met,nJets,jet_pt",
    "init": "init ttH_mc16a.root ttbb_mc16a.root",
    "convert": f"{CONVERT} --metadata year=mc16a --out new.mmpy --dry-run",
    "cut": "cut data.mmpy nJets>=6&&met>50e3",
    "cutflow": "cutflow data.mmpy nJets>=6&&met>50e3 --by process",
    "export": "export data.mmpy -o out.root --overwrite --keys met",
    "train-set": "train-set data.toml",
    "skim": "skim data.mmpy --keys met,nJets,jet_pt",
    "bench": "bench data.mmpy",
    "check": "check data.mmpy",
    "verify": "verify data.mmpy",
    "skims": "skims data.mmpy",
    "clean": "clean data.mmpy",
    "completion": "completion --help",
}
#: Texts that a user copies, or that a shell reads: they are never folded.
WHOLE_LINES = {"init", "skim", "demo", "bench", "train-set", "completion"}
RULES = "─━│┃┌┐└┘├┤┬┴┼╭╮╰╯▁▂▃▄▅▆▇█·"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("widths")
    write_demo_files(path, num_events=200, seed=1)
    files = [
        RFileConfig(path / f"{process}_mc16a.root", metadata={"process": process, "year": "mc16a"})
        for process in ("ttH", "ttbb")
    ]
    keys = ["met", "nJets", "eventNumber", "passTrigger"]
    convert(files, path / "data.mmpy", keys=keys, keys_padded={"jet_pt": (12, float("nan"))})
    (path / "data.toml").write_text(RECIPE, encoding="utf-8")
    return path


def run(words: str, columns: int) -> str:
    runner = CliRunner(env={"COLUMNS": str(columns)})
    done = runner.invoke(main, words.split(), terminal_width=columns)
    assert done.exit_code == 0, done.output
    return done.stdout


def words_of(output: str) -> Iterator[str]:
    """Yield the words, without those with digits: times and sizes differ from run to run."""
    output = re.sub(r"^no room for: .*$", "", output, flags=re.MULTILINE)  # columns left out
    output = re.sub(r"[\d.,]+ [kMG] ", "", output)  # a rate may have another unit the next time
    for word in re.split(rf"[\s{RULES}]+", output):
        if re.search(r"[A-Za-z]", word) and not re.search(r"\d", word):
            yield word.removesuffix("...")  # click leaves out the rest of a sentence


def test_each_verb_is_tried() -> None:
    assert VERBS.keys() == {verb for verbs in TOPICS.values() for verb in verbs}


@pytest.mark.slow_together
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_fits_a_terminal_without_a_broken_word(
    verb: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    run(VERBS[verb], 500)  # what is made once is there in the next runs
    whole = {*words_of(run(VERBS[verb], 500))}
    for columns in (60, 80, 120, 200):
        output = run(VERBS[verb], columns)
        if verb not in WHOLE_LINES:
            assert max(map(len, output.splitlines())) <= columns, output
        broken = [word for word in words_of(output) if word not in whole]
        assert broken == [], output


@pytest.mark.slow_together
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_the_help_of_a_verb_fits_a_terminal(verb: str, columns: int) -> None:
    done = CliRunner().invoke(main, [verb, "--help"], terminal_width=columns)
    lines = done.output.splitlines()
    examples = [line for line in lines if re.match(r"    .*(memmpy |\\$|--)", line)]
    assert max(len(line) for line in lines if line not in examples) <= columns


def in_terminal(words: str, folder: Path, **environment: str) -> str:
    """Return what a verb writes to a terminal."""
    main_end, end = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment}
    command = [sys.executable, "-m", "memmpy", *words.split()]
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=end, stderr=end):
        os.close(end)
        output = b""
        while True:
            try:
                data = os.read(main_end, 65536)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                break
            output += data
    os.close(main_end)
    return output.decode()


COLOUR = re.compile(r"\x1b\[[\d;]*3\dm|\x1b\[[\d;]*38;5")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["info", "convert"])
def test_colours_stay_away_where_nobody_wants_them(verb: str, folder: Path) -> None:
    words = VERBS[verb].replace(" --dry-run", " --recreate")
    usual = in_terminal(words, folder)
    assert "\x1b[1m" in usual  # bold headings; the progress bar of convert is in colour
    assert bool(COLOUR.search(usual)) is (verb == "convert")
    assert not COLOUR.search(in_terminal(words, folder, NO_COLOR="1"))
    assert "\x1b" not in in_terminal(words, folder, TERM="dumb")
    done = subprocess.run(
        [sys.executable, "-m", "memmpy", *words.split()],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    assert b"\x1b" not in done.stdout + done.stderr
