import gc
import multiprocessing
import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Jagged, Objects, RFileConfig, SplitLoader, TrainingSet
from memmpy.demo import demo_files, write_demo_files
from memmpy.errors import DiskError, LoaderWarning, OptionError
from memmpy.frameworks import JaggedTensor, PackedTensor

torch = pytest.importorskip("torch")
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    SequentialSampler,
)

from memmpy.frameworks.epoch_file import EpochFile
from memmpy.frameworks.torch_datasets import EntryDataset

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),  # torchdata
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    folder = tmp_path_factory.mktemp("events")
    write_demo_files(folder, num_events=300, seed=1)
    return memmpy.training_set(
        [RFileConfig(folder / name, tree, texts) for name, tree, texts in demo_files()],
        folder / "data.mmpy",
        inputs={
            "event": ["nJets", "met"],
            "jets": Objects(["jet_pt", "jet_eta"], length=12),
            "cones": Objects(["jet_pt", "jet_eta", "jet_phi"]),
        },
        labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
        weight="weight",
        scale="standard",
        normalise="equal",
    )


def loader_of(data: TrainingSet, **options: Any) -> SplitLoader:
    return data.loader("train", **{"batch_size": 100, "seed": 3, **options})


def contents(batch: Any) -> list[Any]:
    """Return all numbers of a batch as bytes, by key."""
    if isinstance(batch, dict):
        return [(key, contents(batch[key])) for key in sorted(batch)]
    if isinstance(batch, tuple):
        return [contents(one) for one in batch]
    return [batch.numpy().tobytes(), batch.dtype, batch.shape] if torch.is_tensor(batch) else batch


def epoch_of(loader: SplitLoader, epoch: int) -> list[Any]:
    return [contents(batch) for batch in memmpy.to_torch(loader).batches(epoch)]


@pytest.fixture(scope="module", autouse=True)
def forks_have_imported_torch() -> None:
    multiprocessing.set_forkserver_preload(["memmpy.frameworks.torch_datasets"])


def start_methods() -> Iterator[Any]:
    yield pytest.param("fork", 0, False)
    for method in ("fork", "forkserver", "spawn"):
        for num_workers in (1, 3):
            for is_persistent in (True, False):
                marks = [] if method == "fork" else [pytest.mark.slow]
                yield pytest.param(method, num_workers, is_persistent, marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "num_workers", "is_persistent"), [*start_methods()])
def test_workers_hand_out_each_batch_once_in_the_order_of_the_loader(
    data: TrainingSet, method: str, num_workers: int, is_persistent: bool
) -> None:
    loader = loader_of(data)
    dataset = memmpy.to_torch(loader).batch_dataset()
    workers: dict[str, Any] = {"num_workers": num_workers}
    if num_workers:
        workers |= {"multiprocessing_context": method, "persistent_workers": is_persistent}
    batches = DataLoader(dataset, batch_size=None, **workers)
    assert len(batches) == len(loader) > 6
    num_epochs = 1 if method == "spawn" and not is_persistent else 2  # each starts all processes
    epochs = [[contents(batch) for batch in batches] for _ in range(num_epochs)]
    assert epochs == [epoch_of(loader, epoch) for epoch in range(num_epochs)]
    assert len({str(one) for one in epochs}) == num_epochs
    assert dataset.epoch == num_epochs


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_can_be_set_also_for_workers_that_live_on(
    data: TrainingSet, num_workers: int
) -> None:
    loader = loader_of(data)
    dataset = memmpy.to_torch(loader).batch_dataset()
    batches = DataLoader(
        dataset, batch_size=None, num_workers=num_workers, persistent_workers=num_workers > 0
    )
    for epoch in (5, 2, 2):
        dataset.set_epoch(epoch)
        assert dataset.epoch == epoch
        assert [contents(batch) for batch in batches] == epoch_of(loader, epoch)
    with pytest.raises(OptionError, match="epoch must be an integer"):
        dataset.set_epoch(-1)


@pytest.mark.slow_together
@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_a_trainer_that_counts_batches_ends_the_epoch(data: TrainingSet, num_workers: int) -> None:
    dataset = memmpy.to_torch(loader_of(data)).batch_dataset()
    batches = DataLoader(dataset, batch_size=None, num_workers=num_workers)
    for epoch in range(3):
        assert dataset.epoch == epoch
        for _ in islice(batches, len(batches)):
            pass
    assert dataset.epoch == 3


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_look_at_a_batch_costs_no_epoch(data: TrainingSet, num_workers: int) -> None:
    loader = loader_of(data, batch_size=20)
    dataset = memmpy.to_torch(loader).batch_dataset()
    batches = DataLoader(dataset, batch_size=None, num_workers=num_workers)
    first = next(iter(batches))
    assert dataset.epoch == 0
    passed = [contents(batch) for batch in batches]
    assert contents(first) == passed[0]
    assert passed == epoch_of(loader, 0)


@pytest.mark.slow
def test_two_data_loaders_at_once_have_the_same_epoch(data: TrainingSet) -> None:
    loader = loader_of(data)
    dataset = memmpy.to_torch(loader).batch_dataset()
    one = DataLoader(dataset, batch_size=None, num_workers=2)
    other = DataLoader(dataset, batch_size=None, num_workers=1)
    pairs = [(contents(a), contents(b)) for a, b in zip(one, other, strict=True)]
    assert [a for a, _ in pairs] == [b for _, b in pairs] == epoch_of(loader, 0)
    assert dataset.epoch == 1


@pytest.mark.slow
def test_more_workers_than_batches_are_no_harm(data: TrainingSet) -> None:
    loader = loader_of(data, batch_size=600)
    assert len(loader) == 2
    dataset = memmpy.to_torch(loader).batch_dataset()
    batches = DataLoader(dataset, batch_size=None, num_workers=4)
    for epoch in range(2):
        assert [contents(batch) for batch in batches] == epoch_of(loader, epoch)


@pytest.mark.slow
def test_the_workers_of_all_ranks_hand_out_each_event_once(data: TrainingSet) -> None:
    events: Counter[int] = Counter()
    lengths = []
    for rank in range(2):
        loader = loader_of(data, batch_size=64, rank=rank, world_size=2)
        dataset = memmpy.to_torch(loader).batch_dataset()
        batches = [contents(one) for one in DataLoader(dataset, batch_size=None, num_workers=3)]
        assert batches == epoch_of(loader, 0)
        lengths.append(len(batches))
        for batch in loader.batches(0):
            events.update(batch["_index"].tolist())
    assert lengths[0] == lengths[1]
    assert set(events.values()) == {1}
    assert len(events) == loader.split_size


@pytest.mark.slow
def test_an_event_that_a_rank_repeats_is_marked_by_the_worker_that_has_it() -> None:
    arrays = {"x": np.arange(13)}
    seen = []
    for rank in range(4):
        with pytest.warns(LoaderWarning, match="repeats one") if rank != 3 else nullcontext():
            loader = SplitLoader(arrays, 3, split="all", rank=rank, world_size=4)
        dataset = memmpy.to_torch(loader).batch_dataset()
        batches = list(DataLoader(dataset, batch_size=None, num_workers=2))
        seen += [batch["_index"].tolist() for batch in batches]
        assert [len(batch["x"]) for batch in batches] == [3, 1]
    assert sorted(chain.from_iterable(seen)) == [-1, -1, -1, *range(13)]


@pytest.mark.slow_together
@pytest.mark.parametrize("shuffle", [True, False, "blocks"])
def test_columns_and_skims_in_any_order_are_shared_alike(data: TrainingSet, shuffle: Any) -> None:
    loaders = [loader_of(data, shuffle=shuffle, drop_last=True)]
    if shuffle != "blocks":
        lists = Jagged.from_arrays([np.arange(num % 3, dtype="f4") for num in range(500)])
        loaders.append(
            SplitLoader(
                {"x": np.arange(500.0), "y": lists}, 32, split="train", shuffle=shuffle, seed=2
            )
        )
    for loader in loaders:
        dataset = memmpy.to_torch(loader).batch_dataset()
        batches = DataLoader(dataset, batch_size=None, num_workers=3)
        assert [contents(batch) for batch in batches] == epoch_of(loader, 0)


@pytest.mark.slow
def test_shares_of_classes_are_those_of_the_loader(data: TrainingSet) -> None:
    plain = memmpy.open(data.path).training_set(
        inputs={"event": ["met"]},
        labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    )
    loader = plain.loader("train", batch_size=64, sampling={"background": 0.25, "signal": 0.75})
    dataset = memmpy.to_torch(loader).batch_dataset()
    batches = list(DataLoader(dataset, batch_size=None, num_workers=3))
    assert [contents(batch) for batch in batches] == epoch_of(loader, 0)
    assert {int(batch["label"].sum()) for batch in batches} == {48}


class CountedColumn:
    """A column that notes the entries that were asked for."""

    def __init__(self, num: int) -> None:
        self.num, self.seen = num, list[int]()

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index: Any) -> Any:
        entries = np.arange(self.num)[index]
        self.seen += entries.tolist()
        return entries


def test_a_worker_gathers_only_what_it_hands_out() -> None:
    column = CountedColumn(1000)
    loader = SplitLoader({"x": column}, 10, split="all")
    part = SplitLoader(loader.spec.of_worker(1, 4))
    column.seen.clear()
    entries = [entry for batch in part for entry in batch["_index"].tolist()]
    assert len(entries) == 250
    assert sorted(column.seen) == sorted(entries)


@pytest.mark.slow
def test_a_loader_that_is_in_use_can_be_forked(data: TrainingSet) -> None:
    loader = loader_of(data, batch_size=8, num_threads=3)
    begun = iter(loader)
    kept = [next(begun) for _ in range(5)]
    dataset = memmpy.to_torch(loader).batch_dataset()
    workers = {"num_workers": 2, "multiprocessing_context": "fork"}
    batches = [contents(batch) for batch in DataLoader(dataset, batch_size=None, **workers)]
    assert batches == epoch_of(loader, 0)
    rest = [*kept, *begun]
    assert [one["_index"].tolist() for one in rest] == [
        one["_index"].tolist() for one in loader.batches(0)
    ]


def test_batches_of_workers_take_no_more_memory_than_their_own(data: TrainingSet) -> None:
    dataset = memmpy.to_torch(loader_of(data)).batch_dataset()
    for batch in DataLoader(dataset, batch_size=None, num_workers=1):
        for values in batch.values():
            for one in values if isinstance(values, tuple) else [values]:
                if torch.is_tensor(one):
                    assert one.is_contiguous()
                    assert one.untyped_storage().nbytes() == one.nbytes


@pytest.mark.slow
def test_a_dataset_begins_where_the_loader_is(data: TrainingSet) -> None:
    loader = loader_of(data)
    door = memmpy.to_torch(loader)
    begun = [contents(batch) for batch in islice(door, 4)]
    dataset = door.batch_dataset()
    batches = DataLoader(dataset, batch_size=None, num_workers=3)
    assert begun + [contents(batch) for batch in batches] == epoch_of(loader, 0)
    assert [contents(batch) for batch in batches] == epoch_of(loader, 1)


def test_an_empty_split_has_no_batches() -> None:
    dataset = memmpy.to_torch(SplitLoader({"x": np.arange(0)}, split="all")).batch_dataset()
    assert len(dataset) == 0
    with pytest.warns(LoaderWarning, match="no batches"):
        assert list(DataLoader(dataset, batch_size=None)) == []


@pytest.mark.parametrize("name", ["batch_dataset", "entry_dataset"])
def test_nested_tensors_do_not_pass_from_workers(data: TrainingSet, name: str) -> None:
    door = memmpy.to_torch(loader_of(data), jagged="nested")
    with pytest.raises(OptionError, match=rf"{name}\(\) takes no jagged='nested'"):
        getattr(door, name)()


def test_columns_in_files_are_an_error_for_workers_that_are_spawned(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "data.mmpy", "x") as vector:
        vector.extend(np.arange(10))
    loader = memmpy.open(tmp_path / "data.mmpy").loader(batch_size=4)
    dataset = memmpy.to_torch(loader).batch_dataset()
    spawned = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    with pytest.raises(OptionError, match=r"column .x. is memory-mapped.*: load a skim or a tr"):
        iter(spawned)
    assert len(list(DataLoader(dataset, batch_size=None, num_workers=1))) == 3


# torchdata


def stateful(data: TrainingSet, num_workers: int, *, every: int = 1, **options: Any) -> Any:
    module = pytest.importorskip("torchdata.stateful_dataloader")
    dataset = memmpy.to_torch(loader_of(data, **options)).batch_dataset()
    return module.StatefulDataLoader(
        dataset, batch_size=None, num_workers=num_workers, snapshot_every_n_steps=every
    )


@pytest.mark.slow
@pytest.mark.parametrize(("num_workers", "every"), [(0, 1), (1, 1), (3, 1), (2, 3)])
def test_a_stateful_data_loader_resumes_from_any_batch(
    data: TrainingSet, num_workers: int, every: int
) -> None:
    loader = loader_of(data, batch_size=150)
    first, second, third = (epoch_of(loader, epoch) for epoch in range(3))
    for num in (0, 1, 2, 4, len(first) - 1, len(first)):
        before = stateful(data, num_workers, every=every, batch_size=150)
        assert [contents(batch) for batch in before] == first
        running = iter(before)
        begun = [contents(batch) for batch in islice(running, num)]
        state = pickle.loads(pickle.dumps(before.state_dict()))
        del running, before
        after = stateful(data, num_workers, every=every, batch_size=150)
        after.load_state_dict(state)
        assert begun + [contents(batch) for batch in after] == second, num
        assert [contents(batch) for batch in after] == third


@pytest.mark.slow
def test_a_stateful_data_loader_resumes_from_random_places(data: TrainingSet) -> None:
    loader = loader_of(data)
    epochs = [epoch_of(loader, epoch) for epoch in range(3)]
    for number in np.random.default_rng(0).integers(0, 2 * len(loader), 50).tolist():
        epoch, num = divmod(number, len(loader))
        before, after = stateful(data, 0), stateful(data, 0)
        before.dataset.set_epoch(epoch)
        running = iter(before)
        begun = [contents(batch) for batch in islice(running, num)]
        after.load_state_dict(before.state_dict())
        assert begun + [contents(batch) for batch in after] == epochs[epoch]
        assert contents(next(iter(after))) == epochs[epoch + 1][0]


@pytest.mark.slow_together
@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_state_at_the_end_of_an_epoch_leads_to_the_next_one(
    data: TrainingSet, num_workers: int
) -> None:
    before = stateful(data, num_workers)
    list(before)
    state = before.state_dict()
    after = stateful(data, num_workers)
    after.load_state_dict(state)
    assert [contents(batch) for batch in after] == epoch_of(loader_of(data), 1)


def test_the_state_of_another_seed_is_refused(data: TrainingSet) -> None:
    before = stateful(data, 0)
    next(iter(before))
    after = stateful(data, 0, seed=4)
    after.load_state_dict(before.state_dict())
    with pytest.raises(OptionError, match="the state is that of another seed"):
        iter(after)


# the file of epochs


def test_an_epoch_ends_when_all_workers_have_ended() -> None:
    file = EpochFile(4, 0)
    passes = [file.begin(99, worker, 3) for worker in range(3)]
    assert {(one.number, one.epoch) for one in passes} == {(0, 4)}
    file.end(0)
    file.end(0)
    assert file.epoch() == 4
    file.end(0)
    assert file.epoch() == 5
    # the next pass, with the same seed, as a user may set it
    assert [file.begin(99, worker, 3).epoch for worker in (2, 0, 1)] == [5, 5, 5]


def test_a_worker_that_begins_late_has_the_epoch_of_its_pass() -> None:
    file = EpochFile(0, 2)
    early = file.begin(7, 0, 2)
    file.end(early.number)
    file.set_epoch(8)
    late = file.begin(7, 1, 2)
    assert (late.number, late.epoch, late.start) == (0, 0, 2)
    file.end(late.number)
    assert file.epoch() == 8
    assert file.begin(8, 1, 2).epoch == 8


@pytest.mark.slow
def test_the_file_ends_with_its_maker_and_not_with_a_fork() -> None:
    file = EpochFile(0, 0)
    path = file._path
    if os.fork() == 0:
        del file
        gc.collect()
        os._exit(0)
    os.wait()
    assert path.exists()
    del file
    gc.collect()
    assert not path.exists()


@pytest.mark.slow
def test_a_copy_outlives_the_file() -> None:
    file = EpochFile(3, 0)
    copied = pickle.loads(pickle.dumps(file))
    copied.set_epoch(4)
    assert file.epoch() == 4
    del file
    gc.collect()
    assert copied.epoch() == 3
    assert copied.begin(1, 0, 1).epoch == 3
    copied._path.unlink()


def test_what_a_killed_process_leaves_behind_a_text_is_no_harm() -> None:
    file = EpochFile(2, 0)
    file.set_epoch(3)
    with file._path.open("a", encoding="utf-8") as text:
        text.write("0}]}")
    assert file.epoch() == 3


# entries by number


def test_a_damaged_file_is_an_error() -> None:
    file = EpochFile(0, 0)
    file._path.write_text('{"epoch": 1', encoding="utf-8")
    with pytest.raises(DiskError, match=r"is damaged: .*; call batch_dataset\(\) again"):
        file.begin(1, 0, 2)


def test_entries_come_once_in_batches_of_any_sampler(data: TrainingSet) -> None:
    loader = loader_of(data)
    dataset = memmpy.to_torch(loader).entry_dataset()
    assert len(dataset) == loader.split_size
    for num_workers in (0, 2):
        batches = list(
            DataLoader(
                dataset, 100, shuffle=True, collate_fn=dataset.collate, num_workers=num_workers
            )
        )
        entries = torch.cat([batch["_index"] for batch in batches]).numpy()
        expected = np.concatenate([batch["_index"] for batch in loader.batches(0)])
        assert type(batches[0]) is dict
        assert not np.array_equal(np.sort(entries), entries)
        assert np.array_equal(np.sort(entries), np.sort(expected))


def test_a_batch_of_entries_has_their_values(data: TrainingSet) -> None:
    loader = loader_of(data)
    numbers = [5, 1, 400, 5]
    batch, arrays = memmpy.to_torch(loader).entry_dataset()[numbers], loader.take(numbers)
    assert isinstance(batch["cones"], JaggedTensor)
    assert np.array_equal(batch["cones"].values, arrays.pop("cones").content)
    for key, array in arrays.items():
        assert np.array_equal(batch[key], array), key


def test_one_entry_has_no_axis_of_a_batch(data: TrainingSet) -> None:
    loader = loader_of(data)
    entry, arrays = memmpy.to_torch(loader).entry_dataset()[7], loader.take([7])
    assert entry["_index"].item() == arrays["_index"][0]
    assert np.array_equal(entry["jets"], arrays["jets"][0])
    assert np.array_equal(entry["cones"], arrays["cones"][0])
    packed = memmpy.to_torch(loader, packed={"all": ["cones", "event"]}).entry_dataset()[7]["all"]
    assert isinstance(packed, PackedTensor)
    assert len(packed.values) == len(arrays["cones"][0]) + 1


@pytest.mark.parametrize("number", [-1, 10**6])
def test_an_entry_that_is_not_there_is_an_index_error(data: TrainingSet, number: int) -> None:
    with pytest.raises(IndexError, match=f"no entry {number}: there are"):
        memmpy.to_torch(loader_of(data)).entry_dataset()[number]


def test_without_collate_the_error_says_what_to_give(data: TrainingSet) -> None:
    dataset = memmpy.to_torch(loader_of(data)).entry_dataset()
    with pytest.raises(OptionError, match=r"collate_fn=dataset\.collate"):
        next(iter(DataLoader(dataset, 4)))


def test_entries_that_come_one_by_one_are_not_collated(data: TrainingSet) -> None:
    entries = memmpy.to_torch(loader_of(data)).entry_dataset()
    both = torch.utils.data.ConcatDataset([entries, entries])
    with pytest.raises(OptionError, match="takes one batch, got a list of entries: give DataLoad"):
        next(iter(DataLoader(both, 4, collate_fn=entries.collate)))


def test_a_data_loader_around_to_torch_says_what_to_give(data: TrainingSet) -> None:
    batches = memmpy.to_torch(loader_of(data))
    with pytest.raises(OptionError, match=r"iterate over it.*\.batch_dataset\(\), batch_size="):
        next(iter(DataLoader(batches, batch_size=None)))


def test_samplers_of_torch_share_the_entries(data: TrainingSet) -> None:
    dataset = memmpy.to_torch(loader_of(data)).entry_dataset()

    def entries(batches: Iterable[Any]) -> list[int]:
        return [entry for batch in batches for entry in batch["_index"].tolist()]

    every = entries(
        DataLoader(
            dataset, batch_size=None, sampler=BatchSampler(SequentialSampler(dataset), 64, False)
        )
    )
    assert len(set(every)) == len(every) == len(dataset)
    parts = [
        entries(
            DataLoader(
                dataset,
                64,
                sampler=DistributedSampler(dataset, num_replicas=2, rank=rank),
                collate_fn=EntryDataset.collate,
            )
        )
        for rank in range(2)
    ]
    assert set(parts[0]) | set(parts[1]) == set(every)


def test_writing_into_an_entry_does_not_reach_the_store(data: TrainingSet) -> None:
    dataset = memmpy.to_torch(loader_of(data)).entry_dataset()
    before = contents(dataset[[1, 2]])
    for values in dataset[[1, 2]].values():
        (values if torch.is_tensor(values) else values.values).zero_()
    assert contents(dataset[[1, 2]]) == before
