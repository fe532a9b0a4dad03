"""Classes of a skim in given shares: the option, and loaders that carry it out."""

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import memmpy
from memmpy import Jagged, SplitLoader
from memmpy.errors import ColumnError, OptionError
from memmpy.loaders import ClassSampling, Sampling, check_sampling, row_gatherer
from memmpy.loaders.pagecache import pages
from memmpy.loaders.pagecache.advice import PageCache
from memmpy.splits import split_chunks

CLASSES = "background", "other", "signal"
SHARES = {"signal": 0.5, "background": 0.3, "other": 0.2}
NUM = 6_000

Labels = NDArray[np.int64]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of three classes: 80 %, 15 % and 5 % of the events."""
    path = tmp_path_factory.mktemp("sampling") / "data.mmpy"
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, NUM)
    columns: dict[str, Any] = {
        "event": np.arange(NUM),
        "x": np.arange(NUM, dtype=np.float32),
        "y": rng.random((NUM, 60)).astype(np.float32),
        "label": rng.choice(3, NUM, p=(0.8, 0.15, 0.05)).astype(np.int64),
    }
    with memmpy.Transaction(path) as transaction:
        for key, values in columns.items():
            with memmpy.WriteVector(
                path, key, dtype=values.dtype, shape=values.shape[1:], transaction=transaction
            ) as column:
                column.extend(values)
        with memmpy.WriteJagged(path, "hits", dtype=np.int32, transaction=transaction) as lists:
            items = np.repeat(np.arange(NUM, dtype=np.int32), counts)
            lists.extend(Jagged(items, np.append(0, np.cumsum(counts))))
    return path


@pytest.fixture(scope="module")
def skim(store: Path) -> Any:
    return memmpy.skim(store, keys=["x", "y", "label", "hits"], progress=False)


@pytest.fixture(scope="module")
def labels(store: Path) -> Labels:
    return np.asarray(memmpy.open(store)["label"])


def sampled(
    skim: Any, batch_size: int = 100, *, sampling: Any = SHARES, **options: Any
) -> SplitLoader:
    """Return a loader with classes in shares, as a training set makes it."""
    plain = SplitLoader(skim, batch_size, **{"split": "train", "shuffle": "blocks", **options})
    checked = check_sampling(sampling)
    assert checked is not None
    return SplitLoader(replace(plain.spec, sampling=ClassSampling(checked, CLASSES)))


def entries_of(batches: Any) -> list[list[int]]:
    return [batch["_index"].tolist() for batch in batches]


def bits(batches: Any) -> list[Any]:
    return [
        [
            (v.content.tobytes(), v.offsets.tobytes()) if isinstance(v, Jagged) else v.tobytes()
            for v in batch.values()
        ]
        for batch in batches
    ]


@pytest.mark.parametrize("shuffle", [True, "blocks", "exact"])
@pytest.mark.parametrize("batch_size", [100, 33])
def test_every_prefix_of_three_epochs_of_a_skim_is_within_one_event_of_the_shares(
    skim: Any, labels: Labels, batch_size: int, shuffle: Any
) -> None:
    loader = sampled(skim, batch_size, shuffle=shuffle, num_threads=1)
    train = np.concatenate([b["_index"] for b in SplitLoader(skim, split="train", shuffle=False)])
    uses, counts, num = np.zeros(NUM, np.int64), np.zeros(3, np.int64), 0
    for _ in range(3):
        for batch in loader:
            assert (labels[batch["_index"]] == batch["label"]).all()
            counts += np.bincount(batch["label"], minlength=3)
            num += batch_size
            for c, name in enumerate(CLASSES):
                assert abs(counts[c] - num * SHARES[name]) <= 1
            np.add.at(uses, batch["_index"], 1)
            for c in range(3):
                assert np.ptp(uses[train[labels[train] == c]]) <= 1
    assert num == 3 * len(loader) * batch_size
    assert uses.sum() == uses[train].sum() == num


def test_an_epoch_ends_when_the_class_with_the_most_events_for_its_share_was_used(
    skim: Any, labels: Labels
) -> None:
    train = np.concatenate(entries_of(SplitLoader(skim, split="train")))
    sizes = np.bincount(labels[train], minlength=3)
    most = max(sizes[c] / SHARES[name] for c, name in enumerate(CLASSES))
    loader = sampled(skim)
    assert len(loader) == math.ceil(most / 100)
    assert loader.num_entries == len(loader) * 100
    assert {entry for batch in entries_of(loader) for entry in batch} == set(train.tolist())
    assert len(sampled(skim, sampling=Sampling(SHARES, num_batches=7))) == 7
    assert len(entries_of(sampled(skim, sampling=Sampling(SHARES, num_batches=7)))) == 7


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", ["blocks", "exact"])
def test_batches_are_bit_equal_for_any_threads_chunks_and_positions(
    skim: Any, monkeypatch: pytest.MonkeyPatch, shuffle: str
) -> None:
    small = memmpy.Shuffle(shuffle, 16, 8)  # type: ignore[arg-type]
    expected = bits(sampled(skim, shuffle=small, num_threads=0).batches(2))
    for num_threads in (0, 1, 8):
        for rows in (1, 700, 1 << 14):
            monkeypatch.setattr(row_gatherer, "_MAX_CHUNK_ROWS", rows)
            loader = sampled(skim, shuffle=small, num_threads=num_threads)
            assert bits(loader.batches(2)) == expected
            for done in (1, 5, len(loader) - 1, len(loader)):
                left = loader.batches(2, position=100 * done)
                assert bits(left) == expected[done:]


def test_rows_without_numba_are_the_same(skim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for shuffle in ("blocks", "exact"):
        found = []
        for compiled in (False, True):
            monkeypatch.setattr(split_chunks, "is_worth_compiling", lambda *_, c=compiled, **__: c)
            found.append(bits(sampled(skim, shuffle=shuffle).batches(1)))
        assert found[0] == found[1]


@pytest.mark.parametrize("shuffle", ["blocks", "exact"])
@pytest.mark.parametrize("memory", [1, 1 << 30])
def test_rows_that_are_not_in_memory_are_the_same(
    skim: Any, monkeypatch: pytest.MonkeyPatch, shuffle: str, memory: int
) -> None:
    expected = bits(sampled(skim, shuffle=shuffle).batches(0))
    monkeypatch.setattr(pages, "_is_in_memory", lambda *_: False)
    cold = PageCache(lambda *_: None, lambda: memory)
    monkeypatch.setattr(split_chunks, "os_page_cache", lambda **_: cold)
    for compiled in (False, True):
        monkeypatch.setattr(split_chunks, "is_worth_compiling", lambda *_, c=compiled, **__: c)
        loader = sampled(skim, shuffle=shuffle, num_threads=1)
        assert loader._chunks.read_mode().is_ahead
        assert bits(loader.batches(0)) == expected
        assert bits(loader.batches(0, position=500)) == expected[5:]


def test_ranks_share_the_events_and_together_are_within_one_event(
    skim: Any, labels: Labels
) -> None:
    loaders = [sampled(skim, rank=rank, world_size=3) for rank in range(3)]
    assert len({len(loader) for loader in loaders}) == 1
    per_rank = [np.array(entries_of(loader)) for loader in loaders]
    train = np.concatenate(entries_of(SplitLoader(skim, split="train")))
    uses = np.bincount(np.concatenate(per_rank).ravel(), minlength=len(labels))[train]
    assert uses.min() == 1
    assert all(np.ptp(uses[labels[train] == c]) <= 1 for c in range(len(CLASSES)))
    drawn = np.stack([labels[entries] for entries in per_rank])
    for c, name in enumerate(CLASSES):
        counts = np.cumsum((drawn == c).sum(axis=2), axis=1)
        shares = SHARES[name] * 100 * np.arange(1, counts.shape[1] + 1)
        assert np.abs(counts - shares).max() < 1 + 1e-9
        assert np.abs(counts.sum(axis=0) - 3 * shares).max() < 1 + 1e-9


def test_a_class_that_is_left_out_does_not_come(skim: Any) -> None:
    loader = sampled(skim, sampling={"signal": 0.25, "background": 0.75})
    counts = np.sum([np.bincount(batch["label"], minlength=3) for batch in loader], axis=0)
    assert counts.tolist() == [len(loader) * 75, 0, len(loader) * 25]


@pytest.mark.slow
def test_a_loader_says_its_shares(skim: Any) -> None:
    loader = sampled(skim, sampling=Sampling(SHARES, num_batches=7))
    shares = "0.5 signal, 0.3 background, 0.2 other"
    assert f"{shares}: 700 entries, 7 batches of 100)" in repr(loader)
    assert loader.explain().why.endswith(f"; classes in shares: {shares}")
    record = json.loads(json.dumps(loader.provenance()))
    assert record["sampling"] == {"shares": SHARES, "num_batches": 7}
    assert SplitLoader(skim, split="train").provenance()["sampling"] is None


def test_a_copy_in_another_process_goes_on_with_the_same_batches(skim: Any) -> None:
    loader = sampled(skim, seed=3)
    list(loader)
    again = pickle.loads(pickle.dumps(loader))
    assert again.epoch == 1
    assert bits(again) == bits(loader.batches(1))


def test_epochs_and_seeds_differ(skim: Any) -> None:
    one, other = sampled(skim, seed=0), sampled(skim, seed=1)
    orders = [entries_of(one.batches(0)), entries_of(one.batches(1)), entries_of(other.batches(0))]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "sampling= is a dict of class and share, such as"),
        ("signal", "sampling= is a dict of class and share, such as"),
        ([("signal", 1.0)], "sampling= is a dict of class and share, such as"),
        ({1: 0.5, "b": 0.5}, "a class of sampling= must be a non-empty string, got 1"),
        ({"a": 0.5, "b": 0.4}, r"shares of sampling=.* sum to 0\.9, not 1"),
        ({"a": 1, "b": 0}, "'b' .* greater than 0 and up to 1, got 0; leave out a class"),
        ({"a": 1.5, "b": -0.5}, "'a' .* greater than 0 and up to 1, got 1.5"),
        ({"a": -0.5, "b": 1.0}, "'a' .* greater than 0 and up to 1, got -0.5"),
        ({"a": float("nan"), "b": 0.5}, "'a' .* greater than 0 and up to 1, got nan"),
        ({"a": float("inf"), "b": 0.5}, "'a' .* greater than 0 and up to 1, got inf"),
        ({"a": True}, "'a' .* greater than 0 and up to 1, got True"),
        ({"a": "0.5", "b": 0.5}, "'a' .* greater than 0 and up to 1, got '0.5'"),
        ({"a": None}, "'a' .* greater than 0 and up to 1, got None"),
    ],
)
def test_shares_that_make_no_sense_are_refused(shares: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_sampling(shares)


@pytest.mark.parametrize("num_batches", [0, -1, 1.5, True, "7"])
def test_a_number_of_batches_that_makes_no_sense_is_refused(num_batches: Any) -> None:
    with pytest.raises(OptionError, match="num_batches must be an integer of at least 1"):
        Sampling(SHARES, num_batches=num_batches)


def test_shares_are_what_is_written() -> None:
    assert check_sampling(None) is None
    given = Sampling({"a": np.float32(0.1), "b": 0.9})
    assert check_sampling(given) is given
    assert given.shares == {"a": 0.1, "b": 0.9}
    assert Sampling({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}).num_batches is None


def test_an_unknown_class_is_refused_with_the_nearest() -> None:
    sampling = Sampling({"signl": 0.5, "background": 0.5})
    message = "no class 'signl': there are 'background', 'other', 'signal'; nearest: 'signal'"
    with pytest.raises(OptionError, match=message):
        ClassSampling(sampling, CLASSES)


def test_a_class_without_events_in_the_split_is_refused(skim: Any) -> None:
    sampling = ClassSampling(Sampling({"signal": 0.5, "tau": 0.5}), (*CLASSES, "tau"))
    spec = SplitLoader(skim, split="val").spec
    with pytest.raises(OptionError, match="class 'tau' of sampling= has no events in 'val'"):
        SplitLoader(replace(spec, sampling=sampling))


def test_labels_of_no_class_are_refused(skim: Any) -> None:
    sampling = ClassSampling(Sampling({"background": 1.0}), ("background", "other"))
    spec = SplitLoader(skim, split="train").spec
    with pytest.raises(ColumnError, match="'label' has the value 2, which is the number of no"):
        SplitLoader(replace(spec, sampling=sampling))


def test_an_order_of_the_data_is_refused(skim: Any) -> None:
    with pytest.raises(OptionError, match="random order: leave out shuffle=False"):
        sampled(skim, shuffle=False)


def test_sampling_of_columns_is_refused() -> None:
    spec = SplitLoader({"label": np.arange(100) % 2}, split="train").spec
    with pytest.raises(OptionError, match="sampling= needs a skim"):
        replace(spec, sampling=ClassSampling(Sampling({"other": 1.0}), CLASSES))


def test_the_order_in_which_shares_are_given_does_not_matter(skim: Any) -> None:
    backwards = dict(reversed(SHARES.items()))
    expected = entries_of(sampled(skim, 33).batches(0))
    assert entries_of(sampled(skim, 33, sampling=backwards).batches(0)) == expected


def test_shares_in_thirds_are_exact(skim: Any) -> None:
    shares = {"signal": 1 / 3, "background": 1 / 3, "other": 1 / 3}
    for batch in sampled(skim, 99, sampling=shares):
        assert np.bincount(batch["label"]).tolist() == [33, 33, 33]
