import pickle
import signal
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import memmpy
from memmpy import Jagged, Objects, RFileConfig, SplitLoader, TrainingSet
from memmpy.demo import demo_files, write_demo_files
from memmpy.errors import (
    ColumnError,
    MissingKeyError,
    OptionError,
)
from memmpy.frameworks import GraphTensor, JaggedTensor, PackedTensor, TorchLoader
from tests.processes import run_python

torch = pytest.importorskip("torch")

NESTED_IS_A_PROTOTYPE = pytest.mark.filterwarnings("ignore:.*nested tensors.*:UserWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    folder = tmp_path_factory.mktemp("events")
    write_demo_files(folder, num_events=500, seed=1)
    return memmpy.training_set(
        [RFileConfig(folder / name, tree, texts) for name, tree, texts in demo_files()],
        folder / "data.mmpy",
        inputs={
            "event": ["nJets", "met"],
            "jets": Objects(["jet_pt", "jet_eta"], length=12, sort_by="-jet_pt"),
            "cones": Objects(["jet_pt", "jet_eta", "jet_phi"]),
        },
        labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
        weight="weight",
        scale="standard",
        normalise="equal",
        spectators=["eventNumber", "met_phi"],
    )


def jagged_of(num: int, *, seed: int = 0, width: int = 0) -> Jagged:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, num)
    shape = (int(counts.sum()), *([width] if width else []))
    return Jagged(rng.normal(size=shape).astype("f4"), np.append(0, np.cumsum(counts)))


def assert_equal(tensor: Any, array: NDArray[Any]) -> None:
    assert str(tensor.dtype) == f"torch.{array.dtype}"
    assert tensor.shape == array.shape
    assert tensor.numpy().tobytes() == array.tobytes()


@pytest.mark.slow
def test_batches_are_those_of_the_loader_as_tensors_of_their_own_dtypes(data: TrainingSet) -> None:
    loader = data.loader("train", batch_size=100)
    batches = list(memmpy.to_torch(loader))
    assert len(batches) == len(loader) > 3
    for tensors, arrays in zip(batches, loader.batches(0), strict=True):
        assert set(tensors) == set(arrays) == set(loader.spec.keys)
        assert_equal(tensors["cones"].values, arrays.pop("cones").content)
        for key, array in arrays.items():
            assert_equal(tensors[key], array)
    assert tensors["jets_mask"].dtype == torch.bool
    assert tensors["eventNumber"].dtype == torch.uint64


def test_tensors_share_the_memory_of_batches(data: TrainingSet) -> None:
    loader = data.loader("train", batch_size=100)
    batches = list(loader.batches(0))
    for tensors, arrays in zip(
        memmpy.to_torch(loader).convert(iter(batches)), batches, strict=True
    ):
        assert np.shares_memory(tensors["cones"].values.numpy(), arrays.pop("cones").content)
        for key, array in arrays.items():
            assert np.shares_memory(tensors[key].numpy(), array), key


def flat(batch: dict[str, Any]) -> dict[str, Any]:
    """Return copies of all tensors of a batch."""
    parts = {}
    for key, value in batch.items():
        for number, part in enumerate(value if isinstance(value, tuple) else [value]):
            parts[f"{key} {number}"] = part.clone() if isinstance(part, torch.Tensor) else part
    return parts


@pytest.mark.parametrize("options", [{}, {"packed": {"objects": ["jets", "cones"]}}])
def test_batches_that_are_kept_stay_as_they_are(data: TrainingSet, options: Any) -> None:
    batches = iter(memmpy.to_torch(data.loader("train", batch_size=16), **options))
    kept = list(islice(batches, 3))
    copies = list(map(flat, kept))
    assert len(list(batches)) > 20
    for batch, copy in zip(kept, copies, strict=True):
        for key, value in flat(batch).items():
            assert np.array_equal(value, copy[key]), key


def test_what_is_written_into_a_batch_does_not_reach_the_store(tmp_path: Path) -> None:
    numbers = np.arange(300, dtype=np.float32)
    with memmpy.WriteVector(tmp_path / "data.mmpy", "x") as vector:
        vector.extend(numbers)
    with memmpy.WriteJagged(tmp_path / "data.mmpy", "y") as lists:
        lists.extend(jagged_of(300))
    store = memmpy.open(tmp_path / "data.mmpy")
    for shuffle in (True, False):
        for batch in memmpy.to_torch(store.loader(batch_size=64, shuffle=shuffle)):
            batch["x"][:] = -1
            batch["y"].values[:] = -1
            batch["_index"][:] = -1
    assert np.array_equal(memmpy.read_vector(tmp_path / "data.mmpy", "x"), numbers)
    assert store["y"][:] == jagged_of(300)


@pytest.mark.parametrize("jagged", ["flat", "pyg"])
def test_arrays_that_are_read_only_are_copied(tmp_path: Path, jagged: Any) -> None:
    numbers, offsets = np.arange(8.0), np.array([0, 3, 8])
    arrays = {}
    for name, array in (("x", numbers), ("offsets", offsets)):
        np.save(tmp_path / f"{name}.npy", array)
        arrays[name] = np.asarray(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    lists = Jagged(arrays["x"], arrays["offsets"])
    door = memmpy.to_torch(SplitLoader({"x": numbers}, split="all"), jagged=jagged)
    (tensors,) = door.convert(iter([{**arrays, "lists": lists}]))
    for tensor in (tensors["x"], *tensors["lists"][:3]):
        if torch.is_tensor(tensor):
            tensor[:] = 0
    assert np.array_equal(np.load(tmp_path / "x.npy"), numbers)
    assert np.array_equal(np.load(tmp_path / "offsets.npy"), offsets)


@pytest.mark.parametrize("dtype", ["bfloat16", "torch.float16", torch.float64, torch.bfloat16])
def test_dtype_casts_the_floating_inputs_of_a_training_set_and_nothing_else(
    data: TrainingSet, dtype: Any
) -> None:
    loader = data.loader("train", batch_size=100)
    expected = dtype if isinstance(dtype, torch.dtype) else getattr(torch, dtype.rpartition(".")[2])
    for tensors, plain in zip(
        memmpy.to_torch(loader, dtype=dtype), memmpy.to_torch(loader), strict=True
    ):
        for key in ("event", "jets"):
            assert torch.equal(tensors.pop(key), plain[key].to(expected))
        assert torch.equal(tensors.pop("cones").values, plain["cones"].values.to(expected))
        for key, tensor in tensors.items():
            assert tensor.dtype == plain[key].dtype
            assert torch.equal(tensor, plain[key])


def test_dtype_casts_all_floating_keys_of_bare_arrays() -> None:
    arrays = {"x": np.arange(4.0), "n": np.arange(4), "is_so": np.arange(4) > 1}
    (batch,) = memmpy.to_torch(SplitLoader(arrays, split="all", shuffle=False), dtype="float32")
    dtypes = {key: tensor.dtype for key, tensor in batch.items()}
    assert dtypes == {
        "x": torch.float32,
        "n": torch.int64,
        "is_so": torch.bool,
        "_index": torch.int64,
    }


@pytest.mark.parametrize("name", ["u2", "u4", "u8", ">i4", ">f8", "f2", "c8", "i1", "?"])
def test_numbers_arrive_as_stored(name: str) -> None:
    numbers = np.array([0, 1, 2**7 - 1, 5]).astype(name)
    if name == "u8":
        numbers[0] = 2**64 - 1
    (batch,) = memmpy.to_torch(SplitLoader({"x": numbers}, split="all", shuffle=False))
    assert_equal(batch["x"], numbers.astype(numbers.dtype.newbyteorder("=")))


def test_arrays_of_strides_that_tensors_lack_are_copied() -> None:
    wide = np.zeros(4, np.dtype({"names": ["x"], "formats": ["c16"], "itemsize": 24}))
    wide["x"] = np.arange(4) + 1j
    arrays = {"reversed": np.arange(4.0)[::-1], "wide": wide["x"]}
    loader = SplitLoader({"x": np.arange(4)}, split="all")
    (tensors,) = memmpy.to_torch(loader).convert(iter([arrays]))
    assert tensors["reversed"].tolist() == [3, 2, 1, 0]
    assert tensors["wide"].tolist() == [1j, 1 + 1j, 2 + 1j, 3 + 1j]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array(["mu", "e"]), "'x' holds <U2, which no tensor has: leave it out of keys="),
        (np.array(["mu", None], object), "'x' holds object, which"),
        (np.array([1, 2], "M8[s]"), r"'x' holds datetime64\[s\], which"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "'x' is a MaskedArray, which no tensor"),
    ],
)
def test_what_is_no_tensor_is_an_error_that_names_the_key(values: Any, words: str) -> None:
    loader = memmpy.to_torch(SplitLoader({"x": values}, split="all"))
    with pytest.raises(ColumnError, match=words):
        list(loader)


def test_lists_are_values_and_cumulative_lengths(data: TrainingSet) -> None:
    loader = data.loader("train", batch_size=100)
    for tensors, arrays in zip(memmpy.to_torch(loader), loader.batches(0), strict=True):
        values, cu_seqlens, max_seqlen = tensors["cones"]
        lists = [len(one) for one in arrays["cones"]]
        assert isinstance(tensors["cones"], JaggedTensor)
        assert cu_seqlens.dtype == torch.int32
        assert cu_seqlens.tolist() == [sum(lists[:i]) for i in range(len(lists) + 1)]
        assert type(max_seqlen) is int
        assert max_seqlen == max(lists)
        for i, one in enumerate(arrays["cones"]):
            assert np.array_equal(values[cu_seqlens[i] : cu_seqlens[i + 1]], one)


@pytest.mark.slow
@NESTED_IS_A_PROTOTYPE
def test_lists_are_nested_tensors_on_request() -> None:
    lists = jagged_of(50, width=2)
    loader = SplitLoader({"x": lists}, split="all", batch_size=20, shuffle=False)
    batches = [batch["x"] for batch in memmpy.to_torch(loader, jagged="nested")]
    assert [len(batch) for batch in batches] == [20, 20, 10]
    for batch, start in zip(batches, (0, 20, 40), strict=True):
        part = lists[start : start + 20]
        assert batch.layout == torch.jagged
        assert (batch._min_seqlen, batch._max_seqlen) == (part.counts.min(), part.counts.max())
        padded = batch.to_padded_tensor(-9.0)
        assert np.array_equal(padded, part.pad(int(part.counts.max()), -9.0))


def test_lists_are_graphs_of_pytorch_geometric_on_request() -> None:
    lists = jagged_of(50)
    loader = SplitLoader({"x": lists}, split="all", batch_size=20, shuffle=False)
    for batch, start in zip(memmpy.to_torch(loader, jagged="pyg"), (0, 20, 40), strict=True):
        graph, part = batch["x"], lists[start : start + 20]
        assert isinstance(graph, GraphTensor)
        assert graph.batch.dtype == graph.ptr.dtype == torch.int64
        numbers = [number for number, one in enumerate(part) for _ in one]
        assert graph.batch.tolist() == numbers
        assert graph.ptr.tolist() == np.append(0, np.cumsum([len(one) for one in part])).tolist()
        assert np.array_equal(graph.values, part.content)


def test_more_items_than_int32_counts_are_an_error() -> None:
    content = np.empty((2**31, 0), np.float32)  # no bytes
    lists = Jagged(content, np.array([0, 2**31]))
    loader = SplitLoader({"x": np.arange(2)}, split="all")
    with pytest.raises(OptionError, match=r"'x' has 2,147,483,648 items .* smaller batch_size"):
        list(memmpy.to_torch(loader).convert(iter([{"x": lists}])))


def objects_of(batch: Any, event: int, key: str) -> list[list[float]]:
    """Return the objects of an event one by one, as plain lists."""
    values = batch[key][event]
    if key == "jets":
        values = values[batch["jets_mask"][event]]
    return [[float(one) for one in item] for item in (values if key != "event" else [values])]


def test_collections_come_in_one_sequence_event_by_event(data: TrainingSet) -> None:
    loader, names = data.loader("train", batch_size=100), ["jets", "event", "cones"]
    door = memmpy.to_torch(loader, packed={"objects": names})
    for tensors, arrays in zip(door, loader.batches(0), strict=True):
        packed = tensors["objects"]
        assert isinstance(packed, PackedTensor)
        assert set(tensors) == set(arrays) - {*names, "jets_mask"} | {"objects"}
        events = [
            [
                (number, [*item, 0.0][:3])
                for number, key in enumerate(names)
                for item in objects_of(arrays, event, key)
            ]
            for event in range(len(arrays["label"]))
        ]
        lengths = list(map(len, events))
        assert packed.max_seqlen == max(lengths)
        assert packed.cu_seqlens.tolist() == [sum(lengths[:i]) for i in range(len(lengths) + 1)]
        assert packed.cu_seqlens.dtype == torch.int32
        assert packed.collections.dtype == torch.int64
        flat = [item for event in events for item in event]
        assert packed.collections.tolist() == [number for number, _ in flat]
        assert packed.values.tolist() == [item for _, item in flat]


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=6))
def test_packing_keeps_the_order_of_objects(counts: list[list[int]]) -> None:
    number, expected, columns = 0, [], {key: [] for key in "abc"}  # type: ignore[var-annotated]
    for event in counts:
        for key, num in zip("abc", event, strict=True):
            columns[key].append(np.arange(number, number + num, dtype=np.float32))
            expected += columns[key][-1].tolist()
            number += num
    loader = SplitLoader(
        {key: Jagged.from_arrays(lists) for key, lists in columns.items()},
        split="all",
        batch_size=10,
        shuffle=False,
    )
    (batch,) = memmpy.to_torch(loader, packed={"all": list("abc")})
    assert batch["all"].values[:, 0].tolist() == expected
    assert batch["all"].collections.bincount(minlength=3).tolist() == np.sum(counts, 0).tolist()


def test_masks_with_gaps_pack_what_is_real() -> None:
    mask = np.array([[True, False, True], [False, False, False], [False, True, False]])
    arrays = {"x": np.arange(9.0).reshape(3, 3), "x_mask": mask}
    loader = SplitLoader(arrays, split="all", shuffle=False)
    (batch,) = memmpy.to_torch(loader, packed={"all": ["x"]}, dtype="bfloat16")
    assert batch["all"].values.tolist() == [[0], [2], [7]]
    assert batch["all"].values.dtype == torch.bfloat16
    assert batch["all"].cu_seqlens.tolist() == [0, 2, 2, 3]


def test_a_key_with_the_name_of_a_mask_stays_if_it_is_none() -> None:
    arrays = {"x": np.arange(6.0).reshape(3, 2), "x_mask": np.array([True, False, True])}
    loader = SplitLoader(arrays, split="all", shuffle=False)
    (batch,) = memmpy.to_torch(loader, packed={"all": ["x"]})
    assert batch["all"].values.tolist() == arrays["x"].tolist()
    assert batch["x_mask"].tolist() == [True, False, True]


def test_collections_of_several_dtypes_are_not_packed() -> None:
    arrays = {"x": np.zeros(3, "f4"), "y": np.zeros(3, "f8")}
    loader = memmpy.to_torch(SplitLoader(arrays, split="all"), packed={"both": ["x", "y"]})
    with pytest.raises(ColumnError, match="packed 'both' has the dtypes float32, float64: "):
        list(loader)


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        ({"all": ["jetz"]}, r"no key 'jetz' in the batches, for packed\['all'\]; nearest: 'jets'"),
        ({"all": "jets"}, r"packed\['all'\] must be a list of inputs, .* got 'jets'"),
        ({"all": []}, r"packed\['all'\] must be a list of inputs"),
        ({"a": ["jets"], "b": ["jets"]}, "packed has 'jets' twice, in 'a' and 'b'"),
        ({"event": ["jets"]}, r"packed\['event'\] has the name of another key"),
        (["jets"], "packed must be a mapping of names"),
        ({3: ["jets"]}, "a name in packed must be a non-empty string, got 3"),
    ],
)
def test_wrong_names_to_pack_are_errors(data: TrainingSet, packed: Any, words: str) -> None:
    kind = MissingKeyError if "jetz" in str(packed) else OptionError
    with pytest.raises(kind, match=words):
        memmpy.to_torch(data.loader("train"), packed=packed)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_the_cpu_is_a_device(data: TrainingSet, device: Any) -> None:
    loader = memmpy.to_torch(data.loader("train"), device)
    assert loader.device == torch.device("cpu")
    assert next(iter(loader))["event"].device.type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")])
def test_cuda_without_cuda_is_an_error_with_the_way_out(data: TrainingSet, device: Any) -> None:
    way_out = "https://pytorch.org/get-started" if torch.version.cuda is None else "nvidia-smi"
    with pytest.raises(OptionError, match=rf"device='{device}' needs a GPU: .*{way_out}.*'cpu'"):
        memmpy.to_torch(data.loader("train"), device)


@pytest.mark.parametrize("device", ["gpu", 1.5, "meta"])
def test_other_devices_are_errors(data: TrainingSet, device: Any) -> None:
    with pytest.raises(OptionError, match="device"):
        memmpy.to_torch(data.loader("train"), device)


@pytest.mark.parametrize("dtype", ["int32", "floaty", torch.int64, np.float32, 3])
def test_dtypes_that_do_not_float_are_errors(data: TrainingSet, dtype: Any) -> None:
    with pytest.raises(OptionError, match="dtype must be a floating dtype, such as 'float32'"):
        memmpy.to_torch(data.loader("train"), dtype=dtype)


@pytest.mark.parametrize(
    "options", [{}, {"dtype": "bfloat16"}, {"packed": {"all": ["event", "jets", "cones"]}}]
)
def test_resident_batches_are_those_of_the_loader(data: TrainingSet, options: Any) -> None:
    loader = data.loader("train", batch_size=100, seed=3)
    plain = memmpy.to_torch(loader, **options)
    resident = memmpy.to_torch(loader, resident=True, **options)
    for epoch in range(2):
        for batch, expected in zip(resident, plain.batches(epoch), strict=True):
            assert list(flat(batch)) == list(flat(expected))
            for one, other in zip(flat(batch).values(), flat(expected).values(), strict=True):
                assert type(one) is type(other)
                assert torch.equal(one, other) if torch.is_tensor(one) else one == other
    resident.set_epoch(0)
    begun = indices(islice(iter(resident), 4))
    resident.load_state_dict(resident.state_dict())
    assert begun + indices(iter(resident)) == indices(plain.batches(0))


@pytest.mark.parametrize("jagged", ["nested", "pyg"])
def test_resident_lists_are_flat(data: TrainingSet, jagged: Any) -> None:
    with pytest.raises(OptionError, match=f"resident=True takes jagged='flat', got '{jagged}'"):
        memmpy.to_torch(data.loader("train"), jagged=jagged, resident=True)
    with pytest.raises(OptionError, match="resident must be True or False"):
        memmpy.to_torch(data.loader("train"), resident=1)  # type: ignore[arg-type]


def test_a_door_begins_where_its_loader_was_resumed(data: TrainingSet) -> None:
    loader = data.loader("train", batch_size=100)
    expected = indices(loader.batches(2, position=300))
    loader.load_state_dict(loader.state_at(2, 3))
    door = memmpy.to_torch(loader)
    assert door.state_dict() == loader.state_dict()
    assert indices(iter(door)) == expected
    assert (door.epoch, loader.epoch) == (3, 2)


def test_a_door_that_was_pickled_goes_on(data: TrainingSet) -> None:
    door = memmpy.to_torch(data.loader("train", batch_size=100, seed=3), dtype="bfloat16")
    expected = [bits(batch) for batch in door.batches(0)]
    begun = [bits(batch) for batch in islice(iter(door), 5)]
    copied = pickle.loads(pickle.dumps(door))
    copied.load_state_dict(door.state_dict())
    assert begun + [bits(batch) for batch in copied] == expected


def test_resident_events_are_not_sent_to_another_process(data: TrainingSet) -> None:
    door = memmpy.to_torch(data.loader("train"), resident=True)
    with pytest.raises(OptionError, match=r"resident=True keeps .* call to_torch in the other"):
        pickle.dumps(door)


def bits(batch: dict[str, Any]) -> list[Any]:
    """Return all numbers of a batch as bytes."""
    return [
        value.contiguous().view(torch.uint8).numpy().tobytes() if torch.is_tensor(value) else value
        for value in flat(batch).values()
    ]


def test_another_form_of_lists_is_an_error(data: TrainingSet) -> None:
    with pytest.raises(OptionError, match="jagged must be one of 'flat', 'nested', 'pyg', got 1"):
        memmpy.to_torch(data.loader("train"), jagged=1)  # type: ignore[arg-type]


def test_a_door_around_a_loader_is_no_loader(data: TrainingSet) -> None:
    door = memmpy.to_torch(data.loader("train"))
    with pytest.raises(OptionError, match="got TorchLoader: give the loader that it was made of"):
        memmpy.to_torch(door)  # type: ignore[arg-type]


@pytest.mark.slow
def test_memmpy_does_not_import_torch() -> None:
    code = "import sys, memmpy; memmpy.to_torch; print('torch' in sys.modules)"
    assert run_python(code).strip() == "False"


def indices(batches: Iterator[Any]) -> list[Any]:
    return [batch["_index"].tolist() for batch in batches]


@pytest.mark.slow
def test_a_state_resumes_bit_for_bit_from_random_places(data: TrainingSet) -> None:
    def door() -> TorchLoader:
        return memmpy.to_torch(data.loader("train", batch_size=100, seed=3))

    epochs = [[bits(batch) for batch in door().batches(epoch)] for epoch in range(4)]
    for number in np.random.default_rng(0).integers(0, 3 * len(epochs[0]), 50).tolist():
        epoch, num = divmod(number, len(epochs[0]))
        first, second = door(), door()
        first.set_epoch(epoch)
        assert sum(1 for _ in islice(first, num)) == num
        second.load_state_dict(first.state_dict())
        assert [bits(batch) for batch in second] == epochs[epoch][num:]
        assert bits(next(iter(second))) == epochs[epoch + 1][0]


def test_two_doors_at_once_do_not_disturb_each_other(data: TrainingSet) -> None:
    loader = data.loader("train", batch_size=64, num_threads=2)
    one, other = memmpy.to_torch(loader), memmpy.to_torch(loader, dtype="bfloat16")
    pairs = list(zip(one, other, strict=True))
    for (a, b), arrays in zip(pairs, loader.batches(0), strict=True):
        assert np.array_equal(a["event"], arrays["event"])
        assert torch.equal(b["event"], a["event"].bfloat16())


def test_an_interrupt_ends_the_threads_and_a_new_pass_works(data: TrainingSet) -> None:
    door = memmpy.to_torch(data.loader("train", batch_size=16, num_threads=2))
    before = threading.active_count()

    def interrupted() -> None:
        for number, _ in enumerate(door):
            if number == 3:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == before
    door.set_epoch(1)
    assert len(list(door)) == len(door)
