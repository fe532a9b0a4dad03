"""Tests of counts of repeated identities and rows, against a slow count."""

import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import memmpy
from memmpy import RFileConfig, Splits
from memmpy.columns import open_undamaged
from memmpy.training import audit
from memmpy.training.audit.repeats import Repeats, SourceGroups, repeated_rows
from tests.training.stores import found, make_events, rows, write_trees


class Source(NamedTuple):
    """What a source is of, as numbers."""

    process: int
    variation: int
    file: int
    tree: int


class Entry(NamedTuple):
    """An entry of a source."""

    source: Source
    identity: int
    content: int = 0


def slow_counts(entries: list[Entry]) -> dict[str, int]:
    """Count by looking at all entries before each one; numbers of sources ascend."""
    counts: Counter[str] = Counter()
    for i, (source, identity, content) in enumerate(entries):
        same = [one.source for one in entries if one.identity == identity]
        before = entries[:i]
        counts["repeated"] += any(
            one.identity == identity and one.source[2:] == source[2:] for one in before
        )
        counts["overlap"] += any(one[:2] == source[:2] and one.file < source.file for one in same)
        counts["variations"] += any(
            (one.file == source.file and one.tree < source.tree)
            or (one.process == source.process and one.variation < source.variation)
            for one in same
        )
        counts["same rows"] += any(
            one.content == content
            and one.identity != identity
            and (one.source.variation, one.source.tree) == (source.variation, source.tree)
            for one in before
        )
    return {kind: num for kind, num in counts.items() if num}


def numbered(values: list[object]) -> list[int]:
    """Number values in the order in which they come first."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


@st.composite
def all_sources(draw: st.DrawFn) -> list[Source]:
    """Draw sources, whose numbers ascend in the order in which they come first."""
    small = st.integers(0, 2)
    files = draw(st.lists(st.tuples(small, small), min_size=1, max_size=4))
    sources = [
        (process, variation, file, tree)
        for file, (process, variation) in enumerate(files)
        for tree in draw(st.lists(small, min_size=1, max_size=3, unique=True))
    ]
    columns = zip(*sources, strict=True)
    return [Source(*one) for one in zip(*(numbered([*c]) for c in columns), strict=True)]


@st.composite
def all_entries(draw: st.DrawFn) -> list[Entry]:
    """Draw entries, in the order of their sources."""
    identity = st.integers(0, 6)
    return [
        Entry(source, one)
        for source in draw(all_sources())
        for one in draw(st.lists(identity, max_size=6))
    ]


def source_groups(sources: list[Source]) -> SourceGroups:
    """Return what sources have in common, as numbers."""

    def numbers(values: list[object]) -> np.ndarray:
        return np.array(numbered(values), np.int64)

    return SourceGroups(
        files=np.array([one.file for one in sources]),
        paths=[f"{i}.root" for i in range(len(sources))],
        trees=np.array([one.tree for one in sources]),
        file_trees=numbers([one[2:] for one in sources]),
        samples=numbers([one[:2] for one in sources]),
        processes=np.array([one.process for one in sources]),
        variations=np.array([one.variation for one in sources]),
    )


@given(all_entries(), st.integers(1, 4))
def test_identities_are_counted_as_the_slow_way_does(entries: list[Entry], num_parts: int) -> None:
    sources = list(dict.fromkeys(one.source for one in entries)) or [Source(0, 0, 0, 0)]
    repeats = Repeats(source_groups(sources))
    for part in range(num_parts):
        chosen = [one for one in entries if one.identity % num_parts == part]
        repeats.add(
            np.array([one.identity for one in chosen], np.uint64),
            np.array([sources.index(one.source) for one in chosen], np.int32),
        )
    counts = {
        "repeated": int(repeats.repeated.sum()),
        "overlap": sum(repeats.overlaps.values()),
        "variations": int(repeats.variations.sum()),
    }
    expected = slow_counts(entries)
    expected.pop("same rows", None)
    assert {kind: num for kind, num in counts.items() if num} == expected


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40))
def test_contents_are_counted_as_the_slow_way_does(pairs: list[tuple[int, int]]) -> None:
    contents, identities = np.array(pairs, np.uint64).reshape(-1, 2).T
    first, later = repeated_rows(contents, identities)
    slow = {
        i: min(j for j in range(i) if pairs[j][0] == pairs[i][0])
        for i in range(len(pairs))
        if any(pairs[j][0] == pairs[i][0] and pairs[j][1] != pairs[i][1] for j in range(i))
    }
    assert dict(zip(later.tolist(), first.tolist(), strict=True)) == slow


def counted(store: Path, *, max_kept: int) -> dict[str, int]:
    """Return what an audit counts of repeated events and rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", memmpy.MemmpyWarning)
        memmpy.open(store).set_splits(Splits(by=("run", "event")))
    done = audit(*open_undamaged(store), max_kept=max_kept)
    kinds = {"repeated", "overlap", "variations", "same rows"}
    return {kind: num for kind, num in found(done).items() if kind in kinds}


def has_no_common(drawn: list[tuple[int, int]]) -> bool:
    """Say whether no content is so common that it tells nothing."""
    return max(Counter(content for _, content in drawn).values()) < 5


@pytest.mark.slow
@given(st.data())
@settings(max_examples=20)
def test_a_store_is_counted_as_the_slow_way_does(data: st.DataObject) -> None:
    # Contents that tell: a few of them are drawn again and again, under other numbers.
    pool = make_events(200)
    number = st.tuples(st.integers(0, 40), st.integers(0, 40))
    sources = data.draw(all_sources())
    entries: list[Entry] = []
    with TemporaryDirectory() as folder:
        files: dict[int, dict[str, dict[str, np.ndarray]]] = {}
        for place, source in enumerate(sources):
            drawn = data.draw(st.lists(number, min_size=1, max_size=12).filter(has_no_common))
            # Many other rows, so that the values of a content are no common ones.
            drawn += [(1_000 + 100 * place + i, 50 + i) for i in range(100)]
            chosen = [content for _, content in drawn]
            events = rows(pool, chosen)
            if place:
                own = make_events(100, seed=place)
                for key in ("pt", "eta", "mass"):
                    events[key][-100:] = own[key]
            events["event"] = np.array([identity for identity, _ in drawn], np.int64)
            files.setdefault(source.file, {})[f"tree{source.tree}"] = events
            offset = 1_000 * (place + 1)
            entries += [
                Entry(source, i, c if c < 50 or not place else c + offset) for i, c in drawn
            ]
        paths = {n: write_trees(Path(folder, f"{n}.root"), trees) for n, trees in files.items()}
        configs = [
            RFileConfig(
                paths[one.file],
                f"tree{one.tree}",
                {"process": f"p{one.process}", "variation": f"v{one.variation}"},
            )
            for one in sources
        ]
        store = Path(folder, "s")
        memmpy.convert(configs, store, keys=["*"], progress=False)
        seen = counted(store, max_kept=data.draw(st.sampled_from([64, 10_000])))
    assert seen == slow_counts(entries)
