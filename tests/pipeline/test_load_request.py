"""Tests of what load_root is asked for: known without any file."""

from dataclasses import replace
from typing import Any

import pytest

from memmpy import RFileConfig, Splits
from memmpy.errors import OptionError
from memmpy.pipeline.load_request import LoadRequest
from memmpy.splits import SplitRequest, TicketRule
from tests.conftest import CLIPS

pytestmark = CLIPS

CONFIGS = [RFileConfig("nowhere.root", "tree", {"year": "mc16a", "process": "ttH"})]
FOLDS = Splits(num_folds=5)
PADDED: dict[str, Any] = {"jet_pt": (4, 0)}


def check(**options: Any) -> LoadRequest:
    defaults: dict[str, Any] = {
        "keys": {"met"},
        "keys_padded": {},
        "groups": {},
        "aliases": {},
        "dtype": None,
        "cut_text": None,
        "constants": {},
    }
    names = [name for name in ("split", "splits", "fold") if name in options]
    split_request = SplitRequest(**{name: options.pop(name) for name in names})
    return LoadRequest(CONFIGS, **{**defaults, **options}, split_request=split_request)


def test_all_used_columns_but_the_metadata_are_converted() -> None:
    request = check(
        cut_text="nJets > 5 && process == 'ttH'",
        groups={"event": ["HT", "met", "year"]},
    )
    named = {"met", "HT"}
    assert request.converted_keys == {*named, "nJets"}
    assert request.named_keys == {*named, "year"}
    assert request.metadata_keys == ("year", "process")


def test_the_conversion_pads_columns_and_the_skim_pads_itself() -> None:
    columns = check(keys_padded=PADDED, groups=None)
    assert columns.converted_padded == PADDED
    assert columns.converted_keys == {"met", "jet_pt_mask"}
    skim = check(keys_padded=PADDED, groups={})
    assert skim.converted_padded == {}
    assert skim.converted_keys == {"met", "jet_pt"}


@pytest.mark.parametrize(
    ("groups", "dtype", "is_apart"),
    [(None, None, True), ({}, None, False), ({}, {"jet_pt": "f2"}, True)],
)
def test_a_cut_on_a_padded_key_sees_the_values_of_the_files(
    groups: Any, dtype: Any, is_apart: bool
) -> None:
    request = check(keys_padded=PADDED, cut_text="jet_pt > 5", groups=groups, dtype=dtype)
    apart = {"jet_pt": "jet_pt__unpadded"} if is_apart else {}
    assert request.stored_as == apart
    assert request.aliases == {name: key for key, name in apart.items()}
    assert set(apart.values()) <= request.converted_keys


@pytest.mark.parametrize("groups", [None, {}])
@pytest.mark.parametrize("padding", [(2.0, 0), (True, 0), (-1, 0), (2,), 2, None])
def test_a_padded_length_is_an_integer_with_and_without_skim(groups: Any, padding: Any) -> None:
    with pytest.raises(OptionError, match="keys_padded"):
        check(keys_padded={"jet_pt": padding}, groups=groups)


@pytest.mark.parametrize("groups", [None, {}])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": ("run", "event")}, "splits= must be a Splits, such as memmpy.Splits"),
        (
            {"splits": Splits()},
            r"this call gives the splits .*: name the one to load, split='train'",
        ),
        ({"split": "trian"}, "no split 'trian'.*nearest: 'train'"),
        ({"split": "val", "splits": FOLDS}, "has folds: give one, fold=0 to 4"),
        ({"split": "val", "splits": FOLDS, "fold": 5}, "no fold 5 of 5 folds: give 0 to 4"),
        ({"split": "val", "splits": Splits(), "fold": 1}, "fold=1 was given, and .* has no folds"),
    ],
    ids=str,
)
def test_wrong_splits_are_refused_with_and_without_skim(
    groups: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check(groups=groups, **options)


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({}, False),
        ({"split": "all"}, False),
        ({"split": "val"}, True),
        ({"split": "all", "splits": Splits()}, True),
    ],
    ids=str,
)
def test_a_call_needs_splits_if_it_names_a_split_or_gives_splits(
    options: dict[str, Any], needs: bool
) -> None:
    assert check(**options).split_request.needs_splits is needs


def test_the_order_of_the_arguments_makes_no_other_skim() -> None:
    padded = {"jet_pt": (4, 0), "jet_eta": (4, 0)}
    rule = TicketRule("file", 0)
    names = {
        replace(check(keys=keys, keys_padded=dict(items)).skim_request(keys), rule=rule).name
        for keys in (["met", "HT"], ["HT", "met"])
        for items in (padded.items(), reversed(padded.items()))
    }
    assert len(names) == 1


def test_a_dtype_by_name_is_that_of_a_key_or_of_a_group() -> None:
    groups = {"event": ["met", "HT"], "jets": ["jet_pt"]}
    request = check(groups=groups, dtype={"event": "f4", "HT": "f2", "met": "f8"})
    assert request.group_dtype == {"event": "f4"}
    assert request.dtypes == {"HT": "f2", "met": "f8"}
    assert check(groups=None, dtype={"met": "f4"}).dtypes == {"met": "f4"}
    assert check(groups=None, dtype={"met": None}).dtypes == {}


def test_one_dtype_is_that_of_all_groups() -> None:
    request = check(groups={"event": ["met"]}, dtype="f4")
    assert (request.group_dtype, request.dtypes) == ("f4", {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": None, "dtype": "f4"}, "one dtype is for all groups, and skim=False makes none"),
        (
            {"groups": {}, "dtype": "f4"},
            "one dtype is for all groups, and there are none; name keys",
        ),
        ({"groups": {"HT": ["HT"]}, "dtype": {"HT": "f4"}}, "'HT', which is a key and a group; ta"),
        ({"groups": {"x": ["HT"]}, "dtype": {"HTT": "f4"}}, "no key and no group; nearest: 'HT'"),
        ({"groups": {"evt": ["HT"]}, "dtype": {"evnt": "f4"}}, "no key and no group; nearest: 'e"),
        ({"groups": None, "dtype": {"mett": "f4"}}, "no key and no group; nearest: 'met'"),
        ({"groups": {}, "keys": {"m*"}, "dtype": {"HT": "f4"}}, "'HT', which is no key and no"),
    ],
    ids=str,
)
def test_a_dtype_of_nothing_or_of_two_things_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        check(**options)


def test_a_dtype_may_be_that_of_a_key_that_a_pattern_matches() -> None:
    assert check(groups={}, keys={"m*"}, dtype={"met": "f4"}).dtypes == {"met": "f4"}
