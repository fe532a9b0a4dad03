"""Tests that a loader goes on from its state with the same batches, bit for bit, and from no other.

A store of 8,000 events with lists, and with a wide column, so that an epoch has several chunks and
threads have work to do.
"""

import json
import pickle
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import xxhash

import memmpy
from memmpy import Objects, Sampling, Shuffle, SplitLoader, Splits
from memmpy.errors import OptionError
from memmpy.jagged import Jagged
from memmpy.parallel import THREAD_NAME
from tests.skims.stores import write_store

NUM_EVENTS, BATCH_SIZE, NUM_EPOCHS, NUM_PLACES = 8_000, 130, 2, 50
BLOCKS = Shuffle("blocks", block_rows=8, window_blocks=16)

MakeLoader: TypeAlias = Callable[..., SplitLoader]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> memmpy.TrainingSet:
    """Return a training set with padded inputs, lists, labels and weights."""
    random = np.random.default_rng(7)
    counts = random.integers(0, 5, NUM_EVENTS)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    columns = {
        "event": np.arange(NUM_EVENTS),
        "x": random.normal(size=NUM_EVENTS).astype(np.float32),
        "wide": random.normal(size=(NUM_EVENTS, 450)).astype(np.float32),
        "kind": (random.random(NUM_EVENTS) < 0.3).astype(np.int32),
        "w": random.normal(1, 0.5, NUM_EVENTS),
        "pt": Jagged(random.random(offsets[-1], dtype=np.float32), offsets),
    }
    store = write_store(tmp_path_factory.mktemp("resume") / "s", columns)
    return memmpy.open(store).training_set(
        inputs={"x": ["x"], "jets": Objects(["pt"]), "padded": Objects(["pt"], length=4)},
        labels={"background": "kind == 0", "signal": "kind == 1"},
        weight="w",
        spectators=["event", "wide"],
        splits=Splits(by=("event",), fractions={"train": 0.7, "test": 0.3}),
        scale="standard",
    )


LOADERS: Mapping[str, dict[str, Any]] = {
    "exact": {"shuffle": "exact"},
    "blocks": {"shuffle": BLOCKS},
    "no shuffle": {"shuffle": False},
    "drop_last": {"drop_last": True},
    "sampling": {"sampling": Sampling({"background": 0.5, "signal": 0.5}, num_batches=40)},
    "sampling of blocks": {
        "sampling": Sampling({"background": 0.9, "signal": 0.1}, num_batches=23),
        "shuffle": BLOCKS,
    },
    "a rank": {"rank": 1, "world_size": 3, "batch_size": 40},
    "columns": {},
    "columns without shuffle": {"shuffle": False},
}


def make_loader(data: memmpy.TrainingSet, kind: str, **options: Any) -> SplitLoader:
    options = {"batch_size": BATCH_SIZE, "seed": 3, **LOADERS[kind], **options}
    if kind.startswith("columns"):
        keys = ["event", "wide", "pt"]
        return memmpy.open(data.path).loader("train", keys=keys, cut="x > -1.5", **options)
    return data.loader("train", **options)


def digest_of(batch: Mapping[str, Any]) -> int:
    """Return a hash of all bytes of a batch."""
    digest = xxhash.xxh64()
    for key, values in batch.items():
        parts = (values.content, values.offsets) if isinstance(values, Jagged) else (values,)
        for part in parts:
            digest.update(f"{key} {part.dtype} {part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.intdigest()


def digests_of(loader: SplitLoader, num_epochs: int = 1) -> list[int]:
    return [digest_of(batch) for _ in range(num_epochs) for batch in loader]


def run(loader: SplitLoader, num: int) -> list[int]:
    """Take some batches, over the ends of epochs, and leave."""
    digests: list[int] = []
    while len(digests) < num:
        for batch in loader:
            digests.append(digest_of(batch))
            if len(digests) == num:
                break
    return digests


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOADERS)
def test_a_loader_goes_on_from_50_random_places_as_if_it_had_never_ended(
    data: memmpy.TrainingSet, kind: str
) -> None:
    loader = make_loader(data, kind, num_threads=0)
    whole, length = digests_of(loader, NUM_EPOCHS), len(loader)
    assert len({*whole}) == len(whole) == NUM_EPOCHS * length or not loader.is_shuffled
    random = np.random.default_rng(len(kind))
    places = random.permutation(len(whole))[: NUM_PLACES - 4].tolist()
    for number, num in enumerate([0, 1, length, len(whole), *places]):
        loader = make_loader(data, kind, num_threads=(0, 1, 3)[number % 3])
        assert run(loader, num) == whole[:num]
        state = json.loads(json.dumps(loader.state_dict()))
        assert (state["epoch"], state["position"] % loader.batch_size) == (num // length, 0)
        loader.close()
        other = make_loader(data, kind, num_threads=(3, 0, 1, 0)[number % 4])
        other.load_state_dict(state)
        assert other.state_dict() == state
        assert run(other, len(whole) - num) == whole[num:]
        assert other.state_dict() == other.state_at(NUM_EPOCHS, 0)
        other.close()


def test_a_state_is_small_plain_and_always_of_the_same_names(data: memmpy.TrainingSet) -> None:
    loader = make_loader(data, "exact")
    names = ["epoch", "position", "batch_size", "seed", "order", "split", "data"]
    for _ in range(2):
        for _ in loader:
            state = loader.state_dict()
            assert [*state] == names
            assert {type(value) for value in state.values()} == {int, str}
    assert len(json.dumps(state)) < 500


def test_a_state_does_not_depend_on_threads_or_processes(data: memmpy.TrainingSet) -> None:
    states = [
        make_loader(data, "exact", num_threads=num_threads, **ranks).state_dict()
        for num_threads in (0, 3)
        for ranks in (
            {"batch_size": 120},
            {"batch_size": 40, "rank": 2, "world_size": 3},
            {"batch_size": 30, "rank": 0, "world_size": 4},
        )
    ]
    assert all(state == states[0] for state in states)
    copy = pickle.loads(pickle.dumps(make_loader(data, "exact", batch_size=120)))
    assert copy.state_dict() == states[0]


def changed_cut(data: memmpy.TrainingSet) -> SplitLoader:
    return make_loader(data.apply_to(cut="x > 0"), "exact")


def changed_split(data: memmpy.TrainingSet) -> SplitLoader:
    return data.loader("test", batch_size=BATCH_SIZE, seed=3, shuffle="exact")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed_cut, r"another data \(another cut.*\): '\w+', not '\w+'"),
        (changed_split, "another split: \"'train', .*\", not \"'test'"),
        ({"batch_size": 64}, r"another batch size \(of all ranks together\): 130, not 64"),
        ({"batch_size": 130, "world_size": 2}, r"another batch size \(of all .*\): 130, not 260"),
        ({"shuffle": BLOCKS}, "another order: 'exact', not 'blocks 8 x 16'"),
        ({"shuffle": False}, "another order: 'exact', not 'none'"),
        ({"seed": 4}, "another seed: 3, not 4"),
        (
            {"sampling": {"background": 0.5, "signal": 0.5}},
            "another order: 'exact', not \"exact, {'shares'",
        ),
    ],
)
def test_the_state_of_something_else_is_refused_with_the_reason(
    data: memmpy.TrainingSet, make: Any, message: str
) -> None:
    loader = make_loader(data, "exact")
    run(loader, 3)
    other = make(data) if callable(make) else make_loader(data, "exact", **make)
    before = other.state_dict()
    with pytest.raises(OptionError, match=f"the state is that of {message}"):
        other.load_state_dict(loader.state_dict())
    assert other.state_dict() == before


def test_a_state_of_columns_that_have_changed_is_refused(tmp_path: Path) -> None:
    def loader(change: str, *, is_skim: bool) -> SplitLoader:
        columns = {
            "id": np.arange(300),
            "x": np.arange(300.0) * (2 if change == "x" else 1),
            "lists": Jagged(np.arange(600) + (change == "lists"), np.arange(0, 601, 2)),
        }
        store = write_store(tmp_path / "s", columns)
        if is_skim:
            return SplitLoader(memmpy.skim(store, keys=[*columns], progress=False), 16)
        return memmpy.open(store).loader(batch_size=16)

    for is_skim in (False, True):
        state = loader("nothing", is_skim=is_skim).state_dict()
        loader("nothing", is_skim=is_skim).load_state_dict(state)
        for change in ("x", "lists"):
            other = loader(change, is_skim=is_skim)
            with pytest.raises(OptionError, match="the state is that of another data"):
                other.load_state_dict(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": 3 * BATCH_SIZE + 1}, "has the position 391, which begins no batch"),
        ({"position": 10**9}, "has the position 1,000,000,000, which begins no batch"),
        ({"position": -BATCH_SIZE}, "position of a state must be an integer of at least 0"),
        ({"position": 1.5}, "position of a state must be an integer"),
        ({"epoch": -1}, "the epoch of a state must be"),
        ({"epoch": "1"}, "the epoch of a state must be"),
    ],
)
def test_an_impossible_place_is_refused(
    data: memmpy.TrainingSet, change: dict[str, Any], message: str
) -> None:
    loader = make_loader(data, "exact")
    with pytest.raises(OptionError, match=message):
        loader.load_state_dict({**loader.state_dict(), **change})


@pytest.mark.parametrize("state", [None, 3, [1, 2], {"epoch": 1}, "state"])
def test_what_is_no_state_is_refused(data: memmpy.TrainingSet, state: Any) -> None:
    with pytest.raises(OptionError, match="the state of a loader is a dict of 'epoch', 'position'"):
        make_loader(data, "exact").load_state_dict(state)


def test_an_empty_state_changes_nothing(data: memmpy.TrainingSet) -> None:
    loader = make_loader(data, "exact", epoch=5)
    loader.load_state_dict({})
    assert loader.state_dict()["epoch"] == 5


@pytest.mark.parametrize("num_done", [0, 7])
def test_a_look_at_the_first_batch_costs_nothing(data: memmpy.TrainingSet, num_done: int) -> None:
    whole = digests_of(make_loader(data, "exact"), 2)
    loader = make_loader(data, "exact")
    loader.load_state_dict(loader.state_at(0, num_done))
    for _ in range(3):
        assert digest_of(next(iter(loader))) == whole[num_done]
        assert loader.epoch == 0
    assert run(loader, len(whole) - num_done) == whole[num_done:]


def test_a_pass_that_goes_on_from_a_state_and_ends_early_begins_its_epoch_again(
    data: memmpy.TrainingSet,
) -> None:
    loader = make_loader(data, "exact")
    whole = digests_of(make_loader(data, "exact"))
    loader.load_state_dict(loader.state_at(0, 4))
    assert run(loader, 3) == whole[4:7]
    with pytest.warns(memmpy.MemmpyWarning, match="epoch 0 begins again: .* pass before ended"):
        assert run(loader, 2) == whole[:2]


def test_two_loaders_at_once_do_not_know_of_each_other(data: memmpy.TrainingSet) -> None:
    alone = [digests_of(make_loader(data, kind)) for kind in ("exact", "columns")]
    loaders = [make_loader(data, kind, num_threads=1) for kind in ("exact", "columns")]
    together: list[list[int]] = [[], []]
    iterators = [*map(iter, loaders)]
    for _ in range(max(map(len, alone))):
        for iterator, digests in zip(iterators, together, strict=True):
            digests += [digest_of(batch) for batch in [next(iterator, None)] if batch is not None]
    assert together == alone
    assert [loader.epoch for loader in loaders] == [1, 1]


def num_threads() -> int:
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


@pytest.mark.parametrize("kind", ["exact", "blocks", "columns"])
def test_close_and_with_end_all_threads(data: memmpy.TrainingSet, kind: str) -> None:
    before = num_threads()
    loader = make_loader(data, kind, num_threads=2)
    with loader as same:
        assert same is loader
        passes = [iter(loader), iter(loader)]
        for one in passes:
            next(one)
        assert num_threads() == before + 4
    assert num_threads() == before
    assert [next(one, None) for one in passes] == [None, None]
    with closing(loader):
        assert digest_of(next(iter(loader))) == digests_of(make_loader(data, kind))[0]
    assert num_threads() == before
    assert loader.epoch == 0
