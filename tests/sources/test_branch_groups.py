"""Tests of groups of branches by the first part of their names."""

from fnmatch import fnmatchcase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.columns import ColumnType
from memmpy.sources import BranchListing
from memmpy.sources.branch_groups import first_part, group_branches, type_in_words, types_in_words


def branch(name: str, dtype: str = "f4", kind: str = "vector", stored: str = "") -> BranchListing:
    return BranchListing(name, ColumnType(kind, np.dtype(dtype)), stored, (10, 30))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Jet_pt", "Jet_*"),
        ("AnalysisJetsAuxDyn.pt", "AnalysisJetsAuxDyn.*"),
        ("reco_beam_len", "reco_*"),
        ("a/b", "a/*"),
        ("met", "met"),
        ("_hidden", "_hidden"),
    ],
)
def test_the_first_part_of_a_name_is_a_pattern(name: str, pattern: str) -> None:
    assert first_part(name) == pattern


def test_branches_that_are_alone_come_first_and_groups_by_name() -> None:
    names = ["run", "Zed_a", "Zed_b", "event", "Abc_a", "Abc_b", "One_only"]
    groups = group_branches([branch(name) for name in names])
    assert [group.pattern for group in groups] == ["run", "event", "One_only", "Abc_*", "Zed_*"]
    assert groups[-1].sizes == (20, 60)


@pytest.mark.parametrize("counter", ["nJet", "NJet"])
def test_a_counter_joins_the_lists_that_it_counts(counter: str) -> None:
    lists = [branch(name, kind="jagged") for name in ("Jet_pt", "Jet_eta")]
    [group] = group_branches([branch(counter, "u4"), *lists])
    assert (group.pattern, group.counter) == ("Jet_*", counter)
    assert len(group.branches) == 3


def test_a_counter_of_plain_numbers_stays_alone() -> None:
    groups = group_branches([branch("nMET", "u4"), branch("MET_pt"), branch("MET_phi")])
    assert [group.pattern for group in groups] == ["nMET", "MET_*"]


@given(st.lists(st.text(alphabet="ab_.n", min_size=1, max_size=6), unique=True))
def test_each_branch_is_in_one_group_whose_pattern_matches_it(names: list[str]) -> None:
    groups = group_branches([branch(name) for name in names])
    assert sorted(b.name for group in groups for b in group.branches) == sorted(names)
    for group in groups:
        for one in group.branches:
            assert one.name == group.counter or fnmatchcase(one.name, group.pattern)


def test_types_are_told_with_the_most_common_first() -> None:
    lists = [branch("a", kind="jagged"), branch("b", kind="jagged"), branch("c", "?", "jagged")]
    nested = BranchListing("d", ColumnType("nested", type="var * var * int64"), "", None)
    words = types_in_words([branch("x", "i4"), *lists, nested])
    assert words == "lists of float32, bool; int32; lists of lists of int64"


def test_many_types_are_cut() -> None:
    types = [branch(str(i), dtype) for i, dtype in enumerate(["i1", "i2", "i4", "i8", "f4", "f8"])]
    assert types_in_words(types) == "int8, int16, int32, int64, ..."


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (branch("x", "f4", stored="float"), "float32"),
        (branch("x", "f4", "jagged", "std::vector<float>"), "list of float32"),
        (branch("x", "f8", stored="Double32_t"), "float64 (Double32_t)"),
        (branch("x", "?", "jagged", "std::bitset<16>"), "list of bool (std::bitset<16>)"),
        (
            BranchListing("x", None, "", None, "holds C++ objects (A) that no column can hold"),
            "unreadable: C++ objects (A)",
        ),
        (BranchListing("x", None, "", None, "has 2 entries"), "unreadable: has 2 entries"),
    ],
)
def test_a_type_of_the_file_is_told_where_it_says_more(one: BranchListing, words: str) -> None:
    assert type_in_words(one) == words


def test_a_long_type_is_cut() -> None:
    fields = ", ".join(f"field_{i}: float32" for i in range(20))
    one = BranchListing("x", ColumnType("nested", type=f"var * {{{fields}}}"), "", None)
    words = type_in_words(one)
    assert 60 < len(words) <= 70
    assert words.startswith("list of {field_0: float32")
    assert words.endswith("…")
