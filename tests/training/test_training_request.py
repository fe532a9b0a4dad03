from typing import Any

import numpy as np
import pytest

from memmpy import Objects, Reweight
from memmpy.errors import CutError, MissingKeyError, OptionError
from memmpy.training import TrainingRequest
from tests.training.samples import Sample

LABELS = {"background": "process == 'DY'", "signal": "process == 'ggH'"}


def request(**options: Any) -> TrainingRequest:
    return TrainingRequest(**{"inputs": {"kin": ["met"]}, **options})


@pytest.mark.parametrize(
    ("options", "has_weight"),
    [
        ({}, False),
        ({"normalise": None}, False),
        ({"weight": "w"}, True),
        ({"normalise": "equal", "labels": LABELS}, True),
        ({"normalise": {"background": 1, "signal": 2}, "labels": LABELS}, True),
        ({"normalise": {"all": 1}}, True),
        ({"reweight": Reweight({"x": [0, 1]}, flat=True)}, True),
    ],
)
def test_a_batch_has_weights_if_something_gives_them(options: Any, has_weight: bool) -> None:
    assert request(**options).has_weight is has_weight


def test_the_keys_that_are_used() -> None:
    own = request(
        inputs={
            "a": ["met", "log(HT)"],
            "b": Objects({"pt": ["pt_1", "2 * pt_2"]}, valid="pt > 3"),
        },
        labels=LABELS,
        weight="w * lumi",
        cut="iso < 0.1 && label > 0",
        aliases={"HT": "h1 + h2"},
        constants={"lumi": 59.7},
        spectators={"event"},
        reweight=Reweight({"abs(eta)": [0, 1]}, to="signal"),
    )
    assert own.used_keys == {
        "met", "h1", "h2", "pt_1", "pt_2", "process", "w", "iso", "label", "event", "eta",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": {}}, "inputs is a mapping of name to keys"),
        ({"inputs": ["met"]}, "inputs is a mapping of name to keys"),
        ({"inputs": {1: ["met"]}}, "the name of an input is a text, got 1"),
        ({"inputs": {"": ["met"]}}, "the name of an input is a text, got ''"),
        ({"inputs": {"kin": "met"}}, "'kin' is a list of keys or expressions, or Objects"),
        ({"inputs": {"kin": []}}, "'kin' is a list of keys or expressions, or Objects"),
        ({"inputs": {"kin": [1]}}, "'kin' is a list of keys or expressions, or Objects"),
        ({"inputs": {"kin": {"met"}}}, "'kin' is a list of keys or expressions, or Objects"),
        ({"inputs": {"kin": ["met", "met"]}}, "the input 'kin' has 'met' twice"),
        ({"labels": ["a"]}, "labels must be a mapping of names"),
        ({"labels": {"a": 1}}, "labels is a mapping of class to cut.*got 'a': 1"),
        ({"labels": {1: "x > 1"}}, "labels is a mapping of class to cut"),
        ({"others": "no"}, "others must be one of 'raise', 'drop', 'keep', got 'no'"),
        ({"others": True}, "others must be one of"),
        ({"weight": ""}, "weight is an expression, .* got ''"),
        ({"weight": "  "}, "weight is an expression"),
        ({"weight": 5}, "weight is an expression, .* got 5"),
        ({"weight": ["w"]}, "weight is an expression"),
        ({"aliases": ["x"]}, "aliases must be a mapping of names"),
        ({"constants": 3}, "constants must be a mapping of names"),
        ({"spectators": "event"}, "spectators is a list of keys, got the text 'event'"),
        ({"spectators": [1]}, "got 1 among them"),
        ({"missing": "x"}, "missing is a number that means 'not there'"),
        ({"missing": True}, "missing is a number that means 'not there'"),
        ({"missing": [-999]}, "missing is a number that means 'not there'"),
        ({"missing": {"met": "x"}}, "missing is a number that means 'not there'"),
        ({"missing": {"mett": -999}}, "missing names 'mett', which no input has; nearest: 'met'"),
        ({"fill": "x"}, "fill is a number, or None to keep NaN; got 'x'"),
        ({"fill": True}, "fill is a number, or None"),
        ({"fill": [0]}, "fill is a number, or None"),
        ({"scale": "std"}, "scale takes 'standard'"),
        ({"scale": {"mett": "log"}}, "scale names 'mett'.*nearest: 'met'"),
        ({"normalise": "sum"}, "normalise is 'mean', 'equal', None, or a mapping"),
        ({"normalise": [1, 2]}, "normalise is 'mean', 'equal', None, or a mapping"),
        ({"normalise": {"signals": 1}, "labels": LABELS}, "'signals', no class; nearest: 'signal'"),
        ({"normalise": {"signal": 1}, "labels": LABELS}, "needs all classes, and lacks 'backgr"),
        ({"normalise": {"all": 0}}, "a positive number for each class, got 0"),
        ({"normalise": {"all": float("nan")}}, "a positive number for each class, got nan"),
        ({"normalise": {"all": float("inf")}}, "a positive number for each class, got inf"),
        ({"normalise": {"all": True}}, "a positive number for each class, got True"),
        ({"normalise": {"all": "1"}}, "a positive number for each class, got '1'"),
        ({"negative": "none"}, "must be one of 'keep', 'abs', 'drop', 'raise', got 'none'"),
        ({"negative": None}, "negative must be one of"),
        ({"reweight": {"x": [0, 1]}}, "reweight is a memmpy.Reweight"),
        ({"reweight": Reweight({"x": [0, 1]}, to="a")}, "the class 'a', which labels lacks"),
        (
            {"reweight": Reweight({"x": [0, 1]}, to="signals"), "labels": LABELS},
            "which labels lacks; nearest: 'signal'",
        ),
    ],
)
def test_bad_options_are_refused(options: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        request(**options)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (None, "'kin' holds float16, float32 or float64, not None"),
        ("int32", "not 'int32'"),
        ("float128", "not 'float128'"),
        ("complex64", "not 'complex64'"),
        ("foo", "'kin' cannot have the dtype 'foo'"),
        ({"kinn": "f4"}, "dtype names 'kinn', which is no input; nearest: 'kin'"),
    ],
)
def test_bad_dtypes_are_refused(dtype: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        request(dtype=dtype).skim_request()


def test_a_fill_must_fit_into_the_dtype() -> None:
    with pytest.raises(OptionError, match=r"'kin' cannot be filled with 1e\+06: it holds float16"):
        request(dtype="float16", fill=1e6).skim_request()
    own = request(dtype="float16", fill=float("nan"))
    assert own.skim_request().dtypes["kin"] == "float16"


@pytest.mark.parametrize("key", ["event", "eventNumber", "Event.eventNumber"])
@pytest.mark.parametrize("missing", [None, -999])
def test_event_numbers_are_no_inputs(key: str, missing: float | None) -> None:
    for options in ({"inputs": {"a": [key]}}, {"inputs": {"a": ["e"]}, "aliases": {"e": key}}):
        with pytest.raises(OptionError, match=f"'{key}' is the number of an event.*spectators="):
            request(**options, missing=missing).skim_request()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"inputs": {"label": ["met"]}, "labels": LABELS}, "label"),
        ({"inputs": {"weight": ["met"]}, "weight": "w"}, "weight"),
        ({"inputs": {"weight_physics": ["met"]}, "weight": "w"}, "weight_physics"),
        ({"inputs": {"_index": ["met"]}}, "_index"),
        ({"inputs": {"_bin": ["met"]}}, "_bin"),
        ({"inputs": {"met": ["met"]}, "spectators": ["met"]}, "met"),
        ({"spectators": ["label"], "labels": LABELS}, "label"),
        ({"spectators": ["weight"], "weight": "weight"}, "weight"),
        ({"inputs": {"a": Objects(["x"], length=2), "a_mask": ["met"]}}, "a_mask"),
    ],
)
def test_two_things_of_one_name_in_a_batch_are_refused(options: Any, name: str) -> None:
    with pytest.raises(OptionError, match=f"a batch would have '{name}' twice"):
        request(**options)


def test_names_that_batches_do_not_have_are_free() -> None:
    for inputs in ({"label": ["met"], "weight": ["met"]}, {"a": Objects(["x"]), "a_mask": ["met"]}):
        assert request(inputs=inputs).keys.keys() == inputs.keys()


@pytest.mark.parametrize(
    ("keys", "aliases"),
    [(["met", "(met)"], {}), (["met", "m"], {"m": "met"})],
)
def test_one_column_twice_is_refused(keys: list[str], aliases: dict[str, str]) -> None:
    with pytest.raises(
        OptionError,
        match=f"'kin' has 'met' twice, once as '{keys[1]}'".replace("(", r"\(").replace(")", r"\)"),
    ):
        request(inputs={"kin": keys}, aliases=aliases).skim_request()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cut": "met >"}, "ends too early.*\n  met >\n"),
        ({"cut": "met >", "labels": LABELS, "others": "drop"}, "ends too early.*\n  met >\n"),
        ({"weight": "w +"}, "ends too early"),
        ({"labels": {"a": "met > 1 )"}}, r"unexpected '\)'"),
        ({"inputs": {"kin": ["met +"]}}, "ends too early"),
        ({"reweight": Reweight({"met )": [0, 1]}, flat=True)}, r"unexpected '\)'"),
    ],
)
def test_an_expression_that_cannot_be_read_shows_the_place(options: Any, message: str) -> None:
    with pytest.raises(CutError, match=message) as caught:
        request(**options).skim_request()
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"inputs": {"a": ["mett"]}}, MissingKeyError, "no column 'mett' in .*nearest: 'met'"),
        ({"inputs": {"a": ["2 * mett"]}}, CutError, "no key 'mett' in .*nearest: 'met'"),
        ({"weight": "ww"}, CutError, "no key 'ww' in .*; nearest: 'w'\n  ww\n  \\^\\^"),
        ({"cut": "mett > 5"}, CutError, "no key 'mett'.*\n  mett > 5\n  \\^\\^\\^\\^"),
        (
            {"cut": "mett > 5", "others": "drop"},
            CutError,
            "no key 'mett'.*\n  mett > 5\n  \\^\\^\\^\\^",
        ),
        (
            {"labels": {"a": "met > 5", "b": "mett < 5"}, "others": "drop"},
            CutError,
            "no key 'mett'.*\n  mett < 5\n  \\^\\^\\^\\^",
        ),
        ({"labels": {"a": "mett > 5"}}, CutError, "no key 'mett'"),
        ({"spectators": ["runs"]}, MissingKeyError, "no column 'runs' in .*nearest: 'run'"),
        ({"reweight": Reweight({"mett": [0, 1]}, flat=True)}, CutError, "no key 'mett'"),
        ({"splits": "x"}, OptionError, "splits= must be a Splits"),
        ({"work": 5}, OptionError, "work must be a Work"),
        ({"cut": 5}, OptionError, "a cut or a weight is a text such as 'nJets >= 6', not int"),
    ],
)
def test_what_a_store_lacks_is_named_with_the_nearest(
    sample: Sample, options: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        sample.training_set(**options)


@pytest.mark.parametrize("number", [10**400, 1 + 2j, np.complex64(1)], ids=["huge", "1j", "c8"])
@pytest.mark.parametrize("name", ["missing", "fill"])
def test_numbers_that_float64_does_not_hold_are_refused(name: str, number: Any) -> None:
    with pytest.raises(OptionError, match=f"{name} is a number"):
        request(**{name: number})


@pytest.mark.parametrize(
    "objects", [Objects(["eventNumber"]), Objects({"x": ["info.event"], "y": ["met"]})]
)
def test_event_numbers_are_no_values_of_objects(objects: Objects) -> None:
    with pytest.raises(OptionError, match="is the number of an event"):
        request(inputs={"o": objects}).skim_request()
