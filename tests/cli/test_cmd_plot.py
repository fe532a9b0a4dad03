"""Tests of `memmpy plot hist` and `memmpy plot cutflow`, as a user types them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import memmpy
from memmpy import RFileConfig, convert, cutflow
from memmpy.cli import main
from memmpy.cli.parsing import parse_bins

MakeFile = Callable[..., Path]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["plot", *map(str, words)])


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Path:
    files = [
        RFileConfig(make_file(f"{name}.root", num), "tree", {"process": name})
        for name, num in (("ttH", 800), ("ttbb", 400))
    ]
    convert(files, tmp_path / "s", keys={"nJets", "jet_pt", "weight"})
    return tmp_path / "s"


def test_a_histogram_is_that_of_python(store: Path, tmp_path: Path) -> None:
    words = [
        "--by",
        "process",
        "--weight",
        "n * weight",
        "--constant",
        "n=2",
        "--cut",
        "nJets >= 1",
    ]
    words += ["--bins", "20,0,200", "--density", "--log", "--ratio", "ttH/ttbb", "--overflow"]
    done = run("hist", store, "jet_pt", *words, "--label", "CMS", "-o", tmp_path / "one" / "a.svg")
    assert done.exit_code == 0, done.output
    assert done.output == f"wrote {tmp_path / 'one' / 'a.svg'}\n"
    histogram = memmpy.open(store).hist(
        "jet_pt",
        by="process",
        bins=(20, 0, 200),
        weight="n * weight",
        cut="nJets >= 1",
        constants={"n": 2},
    )
    histogram.plot(
        tmp_path / "b.svg", density=True, log=True, ratio="ttH/ttbb", overflow=True, label="CMS"
    )
    assert (tmp_path / "one" / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_groups_need_not_be_stacked(store: Path, tmp_path: Path) -> None:
    run("hist", store, "nJets", "--by", "process", "--no-stack", "-o", tmp_path / "a.svg")
    memmpy.open(store).hist("nJets", by="process").plot(tmp_path / "b.svg", stack=False)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_each_of_several_keys_has_a_file(store: Path, tmp_path: Path) -> None:
    done = run("hist", store, "nJets", "nJets / 2", "-o", tmp_path / "{key}.png")
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.glob("*.png")} == {"nJets.png", "nJets _ 2.png"}


def test_a_cut_flow_is_that_of_python(store: Path, tmp_path: Path) -> None:
    words = ["nJets >= 1", "nJets >= 2", "--by", "process", "--weight", "weight", "--signal", "ttH"]
    done = run("cutflow", store, *words, "--linear", "-o", tmp_path / "a.svg")
    assert done.exit_code == 0, done.output
    flow = cutflow(store, words[:2], by="process", weight="weight", signal="ttH")
    flow.plot(tmp_path / "b.svg", log=False)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hist", "njets", "-o", "a.png"], "nearest: 'nJets'"),
        (["hst", "nJets"], "no command 'hst'; nearest: 'hist'"),
        (["hist", "nJets", "jet_pt", "-o", "a.png"], "write {key} in it, such as"),
        (["hist", "nJets", "-o", "a.gif"], "a plot is a file .png, .pdf, .svg, got 'a.gif'"),
        (["hist", "nJets"], "missing option '-o' / '--out'"),
        (["hist", "nJets", "--bins", "5,x", "-o", "a.png"], "--bins takes numbers"),
        (["hist", "nJets", "--bins", "5,2,1", "-o", "a.png"], "finite, ascending edges"),
        (["hist", "nJets", "--by", "proces", "-o", "a.png"], "nearest: 'process'"),
        (["hist", "nJets", "--by", "process", "--ratio", "ttB", "-o", "a.png"], "'ttbb'"),
        (["cutflow", "njets > 1", "-o", "a.png"], "nearest: 'nJets'"),
        (["cutflow", "nJets > 1", "-o", "a.txt"], "a plot is a file"),
        (
            ["cutflow", "nJets > 1", "--signal", "ttH", "-o", "a.png"],
            "give the columns to group by",
        ),
    ],
)
def test_errors_are_printed_without_a_traceback(
    words: list[str], message: str, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(words[0], store, *words[1:])
    assert done.exit_code in {1, 2}
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    ("text", "bins"),
    [
        ("auto", "auto"),
        ("50", 50),
        ("50,0,500", (50, 0, 500)),
        ("[0, 20, 50]", [0, 20, 50]),
        ("[0,1]", [0, 1]),
        ("0,1,2.5,4", [0, 1, 2.5, 4]),
    ],
)
def test_bins_are_typed_as_in_python(text: str, bins: Any) -> None:
    assert parse_bins(text) == bins
