"""Tests of `memmpy cut`, and of `--json` of the verbs that report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import RFileConfig, convert, open, skim
from memmpy.cli import main

MakeFile = Callable[..., Path]


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Path:
    files = RFileConfig(make_file("ttH.root", 400), "tree", {"process": "ttH"})
    convert(files, tmp_path / "s", keys={"nJets", "weight"})
    skim(tmp_path / "s", keys=["nJets"])
    return tmp_path / "s"


def test_a_cut_is_counted_and_kept(store: Path) -> None:
    num = int(np.count_nonzero(np.asarray(open(store)["nJets"]) >= 2))
    done = memmpy("cut", store, "nJets >= least", "--constant", "least=2")
    assert done.output == f"{num} of 400 entries pass nJets >= least: {num / 4:.1f} %\n"
    listed = memmpy("cut", store)
    assert "nJets >= least" in listed.output
    assert "1 cached cut" in listed.output


def test_the_entries_of_a_cut_are_printed_one_by_one(store: Path) -> None:
    expected = np.flatnonzero(np.asarray(open(store)["nJets"]) >= 2).tolist()
    done = memmpy("cut", store, "nJets >= 2", "--entries")
    assert [int(line) for line in done.output.splitlines()] == expected
    facts = json.loads(memmpy("cut", store, "nJets >= 2", "--entries", "--json").output)
    assert facts["entries"] == expected
    assert (facts["num_passing"], facts["num_entries"]) == (len(expected), 400)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["njets >= 2"], "nearest: 'nJets'"),
        (["nJets >="], "ends too early"),
        (["--entries"], "name a CUT"),
    ],
)
def test_a_wrong_cut_is_an_error_in_words(store: Path, words: list[str], message: str) -> None:
    done = memmpy("cut", store, *words)
    assert done.exit_code != 0
    assert message in done.output


def test_each_verb_that_reports_prints_json(store: Path, tmp_path: Path) -> None:
    def facts(*words: object) -> Any:
        done = memmpy(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    file = tmp_path / "ttH.root"
    for dry_run in ([], ["--dry-run"]):
        words = ["convert", file, "--out", tmp_path / "n", "--keys", "nJets", *dry_run]
        assert facts(*words)["num_entries"] == 400
    assert facts("skim", store, "--keys", "nJets")["num_rows"] == 400
    assert [one["num_rows"] for one in facts("skims", store)["skims"]] == [400]
    assert facts("verify", store) == {"problems": [], "repaired": []}
    assert facts("clean", store) == {"leftovers": []}
    assert facts("cut", store) == {"cuts": []}
    assert facts("export", store, "-o", tmp_path / "out.root")["num_entries"] == 400
    orders = [(one["from"][:4], one["shuffle"]) for one in facts("bench", store)["rates"]]
    assert orders == [("3 co", "exact"), ("skim", "blocks"), ("skim", "exact")]


def test_json_of_a_damaged_store_names_the_file(store: Path) -> None:
    (array, *_) = sorted(store.glob("*.npy"))
    array.write_bytes(array.read_bytes()[:-1] + b"\xff")
    done = memmpy("verify", store, "--json")
    assert done.exit_code == 1
    assert [problem["file"] for problem in json.loads(done.output)["problems"]] == [array.name]
