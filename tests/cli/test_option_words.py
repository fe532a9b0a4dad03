"""Tests that messages of the library speak of options on the command line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import uproot
from click.testing import CliRunner

import memmpy
from memmpy.cli import main
from memmpy.cli.main import TOPICS
from memmpy.cli.option_words import in_options, option_names
from memmpy.demo import write_demo_files

VERBS = [verb for verbs in TOPICS.values() for verb in verbs]


def names_of(verb: str) -> dict[str, str]:
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    return option_names(command)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("'a.root' has 2 trees ('a', 'b'); give one as tree=", "...; give one as --tree"),
        ("it is a group: tree='a b'", "it is a group: --tree 'a b'"),
        ("or replace it (recreate=True)", "or replace it (--recreate)"),
        ("choose one: dtype={'jets': 'float32'}", "choose one: --dtype jets=float32"),
        ("dtype['met'] is a dtype of numbers", "--dtype met is a dtype of numbers"),
        ("dtype names 'mett', which is no key", "--dtype names 'mett', which is no key"),
        ("column 'x' has the dtype float32", "column 'x' has the dtype float32"),
        ("aliases={'b': 'pt / 2'} does it", "--alias 'b=pt / 2' does it"),
        ("keys_padded={'jet_pt': (11, ...)} keeps all", "--pad jet_pt:11:FILL keeps all"),
        ("give a fill: RFileConfig(..., missing={'run': -1})", "give a fill: --missing run=-1"),
        ("tell them apart by metadata={'v': ...}", "tell them apart by --metadata v=..."),
        ("such as Splits(by=('run', 'event'), ...)", "such as --by run,event"),
        ("convert with splits=, which reads", "convert with --by, which reads"),
        ("num_folds is at most 9, got 10", "--num-folds is at most 9, got 10"),
        ("has 3 entries, entry_start is 4", "has 3 entries, --entry-start is 4"),
        ("or memmpy.open(...).set_splits(Splits(by=...))", None),
        ("no such file: 'tree=a/keys_padded=3/x.root'", None),
        ("no key 'x'\n  tree=3 && dtype['x']\n  ^^^^", None),
        ("group 1 of 'files.json': entry_stop cannot be True", None),
        ("data.toml:3: files.dtype has dtype={'x': 3}", None),
        ("give shuffle=True, fold=0 or sampling=", None),
    ],
)
def test_arguments_become_options(message: str, expected: str | None) -> None:
    text = in_options(message, names_of("convert"))
    assert text == message if expected is None else text.endswith(expected.removeprefix("..."))


def test_an_argument_that_is_no_option_of_the_verb_stays() -> None:
    message = "give one as tree=, or recreate=True"
    assert in_options(message, names_of("cutflow")) == message


def messages() -> Iterator[str]:
    """Yield the texts of the library that name an argument, each with a word for each value."""
    for path in sorted(Path(memmpy.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values
        }
        docs = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }  # docstrings, and examples in them
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                values = [v.value if isinstance(v, ast.Constant) else "'x'" for v in node.values]
                text = "".join(map(str, values))
            elif isinstance(node, ast.Constant) and id(node) not in parts | docs:
                text = node.value if isinstance(node.value, str) else ""
            if " " in text and re.search(r"[a-z_]=(?!=)", text):
                yield text


@pytest.mark.skipif(not Path(memmpy.__file__).exists(), reason="the sources are not there")
@pytest.mark.parametrize("verb", VERBS)
def test_no_message_keeps_an_argument_that_is_an_option(verb: str) -> None:
    names = names_of(verb)
    found = [*messages()]
    assert len(found) > 100
    of_python = r"(?:memmpy\.open\(\.\.\.\)|store)\.\w+\(.*\)"  # what no verb can do
    for message in found:
        text = re.sub(of_python, "", in_options(message, names))
        left = [name for name in names if re.search(rf"(?<![\w.'\"{{/-]){name}=(?!=)", text)]
        assert left == [], f"{message}\n{text}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with toy files, a store of them, and a file of two trees."""
    path = tmp_path_factory.mktemp("words")
    write_demo_files(path, num_events=50, seed=1)
    with uproot.recreate(path / "two.root") as file:
        for name in ("nominal", "up"):
            file[name] = {"met": [1.0, 2.0], "run": [1, 2]}
    memmpy.convert(
        memmpy.RFileConfig(path / "ttH_mc16a.root", metadata={"process": "ttH"}),
        path / "data.mmpy",
        keys=["met", "nJets", "eventNumber"],
        keys_padded={"jet_pt": (30, 0.0)},
    )
    return path


CONVERT = ["convert", "ttH_mc16a.root", "--out", "new.mmpy", "--dry-run", "--keys", "met"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convert", "two.root", "--out", "n", "--keys", "met"], "give one as --tree"),
        (["convert", "two.root", "--out", "n", "--keys", "met", "--tree", "nominl"], "'nominal'"),
        (["convert", "two.rot", "--out", "n", "--keys", "met"], "nearest: 'two.root'"),
        ([*CONVERT, "--keys", "nJet"], "nearest: 'nJets'"),
        ([*CONVERT, "--keys", "hrd", "--alias", "hard=met>3"], "nothing uses the alias 'hard'"),
        ([*CONVERT, "--pad", "jet_p:3:0"], "nearest: 'jet_pt'"),
        ([*CONVERT, "--dtype", "met=flot32"], "--dtype met is a dtype of numbers, got 'flot32'; "),
        ([*CONVERT, "--dtype", "mett=float16"], "--dtype names 'mett', which is no key; nearest"),
        ([*CONVERT, "--missing", "mett=0"], "--missing names branches: no branch 'mett'"),
        ([*CONVERT, "--metadata", "v={tre}"], "nearest: {tree}"),
        ([*CONVERT, "--metadata", "v={tree}"], "give --tree"),
        ([*CONVERT, "--total", "n=tre2:met"], "its only tree is 'tree2'"),
        ([*CONVERT, "--entry-start", "5000"], "--entry-start is 5000"),
        ([*CONVERT, "--entry-stop", "-1"], "--entry-start and --entry-stop are entries"),
        ([*CONVERT, "--by", "eventNumbr"], "nearest: 'eventNumber'"),
        ([*CONVERT, "--num-folds", "0"], "--num-folds must be an integer"),
        ([*CONVERT, "--val", "2", "--num-folds", "3"], "--val is the share of the rest"),
        ([*CONVERT, "--val", "0.1"], "give --num-folds, too"),
        ([*CONVERT, "--by", "met,met"], "--by names the column 'met' twice"),
        ([*CONVERT, "--step-bytes", "0"], "--step-bytes must be an integer of at least 1"),
        (["skim", "data.mmpy", "--keys", "mett"], "nearest: 'met'"),
        (["skim", "data.mmpy", "--pad", "jet_p:3:0"], "nearest: 'jet_pt'"),
        (["skim", "data.mmpy", "--group", "event=met,nJet"], "nearest: 'nJets'"),
        (["skim", "data.mmpy", "--keys", "met", "--cut", "nJet>3"], "nearest: 'nJets'"),
        (
            ["skim", "data.mmpy", "--group", "event=met", "--dtype", "evnt=float32"],
            "--dtype names no group 'evnt'; nearest: 'event'",
        ),
        (
            ["skim", "data.mmpy", "--group", "event=met", "--dtype", "event=flot32"],
            "cannot have the dtype 'flot32'; nearest: 'float32'",
        ),
        (["skim", "data.mmpy", "--keys", "met", "--by", "proces"], "nearest: 'process'"),
        (["skim", "data.mmpy", "--keys", "met", "--by", "runNumber"], "convert with --by, which"),
        (["skim", "dat.mmpy", "--keys", "met"], "nearest: 'data.mmpy'"),
        (["cutflow", "dat.mmpy", "met>3"], "nearest: 'data.mmpy'"),
        (["cutflow", "data.mmpy", "met>limit", "--constant", "limt=3"], "nearest: 'limt'"),
        (["cutflow", "data.mmpy", "hard", "--alias", "hrd=met>3"], "nearest: 'hrd'"),
        (["cutflow", "data.mmpy", "met>3", "--by", "proces"], "nearest: 'process'"),
        (["cutflow", "data.mmpy", "met>3", "--weight", "mett"], "nearest: 'met'"),
        (["check", "dat.mmpy"], "nearest: 'data.mmpy'"),
        (["verify", "dat.mmpy"], "nearest: 'data.mmpy'"),
        (["clean", "dat.mmpy"], "nearest: 'data.mmpy'"),
        (["skims", "dat.mmpy"], "nearest: 'data.mmpy'"),
        (["bench", "dat.mmpy"], "nearest: 'data.mmpy'"),
        (["bench", "data.mmpy", "--torch", "trian.py:step"], "no such file: 'trian.py'"),
        (["demo", "--events", "-1"], "--events"),
        (["demo", "--files", "two.rot"], "nearest: 'two.root'"),
    ],
)
def test_an_error_of_a_verb_speaks_of_its_options(
    words: list[str], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, words, prog_name="memmpy")
    assert done.exit_code in {1, 2}, done.output
    assert message in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith(("memmpy: ", "  ", "Try 'memmpy ")) for line in lines), lines
    names = names_of(words[0])
    assert [name for name in names if f" {name}=" in done.stderr] == []
    assert not re.search(r"RFileConfig|Splits\(by|keys_padded|[a-z]={", done.stderr)


def test_a_warning_of_a_verb_speaks_of_its_options(folder: Path, tmp_path: Path) -> None:
    words = ["convert", str(folder / "ttH_mc16a.root"), "--out", str(tmp_path / "s")]
    done = CliRunner().invoke(main, [*words, "--pad", "jet_pt:2:0"])
    assert done.exit_code == 0
    assert re.search(
        r"warning: 'jet_pt' is padded .*: --pad jet_pt:\d+:FILL keeps all", done.stderr
    )


def test_a_wrong_choice_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    option = click.Option(["--shell"], type=click.Choice(["bash", "fish"]))
    verb = click.Command("verb", params=[option])
    monkeypatch.setattr(main, "get_command", lambda *_: verb)
    done = CliRunner().invoke(main, ["verb", "--shell", "bahs"], prog_name="memmpy")
    assert "'bahs' is not one of 'bash', 'fish'; nearest: 'bash'" in done.stderr
