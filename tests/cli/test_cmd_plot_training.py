"""Tests of the pictures of a training set, as a user types them."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import memmpy
from memmpy.cli import main
from tests.pipeline.toy_recipe import EXAMPLE, write_toy_files

pytest.importorskip("matplotlib")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["plot", *map(str, words)])


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recipe of toy files, in whose folder friends of scores lie."""
    folder = tmp_path_factory.mktemp("toy")
    write_toy_files(folder)
    (folder / "data.toml").write_text(EXAMPLE, encoding="utf-8")
    data = memmpy.training_set(folder / "data.toml")
    scores, random = data.scores(), np.random.default_rng(0)
    for fold in range(5):
        for batch in data.loader("test", fold=fold):
            values = random.random(len(batch["label"])) + batch["label"]
            scores.add(batch, values.astype(np.float32), fold)
    scores.write_friend(folder / "friends")
    return folder / "data.toml"


@pytest.mark.parametrize(
    "words",
    [
        ["inputs", "--split", "val", "--fold", "2", "--input", "met", "--bins", "9", "--log"],
        ["correlations", "--split", "test", "--input", "met", "--input", "jets", "--all-classes"],
        ["balance", "--fold", "3"],
        ["folds"],
        ["scores", "--bins", "11", "--log", "--rejection", "--signal", "signal"],
    ],
)
def test_a_picture_is_that_of_python(words: list[str], recipe: Path, tmp_path: Path) -> None:
    name, *options = words
    arguments = [recipe, recipe.parent / "friends"] if name == "scores" else [recipe]
    done = run(name, *arguments, *options, "-o", tmp_path / "new" / "a.svg")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"wrote {tmp_path / 'new' / 'a.svg'}"
    data, file = memmpy.training_set(recipe), tmp_path / "b.svg"
    if name == "inputs":
        data.histograms("val", fold=2, inputs=["met"], bins=9).plot(file, log=True)
    elif name == "correlations":
        data.correlations("test", inputs=["met", "jets"], by_class=False).plot(file)
    elif name == "balance":
        data.balance(fold=3).plot(file)
    elif name == "folds":
        data.splits.plot(file)
    else:
        scores = data.scores()
        scores.read_friend(recipe.parent / "friends")
        scores.plot(file, bins=11, log=True, rejection=True)
    assert (tmp_path / "new" / "a.svg").read_bytes() == file.read_bytes()


def test_another_store_can_be_named(recipe: Path, tmp_path: Path) -> None:
    done = run("folds", recipe, "--store", tmp_path / "other.mmpy", "-o", tmp_path / "folds.png")
    assert done.exit_code == 0, done.output
    assert memmpy.open(tmp_path / "other.mmpy").splits is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inputs", "--input", "mett"], "--input names 'mett', .*nearest: 'met'"),
        (["correlations", "--split", "tst"], "no split 'tst': .*nearest: 'test'"),
        (["balance", "--fold", "9"], "no fold 9 of 5 folds"),
        (["inputs", "--bins", "0"], "bins must be an integer of at least 1"),
    ],
)
def test_a_wrong_option_is_an_error(
    words: list[str], message: str, recipe: Path, tmp_path: Path
) -> None:
    done = run(words[0], recipe, *words[1:], "-o", tmp_path / "a.png")
    assert done.exit_code == 2
    assert re.search(message, done.output)
    assert not (tmp_path / "a.png").exists()


def test_a_missing_friend_is_named(recipe: Path, tmp_path: Path) -> None:
    done = run("scores", recipe, tmp_path / "frends", "-o", tmp_path / "a.png")
    assert done.exit_code == 1
    assert "no friend" in done.output


@pytest.mark.parametrize("output", ["a.gif", "a"])
def test_the_file_is_checked_before_anything_is_made(output: str, tmp_path: Path) -> None:
    done = run("inputs", tmp_path / "missing.toml", "-o", tmp_path / output)
    assert done.exit_code == 2
    assert "a plot is a file .png, .pdf, .svg" in done.output


def test_a_store_is_no_recipe(recipe: Path, tmp_path: Path) -> None:
    done = run("inputs", recipe.parent / "data.mmpy", "-o", tmp_path / "a.png")
    assert done.exit_code == 2
    assert "a recipe is a file that ends in .toml, got" in done.output
