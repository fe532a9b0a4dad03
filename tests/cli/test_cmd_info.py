"""Tests of `memmpy info`, `head`, `describe` and `keys`, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import memmpy
from memmpy import RFileConfig, convert
from memmpy.cli import main

MakeFile = Callable[..., Path]


def run(*words: object, width: int = 100) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], terminal_width=width)


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Path:
    files = [
        RFileConfig(make_file(f"{name}.root", num), "tree", {"process": name})
        for name, num in (("ttH", 80), ("ttbb", 40))
    ]
    convert(files, tmp_path / "s", keys={"nJets", "weight", "jet_pt", "eventNumber"})
    return tmp_path / "s"


def test_info_shows_processes_and_json(store: Path) -> None:
    done = run("info", store, "--weight", "weight")
    assert done.exit_code == 0, done.output
    assert "sum of weights" in done.output
    done = run("info", store, "--no-check-files", "--json")
    info = memmpy.open(store).info(check_files=False)
    assert json.loads(done.output) == json.loads(json.dumps(info.to_dict()))
    assert info.files.num_unchecked == 2


def test_info_knows_the_names_of_a_recipe(store: Path) -> None:
    recipe = store.parent / "data.toml"
    text = """store = "s"
[training]
inputs = { event = ["nJets"] }
aliases = { doubled = "weight * two" }
constants = { two = 2 }
"""
    recipe.write_text(text)
    done = run("info", recipe, "--weight", "doubled", "--json")
    sums = [one["sum_of_weights"] for one in json.loads(done.output)["processes"]]
    column = np.asarray(memmpy.open(store)["weight"])
    assert sums == pytest.approx([2 * column[:80].sum(), 2 * column[80:].sum()])
    done = run("info", recipe, "--weight", "2 * doubld")
    assert done.output.splitlines()[1:] == ["  2 * doubld", "      ^^^^^^"]


def test_head_takes_patterns_cuts_and_names(store: Path) -> None:
    words = ["--keys", "jet_*,nJets", "--cut", "nJets >= least", "--constant", "least=2", "-n", 3]
    done = run("head", store, *words, "--json")
    expected = memmpy.open(store).head(3, keys=["jet_*", "nJets"], cut="nJets >= 2")
    assert json.loads(done.output) == expected.to_dict()
    assert "entry" in run("head", store, *words).output


def test_describe_takes_groups_a_cut_and_a_weight(store: Path) -> None:
    words = ["--keys", "nJets", "--keys", "jet_*", "--by", "process,nJets", "--cut", "nJets > 1"]
    done = run("describe", store, *words, "--weight", "weight", "--json")
    assert done.exit_code == 0, done.output
    options = {"by": ["process", "nJets"], "cut": "nJets > 1", "weight": "weight"}
    expected = memmpy.open(store).describe(["nJets", "jet_*"], **options)  # type: ignore[arg-type]
    assert json.loads(done.output) == expected.to_dict()
    assert "distribution" in run("describe", store).output


def test_keys_lists_all_columns(store: Path) -> None:
    done = run("keys", store)
    assert done.exit_code == 0, done.output
    assert all(key in done.output for key in memmpy.open(store))
    done = run("keys", store, "--keys", "jet_*", "--json")
    assert [one["key"] for one in json.loads(done.output)["columns"]] == ["jet_pt"]


@pytest.mark.parametrize("verb", ["keys", "head", "describe"])
def test_a_typo_names_the_nearest_key(store: Path, verb: str) -> None:
    done = run(verb, store, "--keys", "jet_ptt")
    assert done.exit_code == 1
    assert "no column 'jet_ptt'; nearest: 'jet_pt'" in done.output


@pytest.mark.parametrize("verb", ["keys", "head", "describe"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--like", "met"], "no option '--like'; here --keys chooses keys"),
        (["met", "jet_*"], "to choose keys, write --keys 'met,jet_*'"),
    ],
)
def test_keys_in_another_place_name_the_option(
    store: Path, verb: str, words: list[str], message: str
) -> None:
    done = run(verb, store, *words)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize("words", [["jets.png"], ["jets.png", "jet_pt.png"]])
def test_a_pattern_that_the_shell_replaced_is_explained(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for word in words:
        Path(word).touch()
    assert "write patterns in quotes" in run("head", store, "--keys", *words).stderr


def test_a_word_in_place_of_a_number_is_explained(store: Path) -> None:
    assert "'x' is not a whole number" in run("head", store, "-n", "x").stderr


def test_ls_of_a_store_names_info(store: Path) -> None:
    done = run("ls", store)
    assert done.exit_code == 1
    assert "is a store, not a file to read; memmpy info shows it" in done.stderr


@pytest.mark.parametrize("verb", ["info", "keys", "head", "describe"])
def test_a_missing_store_is_named(tmp_path: Path, verb: str) -> None:
    done = run(verb, tmp_path / "missing")
    assert done.exit_code == 1
    assert "no store at" in done.output


@pytest.mark.parametrize("verb", ["info", "keys", "head", "describe"])
def test_what_goes_into_a_pipe_has_no_colours(store: Path, verb: str) -> None:
    assert "\x1b" not in run(verb, store).output
