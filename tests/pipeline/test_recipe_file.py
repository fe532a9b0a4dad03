"""Recipes: one TOML file from files to a training set."""

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Objects, RFileConfig, Splits, Store, training_set
from memmpy.errors import (
    CutError,
    InputFileError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    SplitError,
)
from memmpy.pipeline import is_recipe, read_recipe
from memmpy.training import TRAINING_DEFAULTS, Reweight
from tests.pipeline.toy_recipe import EXAMPLE, write_toy_files


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data.toml").write_text(EXAMPLE)
    return Path("data.toml")


def change(old: str, new: str) -> int:
    """Write the example with the first text of its kind changed, and return its line."""
    before, _, after = EXAMPLE.partition(old)
    assert old in EXAMPLE
    Path("data.toml").write_text(before + new + after)
    return before.count("\n") + 1


def line_of(text: str) -> int:
    """Return the line of the first text of its kind in the example."""
    return EXAMPLE[: EXAMPLE.index(text)].count("\n") + 1


def test_the_example_of_the_page_is_read_as_written(recipe: Path) -> None:
    content = read_recipe(recipe)
    assert content.store == Path("data.mmpy")
    totals = {"sum_w": "Runs:genEventSumw"}
    assert content.files == (
        RFileConfig("ggH/*.root", "Events", {"process": "ggH", "xsec": 48.6}, totals=totals),
        RFileConfig("DY/*.root", "Events", {"process": "DY", "xsec": 6077.2}, totals=totals),
    )
    assert content.columns == {
        "keys": ["npv", "met_gev", "jet_*"],
        "aliases": {"met_gev": "met * 0.001"},
        "dtype": {"npv": "int16"},
    }
    assert content.splits == Splits(by=("process", "run", "event"), num_folds=5, val=0.1)
    training = content.training
    assert training is not None
    assert training.inputs == {
        "kinematics": ("pt_sum", "pt_1", "met"),
        "jets": Objects(["jet_pt", "jet_eta"], length=8, sort_by="-jet_pt"),
    }
    assert training.classes == ("background", "signal")
    assert training.weight == "genWeight * xsec * 59740 / sum_w"
    assert training.cut == "pt_1 > 20 && iso_1 < 0.1"
    assert training.spectators == ("event",)
    assert (training.missing, training.scale, training.normalise) == (-999, "standard", "equal")


def test_a_recipe_gives_the_training_set_of_the_same_options_in_python(recipe: Path) -> None:
    events = write_toy_files(Path())
    data = training_set(recipe)
    totals = {"sum_w": "Runs:genEventSumw"}
    other = training_set(
        [
            RFileConfig("ggH/*.root", "Events", {"process": "ggH", "xsec": 48.6}, totals=totals),
            RFileConfig("DY/*.root", "Events", {"process": "DY", "xsec": 6077.2}, totals=totals),
        ],
        "other.mmpy",
        splits=Splits(by=("process", "run", "event"), num_folds=5, val=0.1),
        weight="genWeight * xsec * 59740 / sum_w",
        cut="pt_1 > 20 && iso_1 < 0.1",
        aliases={"pt_sum": "pt_1 + pt_2"},
        spectators=["event"],
        missing=-999,
        scale="standard",
        normalise="equal",
        inputs={
            "kinematics": ["pt_sum", "pt_1", "met"],
            "jets": Objects(["jet_pt", "jet_eta"], length=8, sort_by="-jet_pt"),
        },
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
    )
    passes = [
        np.count_nonzero((one["pt_1"] > 20) & (one["iso_1"] < np.float32(0.1)))
        for one in events.values()
    ]
    assert len(data) == len(other) == sum(passes)
    for fold in range(5):
        batches = (one.loader("train", fold=fold, batch_size=64) for one in (data, other))
        for batch, expected in zip(*batches, strict=True):
            assert batch.keys() == expected.keys()
            for key, values in batch.items():
                np.testing.assert_array_equal(values, expected[key])


def test_the_store_holds_the_keys_of_convert_and_of_the_training_set(recipe: Path) -> None:
    events = write_toy_files(Path())
    training_set("data.toml")
    assert set(memmpy.open("data.mmpy")) == {
        "npv", "met_gev", "jet_pt", "jet_eta", "met", "pt_1", "pt_2", "iso_1", "genWeight",
        "run", "event", "process", "xsec", "sum_w",
    }  # fmt: skip
    assert memmpy.read_vector("data.mmpy", "npv").dtype == np.int16
    met = np.concatenate([events["ggH"]["met"], events["DY"]["met"]])
    np.testing.assert_allclose(memmpy.read_vector("data.mmpy", "met_gev"), met * 0.001, rtol=1e-6)


def test_paths_begin_at_the_folder_of_the_recipe(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a[1]" / "b"  # a pattern, taken literally
    write_toy_files(folder)
    (folder / "data.toml").write_text(EXAMPLE)
    assert training_set(folder / "data.toml").path == (folder / "data.mmpy")


def test_a_url_and_an_absolute_path_stay(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for path in ("root://server//x/*.root", "/data/x.root"):
        file = tmp_path / "sub" / "data.toml"
        file.write_text(EXAMPLE.replace("ggH/*.root", path))
        assert read_recipe(file).files[0].path == path


def test_another_store_can_be_named(recipe: Path) -> None:
    write_toy_files(Path())
    assert training_set("data.toml", "other.mmpy").path == Path("other.mmpy").absolute()
    assert not Path("data.mmpy").exists()


def test_without_files_the_store_is_taken_as_it_is(recipe: Path) -> None:
    write_toy_files(Path())
    data = training_set("data.toml")
    Path("other.toml").write_text(
        "store = 'data.mmpy'\n[training.inputs]\nx = ['met_gev', 'npv']\n"
    )
    other = training_set("other.toml")
    assert other.path == data.path
    assert len(other) == 1000
    assert other.splits == data.splits


def test_none_is_a_text(recipe: Path) -> None:
    text = """
        store = "s"
        [[files]]
        path = "a.root"
        missing = { run = "none", x = 1 }
        friends = { tracks = "none", scores = "b.root" }
        [training]
        fill = "none"
        normalise = "none"
        scale = { a = "standard", x = "none" }
        [training.inputs]
        a = ["x", "y"]
    """
    Path("data.toml").write_text(text)
    content = read_recipe("data.toml")
    assert content.files[0].missing == {"run": None, "x": 1}
    assert content.files[0].friends == {"tracks": None, "scores": "b.root"}
    assert content.training is not None
    assert (content.training.fill, content.training.normalise) == (None, None)
    assert content.training.methods == {"a": (None, "standard")}


def test_a_reweighting_is_a_table(recipe: Path) -> None:
    more = '[training.reweight]\nvariables = { pt_1 = [0, 50, 100], "2*met" = [0, 9] }\n'
    Path("data.toml").write_text(EXAMPLE + more + 'to = "signal"\nmax_ratio = 3\n')
    content = read_recipe("data.toml")
    assert content.training is not None
    expected = Reweight({"pt_1": [0, 50, 100], "2*met": [0, 9]}, to="signal", max_ratio=3)
    assert content.training.reweight == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight =", "wieght =", "[training] has no 'wieght'; nearest: 'weight'"),
        ("store =", "stroe =", "a recipe has no 'stroe'; nearest: 'store'"),
        ("[training]", "[trainig]", "a recipe has no 'trainig'; nearest: 'training'"),
        ("[training.inputs]", "[training.input]", "[training] has no 'input'; nearest: 'inputs'"),
        ("path =", "pth =", "[[files]] has no 'pth'; nearest: 'path'"),
        ('path = "ggH/*.root"', 'entry_stop = "5"', "[[files]] has no path"),
        ('path = "ggH/*.root"', "path = 5", "path of an RFileConfig is a path or a pattern, got 5"),
        ("xsec = 48.6", "xsec = nan", "'xsec' is nan"),
        ('"Runs:genEventSumw"', "5", "totals maps a name to a text, got 'sum_w': 5"),
        ('keys = ["npv", ', 'keys = ["npv", 5, ', "keys are texts, got 5 among them"),
        ('"met_gev", ', "", "nothing uses the alias 'met_gev'; add it to keys="),
        ("{ npv =", "{ np =", "dtype names 'np', which is no key; nearest: 'npv'"),
        ("num_folds = 5", 'num_folds = "5"', "num_folds must be an integer of at least 2, got '5'"),
        ("num_folds = 5", "num_fold = 5", "[splits] has no 'num_fold'; nearest: 'num_folds'"),
        ("missing = -999", "num_folds = 5", "no 'num_folds'; it belongs in [splits]"),
        (
            "missing = -999",
            "speed = 5",
            "[training] has no 'speed'; it may have 'inputs', 'labels'",
        ),
        ("val = 0.1", "val = 1.5", "0 <= val < 1, got 1.5"),
        ('"standard"', '"standart"', "got 'standart'; nearest: 'standard'"),
        ('"standard"', "{ jest = 'minmax' }", "scale names 'jest', which is no input"),
        ('"equal"', '"equals"', "normalise is 'mean', 'equal', None, or a mapping"),
        ('"equal"', "{ background = 1, sgnal = 2 }", "normalise names 'sgnal', no class"),
        ("missing = -999", 'negative = "kep"', "negative must be one of 'keep', 'abs'"),
        ("missing = -999", "missing = { pt_3 = -999 }", "missing names 'pt_3', which no input has"),
        ("missing = -999", "reweight = 5", "training.reweight is a table"),
        ("missing = -999", "reweight = { flat = true }", "[training.reweight] has no variables"),
        ("missing = -999", "reweight = { variables = {}, flt = 1 }", "no 'flt'; nearest: 'flat'"),
        ('kinematics = ["pt_sum", "pt_1", "met"]', "kinematics = 5", "the input 'kinematics' is a"),
        ("length = 8", "lenght = 8", "[training.inputs.jets] has no 'lenght'; nearest: 'length'"),
        ("length = 8", "length = 0", "length must be an integer of at least 1, got 0"),
        ("signal =", "weight =", "'weight' in [training.labels] is an option of [training]"),
        ("signal = ", "signal = 5 # ", "labels is a mapping of class to cut"),
        ('store = "data.mmpy"', "store = 5", "store is the path of a directory, got 5"),
    ],
)
def test_a_wrong_name_or_value_is_an_error_with_its_line(
    old: str, new: str, message: str, recipe: Path
) -> None:
    line = change(old, new)
    if message.endswith("has no path"):
        line = line_of("[[files]]")
    if message.startswith("nothing uses"):
        line = line_of("aliases")
    with pytest.raises(OptionError) as caught:
        read_recipe("data.toml")
    assert str(caught.value).startswith(f"data.toml, line {line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pt_1 > 20 &&", "pt_1 > && 20"),
        ("genWeight *", "genWeight * *"),
        ("process == 'ggH'", "process = 'ggH'"),
        ("pt_1 + pt_2", "pt_1 +"),
        ("met * 0.001", "met * (0.001"),
        ('"-jet_pt"', '"-jet_pt)"'),
        ("Runs:genEventSumw", "Runs:genEventSumw +"),
    ],
)
def test_a_wrong_expression_is_an_error_with_its_line_and_a_caret(
    old: str, new: str, recipe: Path
) -> None:
    line = change(old, new)
    with pytest.raises(CutError) as caught:
        read_recipe("data.toml")
    assert str(caught.value).startswith(f"data.toml, line {line}: ")
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ('"pt_1", "met"', '"pt_1", "mett"', MissingKeyError, "no branch 'mett' in .*: 'met'"),
        ("iso_1 <", "iso_2 <", MissingKeyError, "no branch 'iso_2' in .*nearest: 'iso_1'"),
        (
            'keys = ["npv"',
            'keys = ["npv", "npw"',
            MissingKeyError,
            "no branch 'npw' in .*nearest: 'npv'",
        ),
        ("pt_1 + pt_2", "pt_1 + pt_3", MissingKeyError, "no branch 'pt_3' in .*nearest: 'pt_2'"),
        ('path = "DY/', 'path = "DYY/', MissingFileError, r"no file matches 'DYY/\*.root'"),
        ('tree = "Events"', 'tree = "Event"', InputFileError, "no tree 'Event' in"),
    ],
)
def test_what_the_files_lack_is_an_error_with_its_line(
    old: str, new: str, error: type[Exception], message: str, recipe: Path
) -> None:
    write_toy_files(Path())
    line = change(old, new)
    with pytest.raises(error, match=f"^data.toml, line {line}: {message}"):
        training_set("data.toml")


def test_an_error_that_is_not_about_the_recipe_stays_as_it_is(recipe: Path) -> None:
    write_toy_files(Path())
    training_set("data.toml")
    change("num_folds = 5", "num_folds = 4")
    with pytest.raises(SplitError, match=r"^the store 'data.mmpy' has the splits"):
        training_set("data.toml")


def test_an_expression_in_a_text_of_several_lines_is_no_key(recipe: Path) -> None:
    text = '"""\npt_1 > 20\n&& iso_1 < 0.1"""\nnegatve = "abs"'
    line = change('"pt_1 > 20 && iso_1 < 0.1"', text) + text.count("\n")
    with pytest.raises(OptionError, match=rf"line {line}: .*nearest: 'negative'"):
        read_recipe("data.toml")


def test_a_value_that_stands_twice_is_placed_in_the_table_of_both(recipe: Path) -> None:
    change('"pt_sum", "pt_1", "met"', '"event"')  # it is a spectator, too
    with pytest.raises(OptionError, match=f"line {line_of('[training]')}: 'event' is the number"):
        read_recipe("data.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store = data.mmpy", r"'data.toml' is not TOML: Invalid value \(at line 1"),
        ("a = 1\na = 2", r"'data.toml' is not TOML: Cannot overwrite a value"),
        ("files = 5", "line 1: files come in groups: write"),
        ("[files]\npath = 'a'", "line 1: files come in groups: write"),
        ("files = [5]", r"line 1: files.0 is a table, such as \[\[files\]\]"),
        ("splits = 5", "line 1: splits is a table"),
        ("training = 5", "line 1: training is a table"),
        ("[training]\ncut = 'x > 1'", r"line 1: \[training\] has no inputs; write"),
        ("[training]\ninputs = 5", "line 2: training.inputs is a table"),
        ("[training.inputs]", "data.toml, line 1: inputs is a mapping of name to keys"),
        ("[training]\nlabels = 5\n[training.inputs]\nx = ['y']", "training.labels is a table"),
    ],
)
def test_a_file_of_another_shape_is_an_error(text: str, message: str, recipe: Path) -> None:
    recipe.write_text(text)
    with pytest.raises(OptionError, match=message):
        read_recipe(recipe)


def test_bytes_that_are_no_text_are_an_error(recipe: Path) -> None:
    recipe.write_bytes(b"\xff\xfe")
    with pytest.raises(OptionError, match=r"'data.toml' is not TOML"):
        read_recipe(recipe)


def test_a_missing_recipe_names_the_nearest(recipe: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no such file: 'dat.toml'; nearest: 'data.toml'"):
        training_set("dat.toml")


def test_a_recipe_without_a_store_says_where_to_name_it(recipe: Path) -> None:
    change('store = "data.mmpy"\n', "")
    with pytest.raises(OptionError, match=r"data.toml names no store: write store = 'data.mmpy'"):
        training_set("data.toml")


def test_a_recipe_without_inputs_makes_no_training_set(recipe: Path) -> None:
    recipe.write_text("store = 's'\n[[files]]\npath = 'a.root'\n[convert]\nkeys = ['met']\n")
    with pytest.raises(OptionError, match=r"data.toml has no \[training.inputs\]"):
        training_set("data.toml")


OPTIONS: dict[str, Any] = {
    "inputs": {"x": ["met"]}, "labels": {"a": "met > 1"}, "others": "drop", "weight": "w",
    "cut": "x > 1", "aliases": {"x": "met"}, "constants": {"x": 1}, "splits": Splits(by="file"),
    "spectators": ["event"], "missing": -1, "fill": None, "scale": "minmax", "normalise": None,
    "negative": "abs", "reweight": Reweight({"x": [0, 1]}, flat=True), "dtype": "float64",
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_beside_a_recipe_is_refused(name: str, recipe: Path) -> None:
    with pytest.raises(OptionError, match=f"^{name}= stands in a recipe: change it in 'data.toml'"):
        training_set("data.toml", **{name: OPTIONS[name]})


@pytest.mark.parametrize("door", [training_set, Store.training_set])
def test_all_doors_of_training_sets_have_the_same_options_and_defaults(door: Any) -> None:
    defaults = {name: one.default for name, one in signature(door).parameters.items()}
    assert {*OPTIONS} == defaults.keys() - {"self", "files", "path", "work"}
    del defaults["inputs"], defaults["splits"]
    assert {name: one for name, one in defaults.items() if name in OPTIONS} == TRAINING_DEFAULTS


@pytest.mark.parametrize("left_out", ["path", "inputs"])
def test_without_a_recipe_the_store_and_the_inputs_are_needed(left_out: str) -> None:
    options: dict[str, Any] = {"path": "s", "inputs": {"x": ["met"]}}
    del options[left_out]
    with pytest.raises(OptionError, match=f"training_set needs {left_out}="):
        training_set("a.root", **options)


@pytest.mark.parametrize("path", ["data.toml", Path("data.TOML")])
def test_a_recipe_ends_in_toml(path: str | Path) -> None:
    assert is_recipe(path)


@pytest.mark.parametrize("path", ["data.root", RFileConfig("a.toml"), ["a.toml"], None])
def test_other_files_are_no_recipe(path: object) -> None:
    assert not is_recipe(path)
