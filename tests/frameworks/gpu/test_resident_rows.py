"""Batches gathered on a device: those of the loader, bit for bit."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from memmpy import Jagged, Objects, SplitLoader
from memmpy.errors import ColumnError, LoaderWarning, OptionError
from memmpy.frameworks.gpu import resident_rows
from memmpy.frameworks.gpu.resident_rows import ResidentLoader
from memmpy.typing import Batch
from tests.training.samples import Sample

torch = pytest.importorskip("torch")

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def tensors_of(batch: Batch) -> dict[str, Any]:
    return {
        key: torch.from_numpy(values) if isinstance(values, np.ndarray) else values
        for key, values in batch.items()
    }


def resident(loader: SplitLoader, device: str = "cpu") -> ResidentLoader:
    return ResidentLoader(loader, device, tensors_of=tensors_of)


def assert_same(batch: Mapping[str, Any], expected: Batch) -> None:
    assert list(batch) == list(expected)
    for key, values in expected.items():
        own = batch[key].cpu().numpy()
        assert own.dtype == values.dtype, key
        assert own.shape == values.shape, key
        assert own.tobytes() == values.tobytes(), key


def assert_same_epochs(loader: SplitLoader, device: str = "cpu", num_epochs: int = 2) -> None:
    on_device = resident(loader, device)
    assert len(on_device) == len(loader)
    for epoch in range(num_epochs):
        batches = list(on_device)
        expected = list(loader.batches(epoch))
        assert len(batches) == len(expected)
        for batch, values in zip(batches, expected, strict=True):
            assert_same(batch, values)
    assert on_device.epoch == num_epochs
    assert loader.epoch == 0


def columns(num: int) -> dict[str, Any]:
    """Return columns of all kinds of numbers and shapes."""
    random = np.random.default_rng(7)
    bits = random.integers(0, 2**63, num)
    return {
        "x": random.normal(size=(num, 3)).astype(np.float32),
        "pt": random.normal(size=num).astype(np.float32),
        "run": bits,
        "double": bits.view(np.float64),  # with NaN and others, of which the bits stay
        "is_good": random.random(num) < 0.5,
        "jets": random.normal(size=(num, 4, 2)),
        "mask": random.random((num, 5)) < 0.5,
        "charge": random.integers(-1, 2, num).astype(np.int8),
        "half": random.normal(size=(num, 1)).astype(np.float16),
        "year": random.integers(0, 9, num).astype(np.int16),
        "hash": bits.astype(np.uint64) * 3,
        "words": (bits.astype(np.uint64) * 5).reshape(num, 1) >> np.arange(2, dtype=np.uint64),
        "code": (bits % 60_000).astype(np.uint16),
        "nothing": np.zeros((num, 0), np.float32),
        "phase": random.normal(size=num) + 1j,
    }


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"batch_size": 1},
        {"batch_size": 999},
        {"batch_size": 1000, "num_threads": 0},
        {"batch_size": 5000},
        {"drop_last": True},
        {"split": "train", "num_threads": 3},
        {"subindex": np.arange(0, 1000, 3)},
        {"rank": 1, "world_size": 3},
        {"seed": 3, "batch_size": 7},
    ],
    ids=str,
)
def test_the_batches_are_those_of_the_loader_bit_for_bit(
    device: str, options: dict[str, Any]
) -> None:
    assert_same_epochs(SplitLoader(columns(1000), **{"batch_size": 64, **options}), device)


@pytest.mark.slow
@given(st.integers(1, 300), st.integers(1, 80), st.booleans(), st.integers(1, 4), st.data())
def test_any_rank_has_its_batches(
    num: int, batch_size: int, drop_last: bool, world_size: int, data: st.DataObject
) -> None:
    rank = data.draw(st.integers(0, world_size - 1))
    options: dict[str, Any] = {"drop_last": drop_last, "rank": rank, "world_size": world_size}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memmpy.splits.split_loader.warn_of", lambda *_: None)
        loader = SplitLoader({"x": np.arange(num)}, batch_size, num_threads=0, **options)
        assert_same_epochs(loader)


def test_an_entry_that_another_rank_has_too_is_marked() -> None:
    with pytest.warns(LoaderWarning, match="repeats one"):
        loader = SplitLoader({"x": np.arange(9)}, 2, rank=0, world_size=2)
    assert list(loader)[-1]["_index"].tolist() == [-1]
    *_, last = resident(loader)
    assert last["_index"].tolist() == [-1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shuffle", ["exact", "blocks", False])
def test_a_training_set_arrives_scaled_and_weighted(
    sample: Sample,
    device: str,
    shuffle: Any,
) -> None:
    data = sample.training_set(
        inputs={
            "kin": ["met", "pt_1"],
            "jets": Objects(["jet_pt", "jet_eta"], length=5),
        },
        spectators=["event"],
        scale="standard",
        normalise="equal",
    )
    loader = data.loader("train", fold=1, batch_size=100, shuffle=shuffle)
    assert {"kin", "jets", "jets_mask", "label", "weight", "event", "_index"} <= set(
        next(iter(loader))
    )
    assert_same_epochs(loader, device)


def test_sampled_classes_come_in_their_shares(sample: Sample) -> None:
    loader = sample.training_set().loader(
        "train", fold=0, batch_size=64, sampling={"signal": 0.5, "background": 0.5}
    )
    assert_same_epochs(loader)


def test_the_last_batch_of_ranks_has_weight_0_where_it_repeats(sample: Sample) -> None:
    data = sample.training_set()
    num = data.loader("train", fold=0).num_entries
    ranks = next(ranks for ranks in range(2, 6) if 0 < num % (num // ranks * ranks) < ranks)
    loader = data.loader("train", fold=0, batch_size=num // ranks, rank=0, world_size=ranks)
    *_, last = resident(loader)
    expected = list(loader.batches(0))[-1]
    assert_same(last, expected)
    assert expected["_index"].tolist() == [-1]
    assert expected["weight"].tolist() == [0]


def test_a_loader_of_more_than_one_run_of_members_is_the_same() -> None:
    loader = SplitLoader({"x": np.arange(200_000)}, 1111, split="train")
    assert_same_epochs(loader)


@pytest.mark.parametrize("num_done", [0, 1, 5, 15, 16])
def test_an_epoch_is_resumed_at_any_batch(num_done: int) -> None:
    loader = SplitLoader(columns(1000), 64)
    first = resident(loader)
    list(islice(first, num_done))
    second = resident(SplitLoader(columns(1000), 64))
    second.load_state_dict(first.state_dict())
    epoch, position = divmod(num_done, 16)
    rest = list(second)
    assert len(rest) == 16 - position
    for batch, values in zip(rest, loader.batches(epoch, position=64 * position), strict=True):
        assert_same(batch, values)


def test_arrays_are_contiguous_and_batches_that_are_kept_stay_as_they_are() -> None:
    loader = SplitLoader(columns(500), 50)
    batches = iter(resident(loader))
    kept = [next(batches) for _ in range(3)]
    assert all(kept[0][key].is_contiguous() for key in ("x", "jets", "mask"))
    kept[1]["x"].zero_()
    kept[1]["run"].zero_()
    next(batches)
    expected = list(loader.batches(0))
    assert_same(kept[0], expected[0])
    assert_same(kept[2], expected[2])


def test_writing_into_a_batch_changes_no_later_epoch() -> None:
    loader = SplitLoader(columns(500), 50)
    on_device = resident(loader)
    for batch in on_device:
        for values in batch.values():
            values.zero_()
    for batch, values in zip(on_device, loader.batches(1), strict=True):
        assert_same(batch, values)


def test_inference_mode_may_begin_and_end_between_batches() -> None:
    batches = iter(resident(SplitLoader({"x": np.ones((100, 3), np.float32)}, 10)))
    with torch.inference_mode():
        next(batches)
    weight = torch.ones(3, requires_grad=True)
    (next(batches)["x"] @ weight).sum().backward()
    assert weight.grad.tolist() == [10, 10, 10]


def test_nothing_is_loaded_after_the_first_copy() -> None:
    data = columns(300)
    on_device = resident(loader := SplitLoader(data, 50))
    expected = list(loader.batches(0))
    for values in data.values():
        values[:] = 0
    for batch, values in zip(on_device, expected, strict=True):
        assert_same(batch, values)


class Ragged(NamedTuple):
    """Lists as attention takes them, with a tag of each item beside its values."""

    tags: Any
    values: Any
    cu_seqlens: Any
    max_seqlen: int


def ragged_of(batch: Batch) -> dict[str, Any]:
    tensors = tensors_of(batch)
    for key, value in batch.items():
        if isinstance(value, Jagged):
            tensors[key] = Ragged(
                torch.zeros(len(value.content), dtype=torch.int64),
                torch.from_numpy(value.content),
                torch.from_numpy(value.offsets.astype(np.int32)),
                int(value.counts.max(initial=0)),
            )
    return tensors


def lists(num: int, longest: int = 6) -> dict[str, Any]:
    random = np.random.default_rng(3)
    data: dict[str, Any] = {"x": np.arange(num)}
    for key, shape in {"jets": (3,), "pt": (), "hits": (2, 2)}.items():
        counts = random.integers(0, longest + 1, num)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        content = random.normal(size=(int(offsets[-1]), *shape)).astype(np.float32)
        data[key] = Jagged(content, offsets)
    return data


def assert_same_lists(loader: SplitLoader, device: str) -> None:
    for batch, values in zip(
        ResidentLoader(loader, device, tensors_of=ragged_of), loader.batches(0), strict=True
    ):
        assert list(batch) == list(values)
        assert batch["x"].tolist() == values["x"].tolist()
        for key in ("jets", "pt", "hits"):
            own, expected = batch[key], values[key]
            assert type(own) is Ragged
            assert own.values.is_contiguous()
            assert own.values.cpu().numpy().tobytes() == expected.content.tobytes()
            assert own.values.shape == expected.content.shape
            assert own.cu_seqlens.dtype == torch.int32
            assert own.cu_seqlens.tolist() == expected.offsets.tolist()
            assert type(own.max_seqlen) is int
            assert own.max_seqlen == expected.counts.max(initial=0)
            assert len(own.tags) == len(own.values)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 64},
        {"batch_size": 1},
        {"batch_size": 5000},
        {"batch_size": 500, "shuffle": False},
        {"batch_size": 64, "drop_last": True, "split": "train"},
        {"batch_size": 64, "rank": 1, "world_size": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("longest", [0, 6])
def test_lists_are_those_of_the_loader(device: str, options: dict[str, Any], longest: int) -> None:
    assert_same_lists(SplitLoader(lists(1000, longest), **options), device)


def test_the_tags_of_items_stay_with_their_items() -> None:
    data = {"jets": Jagged(np.arange(300.0), np.arange(0, 301, 3))}

    def tagged(batch: Batch) -> dict[str, Any]:
        jets: Any = batch["jets"]
        values = torch.from_numpy(jets.content)
        return {"jets": Ragged(values.int(), values, torch.from_numpy(jets.offsets), 3)}

    for batch in ResidentLoader(SplitLoader(data, 7), "cpu", tensors_of=tagged):
        assert batch["jets"].tags.tolist() == batch["jets"].values.int().tolist()


def test_lists_of_another_form_are_refused_by_name() -> None:
    jets = Jagged(np.arange(3.0), np.array([0, 1, 3]))
    with pytest.raises(ColumnError, match=r"lists with cu_seqlens \(jagged='flat'\), not 'jets';"):
        resident(SplitLoader({"x": np.arange(2), "jets": jets}))


def test_what_does_not_fit_is_an_error_with_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = SplitLoader({"x": np.zeros((1000, 22), np.float32)})
    monkeypatch.setattr(resident_rows, "_free_bytes", lambda _: 100_000)
    message = (
        r"resident=True needs 96\.0 kB \(96,000 bytes\) for 1,000 entries, and cpu has 100\.0 kB "
        r"\(100,000 bytes\) free, of which it takes at most 90%; leave out"
    )
    with pytest.raises(OptionError, match=message):
        resident(loader)
    monkeypatch.setattr(resident_rows, "_free_bytes", lambda _: 110_000)
    assert resident(loader).nbytes == 96_000


def test_members_are_the_places_that_take_takes() -> None:
    loader = SplitLoader({"x": np.arange(1000) * 2}, 30, split="train")
    members = np.concatenate(list(loader.members(3)))
    assert sorted(members) == list(range(800))
    batches = np.concatenate([batch["x"] for batch in loader.batches(3)])
    assert loader.take(members)["x"].tolist() == batches.tolist()
    resumed = np.concatenate(list(loader.members(3, position=90)))
    assert resumed.tolist() == members[90:].tolist()


def test_runs_of_members_end_with_whole_batches(sample: Sample) -> None:
    loader = sample.training_set().loader("train", fold=0, batch_size=97, shuffle="blocks")
    *runs, _ = loader.members(0)
    assert all(len(run) % 97 == 0 for run in runs)
    with pytest.raises(OptionError, match="not the start of a batch"):
        loader.members(0, position=1)
