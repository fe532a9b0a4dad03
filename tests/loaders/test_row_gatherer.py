"""Loaders of rows in the order of their tickets, such as a skim."""

import threading
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memmpy import Jagged, Shuffle, SplitLoader, Splits
from memmpy.errors import OptionError
from memmpy.kernels import RowField
from memmpy.loaders.row_ranges import slice_ranges
from memmpy.loaders.shuffle import choose_shuffle
from memmpy.order import Multiplicities, count_multiplicities
from memmpy.parallel import THREAD_NAME
from memmpy.splits import TicketRule

DTYPE = np.dtype(
    [("_index", "<i8"), ("jets", "<f4", (3, 2)), ("x", "<f4"), ("label", "i1")], align=True
)
#: What the tickets of the rows follow from.
RULE = TicketRule(("entry",), 3)


@dataclass
class Rows:
    """Rows in memory, as a skim that was moved away from its store has them."""

    rows: Any
    tickets: NDArray[np.uint64]
    lists: dict[str, Any] = field(default_factory=dict)
    path: Path = Path("nowhere.mmpy/skims/of_no_store")
    ticket_rule: TicketRule = RULE
    cut: str | None = None

    @property
    def num_store_entries(self) -> int:
        return len(self.rows)

    @property
    def fields(self) -> dict[str, RowField]:
        found = {}
        for name in DTYPE.names or ():
            dtype, offset = DTYPE.fields[name][:2]  # type: ignore[index]
            found[name] = RowField(offset, dtype.base, dtype.shape)
        return found

    def multiplicities(self) -> Multiplicities:
        return count_multiplicities(self.tickets)


def make_rows(num: int) -> Rows:
    """Make rows that tell their entry in each field, sorted by ticket; label is a sorted class."""
    entries = np.arange(num)
    drawn = RULE.draw({"entry": entries})
    order = np.argsort(drawn)
    entries = entries[order]
    rows = np.zeros(num, DTYPE)
    rows["_index"], rows["x"], rows["label"] = entries, entries, entries >= num / 2
    rows["jets"] = entries[:, None, None] * 10 + np.arange(6).reshape(3, 2)
    counts = entries % 4
    lists = {"lists": (np.repeat(entries, counts), np.append(0, np.cumsum(counts)))}
    return Rows(rows, drawn[order], lists)


def bits(batches: Any) -> list[dict[str, Any]]:
    def of(values: Any) -> Any:
        if isinstance(values, Jagged):
            return values.content.tobytes(), values.offsets.tobytes()
        return str(values.dtype), values.shape, values.tobytes()

    return [{key: of(values) for key, values in batch.items()} for batch in batches]


def entries_of(batches: Any) -> list[int]:
    return [entry for batch in batches for entry in batch["_index"].tolist()]


ROWS = make_rows(5000)
SHUFFLES = pytest.mark.parametrize("shuffle", [True, False, "exact", "blocks"])
SIZES = 16, 8
BLOCKS = Shuffle("blocks", *SIZES)
FOLDS = Splits(num_folds=5, seed=3)


@pytest.mark.slow_together
@SHUFFLES
@pytest.mark.parametrize("batch_size", [1, 7, 128, 5000, 9999])
def test_an_epoch_hands_out_each_row_once_and_whole(shuffle: Any, batch_size: int) -> None:
    loader = SplitLoader(ROWS, batch_size, shuffle=Shuffle(shuffle, *SIZES))
    batches = list(loader)
    assert len(batches) == len(loader)
    assert sorted(entries_of(batches)) == list(range(5000))
    for batch in batches:
        entries = batch["_index"]
        assert batch["x"].tolist() == entries.tolist()
        assert np.array_equal(batch["jets"][:, 2, 1], entries * 10 + 5)
        assert batch["jets"].flags.c_contiguous
        assert batch["jets"].dtype == np.float32
        assert [x.tolist() for x in batch["lists"]] == [[e] * (e % 4) for e in entries.tolist()]


@SHUFFLES
@pytest.mark.parametrize("drop_last", [True, False])
def test_batches_are_the_same_with_any_number_of_threads(shuffle: Any, drop_last: bool) -> None:
    def run(num_threads: int) -> list[dict[str, Any]]:
        options: dict[str, Any] = {
            "shuffle": Shuffle(shuffle, *SIZES),
            "drop_last": drop_last,
            "num_threads": num_threads,
        }
        return bits(SplitLoader(ROWS, 100, seed=5, **options))

    assert run(0) == run(1) == run(2) == run(8)


@SHUFFLES
def test_kernels_make_the_same_batches(monkeypatch: pytest.MonkeyPatch, shuffle: Any) -> None:
    from memmpy.splits import split_chunks

    expected = bits(SplitLoader(ROWS, 100, shuffle=Shuffle(shuffle, *SIZES)))
    monkeypatch.setattr(split_chunks, "BYTES_MOVED", 0)
    assert bits(SplitLoader(ROWS, 100, shuffle=Shuffle(shuffle, *SIZES))) == expected


@SHUFFLES
@pytest.mark.parametrize("position", [0, 100, 1500, 3900, 4000])
def test_an_epoch_goes_on_from_any_batch(shuffle: Any, position: int) -> None:
    loader = SplitLoader(ROWS, 100, split="train", shuffle=Shuffle(shuffle, *SIZES))
    whole = bits(loader.batches(4))
    position = min(position, len(whole) * 100)
    assert bits(loader.batches(4, position=position)) == whole[position // 100 :]


def test_epochs_differ_and_come_again() -> None:
    loader = SplitLoader(ROWS, 100, shuffle=BLOCKS)
    first, second = bits(loader), bits(loader)
    assert first != second
    loader.epoch = 0
    assert bits(loader) == first


def test_splits_are_those_of_the_tickets() -> None:
    columns = {"entry": np.arange(5000)}
    choices: list[dict[str, Any]] = [
        {},
        {"fractions": {"train": 0.5, "val": 0.3, "test": 0.2}},
        {"fold": 2, "num_folds": 5},
        {"fold": 4, "num_folds": 5},
    ]
    for options in choices:
        fold = options.pop("fold", None)
        splits = Splits(by=("entry",), seed=3, **options)
        for split in ("train", "val", "test"):
            ours = SplitLoader(ROWS, 64, split=split, splits=splits, fold=fold)
            plain = SplitLoader(columns, 64, split=split, splits=splits, fold=fold)
            assert sorted(entries_of(ours)) == sorted(entries_of(plain)) != []


def test_splits_without_names_of_events_take_those_of_the_rows() -> None:
    named = Splits(by=("entry",), num_folds=5, seed=3)
    loader = SplitLoader(ROWS, 64, split="val", splits=Splits(num_folds=5, seed=3), fold=1)
    assert loader.splits == named
    assert bits(loader) == bits(SplitLoader(ROWS, 64, split="val", splits=named, fold=1))
    assert SplitLoader(ROWS, 64, split="val").splits == Splits(by=("entry",), seed=3)


def test_without_a_split_all_rows_are_handed_out() -> None:
    for options in ({}, {"split": "all"}):
        loader = SplitLoader(ROWS, 64, **options)  # type: ignore[arg-type]
        assert sorted(entries_of(loader)) == list(range(5000))
        assert loader.splits is None


def test_folds_hold_out_every_row_once() -> None:
    held_out: list[int] = []
    for fold in range(3):
        splits = Splits(num_folds=3, seed=3)
        options: dict[str, Any] = {"splits": splits, "fold": fold, "shuffle": BLOCKS}
        loaders = [SplitLoader(ROWS, 64, split=s, **options) for s in ("train", "val", "test")]
        assert sorted(e for loader in loaders for e in entries_of(loader)) == list(range(5000))
        held_out += entries_of(SplitLoader(ROWS, 64, split="test", **options))
    assert sorted(held_out) == list(range(5000))


@pytest.mark.parametrize("size", [5000, 2**62, 2**63, 10**30])
def test_blocks_and_windows_may_be_as_large_as_anyone_likes(size: int) -> None:
    for sizes in ((size, None), (None, size)):
        loader = SplitLoader(ROWS, 100, shuffle=Shuffle("blocks", *sizes))
        assert sorted(entries_of(loader)) == list(range(5000))


def test_windows_of_large_rows_are_few_rows() -> None:
    options: dict[str, Any] = {
        "num_rows": 10**6,
        "multiplicities": lambda: Multiplicities({1: 10**6}),
    }
    for row_bytes in (100, 1e4, 1e6, 1e9):
        chosen = choose_shuffle(Shuffle("blocks"), row_bytes=row_bytes, **options)
        assert chosen.window_rows * row_bytes <= max(64 << 20, 32 * row_bytes)


@pytest.mark.parametrize("data", [ROWS, {"x": np.arange(5000)}])
@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_ranks_share_a_split(data: Any, world_size: int) -> None:
    parts = [
        SplitLoader(data, 64, split="train", rank=rank, world_size=world_size, seed=1)
        for rank in range(world_size)
    ]
    sizes = [part.num_entries for part in parts]
    assert max(sizes) - min(sizes) <= 1
    handed_out = [entry for part in parts for entry in entries_of(part)]
    assert sorted(handed_out) == sorted(entries_of(SplitLoader(data, 64, split="train")))


@pytest.mark.parametrize("shuffle", ["exact", "blocks"])
def test_batches_of_sorted_classes_are_as_random_as_independent_draws(shuffle: Any) -> None:
    rows = make_rows(100_000)
    loader = SplitLoader(rows, 200, shuffle=Shuffle(shuffle, block_rows=64))
    for _ in range(3):
        means = np.array([batch["label"].mean() for batch in loader])
        assert 0.9 < means.std() / np.sqrt(0.25 / 200) < 1.1


def test_a_batch_that_is_kept_stays_as_it_is() -> None:
    loader = SplitLoader(ROWS, 64, shuffle=BLOCKS)
    kept = list(loader)
    before = bits(kept)
    for _ in loader:
        pass
    assert bits(kept) == before


def test_batches_may_be_written_to() -> None:
    for batch in islice(SplitLoader(ROWS, 64, shuffle=BLOCKS), 3):
        batch["x"][:] = -1
    assert ROWS.rows["x"].min() >= 0


@pytest.mark.slow
def test_breaking_out_leaves_no_thread() -> None:
    loader = SplitLoader(ROWS, 10, shuffle=BLOCKS, num_threads=4)
    for epoch in range(50):
        loader.epoch = epoch
        for _ in islice(loader, 3):
            pass
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith(THREAD_NAME) for name in names)


@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_no_rows_make_no_batch() -> None:
    rows = make_rows(0)
    for shuffle in (True, False, "exact", "blocks"):
        assert list(SplitLoader(rows, 8, shuffle=shuffle)) == []


def test_ranges_are_cut_by_member() -> None:
    ranges = [range(10, 14), range(20, 26)]
    assert slice_ranges(ranges, 0, 10) == ranges
    assert slice_ranges(ranges, 2, 6) == [range(12, 14), range(20, 22)]
    assert slice_ranges(ranges, 4, 5) == [range(20, 21)]
    assert slice_ranges(ranges, 3, 3) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subindex": np.arange(3)}, "a skim has its own cut and takes no subindex="),
        ({"fractions": (0.5, 0.5)}, "fractions= is for bare arrays: a skim has the splits of its"),
        ({"split_seed": 3}, "split_seed= is for bare arrays: a skim has the splits of its store"),
        (
            {"shuffle": "block"},
            "shuffle must be True, False, 'exact' or 'blocks', got 'block'.*blocks",
        ),
        ({"shuffle": 1}, "shuffle must be True, False, 'exact' or 'blocks', got 1"),
        ({"rank": 2, "world_size": 2}, "no rank 2 of 2: give 0 to 1"),
        ({"split": "val", "fold": 1}, r"fold=1 was given, and Splits\(.*\) has no folds"),
        ({"split": "val", "splits": FOLDS}, r"has folds: give one, fold=0 to 4, or split='all'"),
        ({"split": "val", "splits": FOLDS, "fold": 5}, "no fold 5 of 5 folds: give 0 to 4"),
        ({"splits": FOLDS}, "name the one to load, split='train', 'val' or 'test', with fold="),
        (
            {"split": "val", "splits": Splits(by=("entry",), seed=4)},
            r"the tickets of the skim .* come from by=\('entry',\), seed=3, and not from the sp",
        ),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SplitLoader(ROWS, 8, **options)


def test_blocks_of_columns_are_refused() -> None:
    with pytest.raises(OptionError, match="shuffle='blocks' is for skims"):
        SplitLoader({"x": np.arange(8)}, shuffle="blocks")
