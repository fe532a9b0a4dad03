"""Laws of the partition of a file into ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memmpy.conversion.planning.partition import TreeRange, partition_entries


@dataclass(frozen=True)
class Division:
    """What `partition_entries` is asked."""

    branches: dict[str, tuple[str, ...]]
    sizes: dict[str, tuple[int, int]]
    edges: dict[str, list[int]]
    entry_bytes: dict[str, int]
    num_entries: int
    start: int
    stop: int
    num_bytes: int

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        ends = np.array([0, self.num_entries])
        edges = [np.array(self.edges[branch]) for branch in branches]
        common = [reduce(np.intersect1d, edges)] if edges else []
        return np.unique(np.concatenate([ends, *common]).astype(np.int64))

    def ranges(self) -> list[TreeRange]:
        return partition_entries(
            self.branches,
            self.sizes,
            self.boundaries,
            entry_bytes=self.entry_bytes,
            num_entries=self.num_entries,
            start=self.start,
            stop=self.stop,
            num_bytes=self.num_bytes,
        )


@st.composite
def divisions(draw: st.DrawFn) -> Division:
    num_entries = draw(st.integers(1, 60))
    names = [f"b{i}" for i in range(draw(st.integers(1, 5)))]
    sizes = {n: draw(st.tuples(st.integers(0, 500), st.integers(0, 2000))) for n in names}
    several = st.lists(st.integers(0, num_entries), max_size=8)
    shared = draw(several)
    edges = {n: sorted({0, num_entries, *draw(st.just(shared) | several)}) for n in names}
    used = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple)
    keys = [f"k{i}" for i in range(draw(st.integers(1, 5)))]
    start = draw(st.integers(0, num_entries))
    return Division(
        {key: draw(used) for key in keys},
        sizes,
        edges,
        {key: draw(st.integers(0, 100)) for key in keys},
        num_entries,
        start,
        draw(st.integers(start, num_entries)),
        draw(st.integers(1, 3000)),
    )


@given(divisions())
def test_each_entry_of_each_key_is_in_one_range(division: Division) -> None:
    seen = np.zeros((len(division.branches), division.num_entries), int)
    keys = list(division.branches)
    for found in division.ranges():
        assert found.tree_start < found.tree_stop
        for key in found.keys:
            seen[keys.index(key), found.tree_start : found.tree_stop] += 1
    assert (seen[:, division.start : division.stop] == 1).all()
    assert seen.sum() == len(keys) * (division.stop - division.start)


@given(divisions())
def test_every_inner_cut_lies_between_baskets_of_all_branches(division: Division) -> None:
    for found in division.ranges():
        for cut in {found.tree_start, found.tree_stop} - {division.start, division.stop}:
            for key in found.keys:
                for branch in division.branches[key]:
                    assert cut in division.edges[branch]


@pytest.mark.slow
@given(divisions())
def test_no_branch_is_read_twice_for_an_entry(division: Division) -> None:
    reads = {branch: np.zeros(division.num_entries, int) for branch in division.sizes}
    for found in division.ranges():
        for branch in {b for key in found.keys for b in division.branches[key]}:
            reads[branch][found.tree_start : found.tree_stop] += 1
    assert all((counts <= 1).all() for counts in reads.values())


@given(divisions())
def test_the_sizes_of_ranges_are_those_of_their_branches(division: Division) -> None:
    for found in division.ranges():
        used = {branch for key in found.keys for branch in division.branches[key]}
        for i, size in enumerate((found.packed, found.unpacked)):
            whole = sum(division.sizes[branch][i] for branch in used)
            assert size == whole * (found.tree_stop - found.tree_start) // division.num_entries
        assert found.stored == found.num_entries * sum(division.entry_bytes[k] for k in found.keys)


@given(divisions())
def test_a_range_is_larger_than_wanted_only_where_it_cannot_be_cut(division: Division) -> None:
    for found in division.ranges():
        if found.num_bytes <= division.num_bytes:
            continue
        used = list({branch for key in found.keys for branch in division.branches[key]})
        edges = division.boundaries(used)
        inner = edges[(edges > found.tree_start) & (edges < found.tree_stop)]
        assert not len(inner) or found.num_bytes <= 2 * division.num_bytes


@given(divisions())
def test_all_columns_of_some_entries_follow_each_other(division: Division) -> None:
    """Ranges come in the order of the entries, of the same columns."""
    for a, b in pairwise(division.ranges()):
        assert a.keys != b.keys or a.tree_stop == b.tree_start


def one_branch(num_bytes: int, *, entry_bytes: int = 0) -> list[TreeRange]:
    edges = {"b": list(range(0, 101, 10))}
    return Division(
        {"k": ("b",)}, {"b": (100, 1000)}, edges, {"k": entry_bytes}, 100, 0, 100, num_bytes
    ).ranges()


@pytest.mark.parametrize(("num_bytes", "length"), [(1, 10), (100, 10), (250, 20), (5000, 100)])
def test_a_range_is_about_as_large_as_wanted(num_bytes: int, length: int) -> None:
    assert {found.tree_stop - found.tree_start for found in one_branch(num_bytes)} == {length}


def test_entries_that_are_larger_once_they_are_padded_count_so() -> None:
    found = one_branch(5000, entry_bytes=250)
    assert {read.num_entries for read in found} == {20}


def test_branches_without_common_baskets_are_read_apart() -> None:
    division = Division(
        {"x": ("a",), "y": ("b",)},
        {"a": (10, 1000), "b": (10, 1000)},
        {"a": [0, 50, 100], "b": [0, 30, 60, 100]},
        {"x": 0, "y": 0},
        100,
        0,
        100,
        400,
    )
    cuts = [(found.keys, found.tree_start, found.tree_stop) for found in division.ranges()]
    assert cuts == [
        (("x",), 0, 50),
        (("x",), 50, 100),
        (("y",), 0, 30),
        (("y",), 30, 60),
        (("y",), 60, 100),
    ]


def test_columns_that_share_a_branch_are_read_together() -> None:
    division = Division(
        {"x": ("a", "c"), "y": ("b", "c")},
        {"a": (10, 1000), "b": (10, 1000), "c": (10, 1000)},
        {"a": [0, 50, 100], "b": [0, 30, 100], "c": [0, 100]},
        {"x": 0, "y": 0},
        100,
        0,
        100,
        400,
    )
    assert [(found.keys, found.tree_start, found.tree_stop) for found in division.ranges()] == [
        (("x", "y"), 0, 100)
    ]


def test_nothing_wanted_is_nothing_to_read() -> None:
    division = Division({}, {}, {}, {}, 10, 0, 10, 100)
    assert division.ranges() == []
