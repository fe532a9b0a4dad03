"""Tests of `memmpy train-set`, and of other verbs that take a recipe, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import training_set
from memmpy.cli import main
from memmpy.skims import list_skims
from tests.pipeline.toy_recipe import EXAMPLE, write_toy_files


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_toy_files(tmp_path)
    Path("data.toml").write_text(EXAMPLE)
    return Path("data.toml")


def test_train_set_prints_the_table_of_the_training_set(recipe: Path) -> None:
    done = memmpy("train-set", recipe)
    assert done.exit_code == 0, done.output
    assert "classes background, signal" in done.stdout
    assert "Events and weights of fold 0" in done.stdout
    assert "kinematics   pt_sum, pt_1, met" in done.stdout


def test_the_json_has_the_fits_of_all_folds(recipe: Path) -> None:
    done = memmpy("train-set", recipe, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    data = training_set("data.toml")
    assert document["num_events"] == len(data)
    assert document["store"] == str(data.path)
    assert document["skim"] == data.skim.path.name
    assert document["classes"] == ["background", "signal"]
    assert document["inputs"]["jets"] == ["jet_pt", "jet_eta"]
    assert document["splits"] == data.splits.to_json()
    assert [fit["fold"] for fit in document["fits"]] == [0, 1, 2, 3, 4]
    for fold, fit in enumerate(document["fits"]):
        for split in ("train", "val", "test"):
            batches = [*data.loader(split, fold=fold, shuffle=False)]
            labels = np.concatenate([batch["label"] for batch in batches])
            weights = np.concatenate([batch["weight_physics"] for batch in batches])
            rows = [row for row in fit["events"] if row["split"] == split]
            assert {row["process"]: row["class"] for row in rows} == {
                "ggH": "signal",
                "DY": "background",
            }
            for row in rows:
                own = weights[labels == (row["class"] == "signal")]
                assert row["events"] == len(own)
                assert row["num_negative"] == np.count_nonzero(own < 0)
                assert row["sum_w"] == pytest.approx(own.sum())
                assert row["effective"] == pytest.approx(own.sum() ** 2 / (own**2).sum())
    assert (document["fits"][2]["factors"]) == data.fit(2).factors


def test_quiet_prints_nothing(recipe: Path) -> None:
    assert memmpy("train-set", recipe, "--quiet").output == ""


def test_another_store_can_be_named(recipe: Path) -> None:
    assert memmpy("train-set", recipe, "--store", "other.mmpy").exit_code == 0
    assert Path("other.mmpy").is_dir()
    assert not Path("data.mmpy").exists()


def test_train_set_takes_no_store(recipe: Path) -> None:
    done = memmpy("train-set", "data.mmpy")
    assert done.exit_code == 2
    message = "a recipe is a file that ends in .toml, got 'data.mmpy'; nearest: 'data.toml'"
    assert message in done.stderr


def test_a_verb_takes_a_recipe_in_place_of_its_store(recipe: Path) -> None:
    memmpy("convert", recipe)
    for words in (
        "info --no-check-files",
        "keys --json",
        "head --keys met",
        "describe --by process --json",
        "cutflow met>20",
        "cut met>20",
        "skims",
        "clean",
        "verify",
    ):
        verb, *rest = words.split()
        done = memmpy(verb, recipe, *rest)
        assert (done.exit_code, done.stdout) == (0, memmpy(verb, "data.mmpy", *rest).stdout)
    assert memmpy("export", recipe, "-o", "out.parquet", "--quiet").exit_code == 0
    assert memmpy("plot", "hist", recipe, "pt_sum", "-o", "pt.svg").stdout == "wrote pt.svg\n"


def test_a_verb_takes_the_names_of_a_recipe(recipe: Path) -> None:
    memmpy("convert", recipe)
    names = ["--alias", "pt_sum=pt_1 + pt_2"]
    for verb, *rest in (["head", "--cut"], ["cut"], ["cutflow"]):
        done = memmpy(verb, recipe, *rest, "pt_sum > 60")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == memmpy(verb, "data.mmpy", *rest, "pt_sum > 60", *names).stdout


def test_a_class_without_training_events_is_an_error(recipe: Path) -> None:
    recipe.write_text(EXAMPLE.replace("process == 'ggH'", "process == 'ggH' && met < 0"))
    recipe.write_text(recipe.read_text().replace("[training]\n", '[training]\nothers = "drop"\n'))
    done = memmpy("train-set", recipe)
    assert done.exit_code == 1
    assert "signal" in done.stderr
    assert "Traceback" not in done.stderr


def test_skim_makes_the_skim_of_the_training_set(recipe: Path) -> None:
    done = memmpy("skim", recipe)
    assert done.exit_code == 0, done.output
    (skim,), _ = list_skims("data.mmpy")
    assert training_set("data.toml").skim.path == skim.path.absolute()
    assert "(pt_1 > 20 && iso_1 < 0.1)" in done.output


def test_options_of_skim_override_a_recipe(recipe: Path) -> None:
    words = ["--cut", "met > least", "--constant", "least=50", "--by", "process,event"]
    done = memmpy("skim", recipe, *words)
    assert done.exit_code == 0, done.output
    (skim,), _ = list_skims("data.mmpy")
    assert skim.cut == "met > least"
    assert skim.ticket_rule.by == ("process", "event")


@pytest.mark.parametrize(
    "words", [["--keys", "met"], ["--pad", "jet_pt:2:nan"], ["--group", "x=met"], ["--recreate"]]
)
def test_the_content_of_a_skim_stands_in_its_recipe(words: list[str], recipe: Path) -> None:
    done = memmpy("skim", recipe, *words)
    assert done.exit_code == 2
    assert "a recipe has the content of its skim in [training]" in done.stderr


def test_check_looks_at_the_training_set_of_a_recipe(recipe: Path) -> None:
    done = memmpy("check", recipe, "--json")
    assert done.exit_code == 0, done.output
    kinds = {finding["kind"] for finding in json.loads(done.stdout)["findings"]}
    assert "class share" in kinds


def test_cutflow_takes_cut_and_names_from_a_recipe(recipe: Path) -> None:
    memmpy("convert", recipe)
    done = memmpy("cutflow", recipe, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == ["all", "pt_1 > 20", "iso_1 < 0.1"]
    other = memmpy("cutflow", recipe, "pt_sum > 60", "--json")  # an alias of the recipe
    assert other.exit_code == 0, other.output


def test_cutflow_needs_a_cut(recipe: Path) -> None:
    recipe.write_text(EXAMPLE.replace("cut =", "# cut ="))
    done = memmpy("cutflow", recipe)
    assert done.exit_code == 2
    assert "name a CUT, such as 'njets > 2 && met > 50'" in done.stderr
