import copy
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, LengthError, LoaderWarning, OptionError
from memmpy.loaders import SimpleLoader, column_gatherer
from memmpy.parallel import THREAD_NAME
from memmpy.splits import SplitLoader, Splits
from memmpy.typing import Batch

BY_X = Splits(by=("x",), seed=3)
HALF: dict[str, Any] = {"fractions": (0.5, 0.5)}
BY_X_HALF: dict[str, Any] = {"splits": Splits(by=("x",), fractions={"train": 0.5, "val": 0.5})}

BY_POSITION_OR_COLUMN = pytest.mark.parametrize("splits", [None, BY_X])


def make(
    num: int, batch_size: int = 32, *, split: str | int | None = "train", **options: Any
) -> SplitLoader:
    return SplitLoader({"x": np.arange(num) * 3}, batch_size, split=split, **options)


def entries_of(batches: Any) -> list[int]:
    return [entry for batch in batches for entry in batch["_index"].tolist()]


def same(some: Any, others: Any) -> bool:
    """Whether the batches are the same bit for bit."""

    def bits(batch: Batch) -> dict[str, tuple[str, bytes]]:
        return {key: (str(values.dtype), values.tobytes()) for key, values in batch.items()}

    return [bits(batch) for batch in some] == [bits(batch) for batch in others]


@BY_POSITION_OR_COLUMN
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 10, 333])
@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_splits_are_disjoint_and_complete(splits: Any, shuffle: bool, num: int) -> None:
    loaders = [make(num, split=s, shuffle=shuffle, splits=splits) for s in ("train", 1, "test")]
    handed_out = [entries_of(loader) for loader in loaders]
    assert sorted(chain(*handed_out)) == list(range(num))
    assert [len(entries) for entries in handed_out] == [loader.num_entries for loader in loaders]


@pytest.mark.parametrize("split", [None, "all"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("num", [1, 2, 10, 333])
def test_without_a_split_all_entries_are_handed_out(
    split: str | None, shuffle: bool, num: int
) -> None:
    loader = make(num, split=split, shuffle=shuffle)
    assert sorted(entries_of(loader)) == list(range(num))
    assert (loader.num_entries, loader.split, loader.splits) == (num, "all", None)


def test_all_of_splits_is_every_entry() -> None:
    assert sorted(entries_of(make(100, split="all", splits=BY_X))) == list(range(100))


@pytest.mark.parametrize("batch_size", [1, 7, 500, 501])
@pytest.mark.parametrize("options", [HALF, {"subindex": np.arange(0, 900, 2), **HALF}, BY_X_HALF])
def test_an_epoch_hands_out_each_entry_once(batch_size: int, options: dict[str, Any]) -> None:
    loader = make(900, batch_size, **options)
    expected = sorted(entries_of(make(900, shuffle=False, **options)))
    for _ in range(3):
        batches = list(loader)
        assert len(batches) == len(loader)
        assert sorted(entries_of(batches)) == expected
        assert all(np.array_equal(batch["x"], batch["_index"] * 3) for batch in batches)


@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_dropping_the_last_batch_drops_only_a_short_one() -> None:
    for num, expected in ((100, [30, 30, 30]), (90, [30, 30, 30]), (29, [])):
        loader = make(num, 30, split="all", drop_last=True)
        assert [len(batch["x"]) for batch in loader] == expected
        assert len(loader) == len(expected)


@pytest.mark.slow_together
@pytest.mark.parametrize("subindex", [None, np.arange(0, 50_000, 2), np.arange(50_000) % 3 > 0])
@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_the_same_with_any_number_of_threads_and_any_window(
    monkeypatch: pytest.MonkeyPatch, subindex: Any, shuffle: bool
) -> None:
    def run(num_threads: int) -> list[Batch]:
        return list(make(50_000, 100, subindex=subindex, shuffle=shuffle, num_threads=num_threads))

    expected = run(0)
    for rows in (column_gatherer.CHUNK_ROWS, 1, 250):
        monkeypatch.setattr(column_gatherer, "CHUNK_ROWS", rows)
        assert all(same(run(num_threads), expected) for num_threads in (0, 1, 4))


def test_the_first_batch_of_an_epoch_never_changes() -> None:
    first = next(iter(make(1000, 8, seed=1, split_seed=2, epoch=3)))
    assert first["_index"].tolist() == [582, 523, 824, 78, 273, 386, 300, 278]


def test_epochs_differ_in_order_and_not_in_entries() -> None:
    loader = make(1000)
    one, other = entries_of(loader), entries_of(loader)
    assert one != other
    assert sorted(one) == sorted(other)


def test_seeds_differ_in_order_and_not_in_entries() -> None:
    one, other = entries_of(make(1000, seed=0)), entries_of(make(1000, seed=1))
    assert one != other
    assert sorted(one) == sorted(other)


@pytest.mark.parametrize("subindex", [None, np.array([5, 3, 999, 4, 0, 700, 2])])
def test_without_shuffling_epochs_are_in_the_order_of_the_data(subindex: Any) -> None:
    loader = make(1000, subindex=subindex, shuffle=False, fractions=(0.5, 0.5))
    entries = entries_of(loader)
    order = range(1000) if subindex is None else subindex.tolist()
    assert entries == [entry for entry in order if entry in set(entries)]
    assert entries_of(loader) == entries


@BY_POSITION_OR_COLUMN
@given(cut=st.sets(st.integers(0, 199)), looser=st.sets(st.integers(0, 199)))
@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_loosening_a_cut_moves_no_entry_between_splits(
    splits: Any, cut: set[int], looser: set[int]
) -> None:
    def split_of(selected: set[int]) -> dict[int, int]:
        options = {"subindex": sorted(selected), "splits": splits, "num_threads": 0}
        return {entry: s for s in range(3) for entry in entries_of(make(200, split=s, **options))}

    before, after = split_of(cut), split_of(cut | looser)
    assert set(before) == cut
    assert all(after[entry] == split for entry, split in before.items())


def test_seed_epoch_and_shuffling_do_not_change_the_split() -> None:
    expected = sorted(entries_of(make(500, split=1)))
    for options in ({"seed": 9}, {"epoch": 4}, {"shuffle": False}, {"batch_size": 3}):
        assert sorted(entries_of(make(500, split=1, **options))) == expected


def test_split_seeds_change_the_split() -> None:
    one, other = (set(entries_of(make(500, split_seed=seed))) for seed in (0, 1))
    assert one != other


def test_a_mask_selects_the_same_entries_as_their_numbers() -> None:
    mask = np.arange(1000) % 7 < 3
    by_entries = make(1000, subindex=np.flatnonzero(mask))
    assert same(make(1000, subindex=mask), by_entries)


@pytest.mark.parametrize("done", [0, 1, 5, 6])
@pytest.mark.parametrize("num_threads", [0, 2])
def test_resuming_continues_an_uninterrupted_run(done: int, num_threads: int) -> None:
    loader = make(1000, 150, seed=4, num_threads=num_threads)
    whole = list(loader.batches(2))
    assert len(whole) == 6
    assert same(loader.batches(2, position=done * 150), whole[done:])
    assert same(make(1000, 150, seed=4, epoch=2), whole)


def test_the_first_batch_reads_the_epoch_and_the_last_one_leads_to_the_next() -> None:
    loader = make(100, epoch=3)
    one = iter(loader)
    assert loader.epoch == 3
    loader.epoch = 5
    batches = [next(one) for _ in range(len(loader))]
    assert loader.epoch == 6
    assert same(batches, loader.batches(5))
    assert next(one, None) is None
    assert loader.epoch == 6


def test_a_pass_that_ends_early_begins_again_with_a_warning() -> None:
    loader = make(1000)
    assert len([*islice(loader, 3)]) == 3
    with pytest.warns(
        LoaderWarning, match=r"epoch 0 begins again: .* ended after 3 of \d+ batches"
    ):
        assert same(loader, loader.batches(0))
    assert len([*islice(loader, 3)]) == 3
    loader.set_epoch(2)
    assert same(loader, loader.batches(2))


def test_a_look_at_a_batch_changes_no_place() -> None:
    loader = make(1000)
    one = iter(loader)
    for _ in range(4):
        next(one)
    state = loader.state_dict()
    next(iter(loader))
    assert loader.state_dict() == state
    loader.load_state_dict(state)
    next(iter(loader))
    assert same(loader, loader.batches(0, position=4 * loader.batch_size))


def test_a_pass_of_an_older_place_does_not_count() -> None:
    loader = make(1000)
    one = iter(loader)
    next(one)
    state = loader.state_dict()
    next(one)
    loader.load_state_dict(state)
    list(one)
    assert loader.state_dict() == state


def test_a_pass_of_another_thread_ends_at_its_next_batch() -> None:
    loader = make(1000)
    one = iter(loader)
    next(one)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(loader.close).result()
    assert next(one, None) is None


@pytest.mark.parametrize("state", [np.arange(3), None, [], {"epoch": 1}, {"position": 0}])
def test_what_is_no_state_is_refused(state: Any) -> None:
    with pytest.raises(OptionError, match="the state of a loader is a dict of 'epoch', 'position'"):
        make(1000).load_state_dict(state)


def test_two_passes_at_once_are_of_the_same_epoch() -> None:
    loader = make(1000)
    together = list(zip(loader, loader, strict=True))
    assert same((one for one, _ in together), loader.batches(0))
    assert same((other for _, other in together), loader.batches(0))
    assert loader.epoch == 1


def num_threads_running() -> int:
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


@pytest.mark.parametrize("num_threads", [0, 1, 4])
def test_breaking_out_leaves_no_thread(num_threads: int) -> None:
    for _ in make(100_000, 10, num_threads=num_threads):
        break
    assert num_threads_running() == 0


class Broken:
    """A column whose last entries cannot be read."""

    def __len__(self) -> int:
        return 100

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        if (index >= 50).any():
            msg = "bad sector"
            raise OSError(msg)
        return index


@pytest.mark.parametrize("num_threads", [0, 1, 4])
def test_an_error_of_a_column_surfaces_at_its_window(
    monkeypatch: pytest.MonkeyPatch, num_threads: int
) -> None:
    monkeypatch.setattr(column_gatherer, "CHUNK_ROWS", 10)
    loader = SplitLoader({"x": Broken()}, 10, shuffle=False, num_threads=num_threads)
    batches = iter(loader)
    assert entries_of(islice(batches, 5)) == list(range(50))
    with pytest.raises(OSError, match="bad sector"):
        next(batches)
    assert num_threads_running() == 0


def test_the_global_random_state_is_untouched() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    list(make(1000))
    after = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert before == after


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"splits": Splits(by=("id",))}, {"subindex": np.arange(1_250_000)}]
)
def test_class_sorted_events_are_mixed_as_by_chance(options: dict[str, Any]) -> None:
    num = 1_250_000
    data = {"is_signal": np.arange(num) < num // 2, "id": np.arange(num)}
    loader = SplitLoader(data, 1024, split="train", drop_last=True, **options)
    assert abs(loader.num_entries - 1_000_000) < 2000
    for _ in range(3):
        fractions = np.array([batch["is_signal"].mean() for batch in loader])
        assert 0.9 < fractions.std() / sqrt(0.25 / 1024) < 1.1


def test_batches_from_memory_maps_are_plain_writable_and_independent(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(100, dtype=np.uint64) + 2**63)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r+")
    for shuffle in (True, False):
        for batch in SplitLoader({"x": mapped}, 10, shuffle=shuffle):
            assert type(batch["x"]) is np.ndarray
            assert batch["x"].dtype == np.uint64
            assert np.array_equal(batch["x"] - np.uint64(2**63), batch["_index"])
            batch["x"][:] = 0
    assert np.array_equal(mapped - np.uint64(2**63), np.arange(100))


def test_a_mapped_selection_is_used_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.arange(0, 1000, 3, dtype=np.int32))
    subindex = np.load(tmp_path / "s.npy", mmap_mode="r")
    assert same(make(1000, subindex=subindex), make(1000, subindex=np.arange(0, 1000, 3)))


def test_a_split_without_entries_has_no_batches() -> None:
    cases: list[dict[str, Any]] = [
        {"split": 2},
        {"subindex": []},
        {"split": 1, "fractions": (1, 0)},
    ]
    for options in cases:
        loader = make(3, **options)
        with pytest.warns(LoaderWarning, match=r"no batches: the loader has no entries: .* of \("):
            assert (len(loader), loader.num_entries, list(loader)) == (0, 0, [])


@pytest.mark.slow
def test_an_epoch_that_drop_last_empties_emits_a_warning() -> None:
    loader = make(50, 1000, split="all", drop_last=True)
    with pytest.warns(LoaderWarning, match="drop_last leaves out the only one, 50 entries of 1,0"):
        assert list(loader) == []
    loader.explain()  # is no epoch


def test_a_batch_larger_than_the_split_is_one_short_batch() -> None:
    assert [len(batch["x"]) for batch in make(50, 1000, split="all")] == [50]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("batch_size", value) for value in (0, -1, 2.0, True, "8", None)),
        *(("num_threads", value) for value in (-1, 1.0, True)),
        *((name, value) for name in ("shuffle", "drop_last") for value in (1, None, "no")),
        *((name, v) for name in ("seed", "split_seed", "epoch") for v in (-1, 2**64, 0.5, True)),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"{name} must be "):
        make(10, **{name: value})


def test_wrong_splits_fractions_and_selections_are_refused() -> None:
    with pytest.raises(OptionError, match="nearest: 'train'"):
        make(10, split="trian")
    with pytest.raises(OptionError, match=r"sum to 0\.9, not 1"):
        make(10, fractions=(0.8, 0.1))
    with pytest.raises(OptionError, match="entry 10, which is out of range"):
        make(10, subindex=[10])
    with pytest.raises(OptionError, match="entry 3 more than once"):
        make(10, subindex=[3, 3])
    with pytest.raises(LengthError, match="has 1 booleans for 10 entries"):
        make(10, subindex=[True])
    with pytest.raises(OptionError, match="fractions= needs a split: split='train', or a number"):
        make(10, split=None, fractions=(0.8, 0.2))
    with pytest.raises(OptionError, match=r"fold= needs splits with folds: give splits="):
        make(10, fold=1)
    with pytest.raises(ColumnError, match=r"identity column 0 has dtype float64"):
        SplitLoader({"x": np.zeros(3)}, split="train", splits=BY_X)


@pytest.mark.parametrize("position", [-8, 5, 88, 8.0])
def test_a_position_inside_a_batch_or_past_the_end_is_refused_at_once(position: int) -> None:
    loader = make(100, 8)
    with pytest.raises(OptionError, match="position"):
        loader.batches(0, position=position)


def test_an_epoch_that_makes_no_sense_is_refused() -> None:
    loader = make(100, 8)
    with pytest.raises(OptionError, match="epoch must be"):
        loader.batches(-1)
    with pytest.raises(OptionError, match="epoch must be"):
        loader.epoch = 1.5  # type: ignore[assignment]


def test_repr_names_the_split_and_its_size() -> None:
    assert repr(make(12_345, 128, split="val", fractions=[np.float64(0.5), 0.5])) == (
        "SplitLoader('val' of (0.5, 0.5): 6,172 entries, 49 batches of 128)"
    )


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
def test_a_loader_of_arrays_can_be_sent(copied: Callable[[Any], Any]) -> None:
    x = np.arange(1000)
    options: dict[str, Any] = {"seed": 3, "split": "val", "subindex": x[::2], "drop_last": True}
    for loader in (SplitLoader({"x": x}, 16, **options), SimpleLoader({"x": x}, 16)):
        next(iter(loader))
        again = copied(loader)
        assert repr(again) == repr(loader)
        assert [b["x"].tolist() for b in again] == [b["x"].tolist() for b in loader]


def test_a_loader_of_files_is_not_sent_with_all_that_they_hold(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(1000))
    data = {"x": np.load(tmp_path / "x.npy", mmap_mode="r")}
    for loader in (SplitLoader(data), SimpleLoader(data)):
        with pytest.raises(OptionError, match=r"column .x. is memory-mapped.*build the loader in"):
            pickle.dumps(loader)


def test_repr_says_one_entry_and_one_batch() -> None:
    assert repr(SplitLoader({"x": np.arange(1)}, 64)).endswith(": 1 entry, 1 batch of 64)")
