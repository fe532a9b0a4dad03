import ctypes
import json
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memmpy
from memmpy import Jagged, Objects, SplitLoader, to_jax
from memmpy.errors import ColumnError, LoaderWarning, OptionError
from memmpy.frameworks.jax import JaxLoader
from tests.processes import run_python
from tests.training.samples import Sample

jax = pytest.importorskip("jax")

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_jax.py"
EVENTS = np.random.default_rng(1).permutation(103) + 2**40
KEEPS = pytest.mark.filterwarnings("ignore:64-bit integers stay:memmpy.errors.LoaderWarning")


def make_set(sample: Sample, **options: Any) -> memmpy.TrainingSet:
    jets = Objects(["jet_pt", "jet_eta"], length=5)
    return sample.training_set(**{"inputs": {"kin": ["met", "pt_1"], "jets": jets}, **options})


def make(num: int = 103, **options: Any) -> SplitLoader:
    columns: dict[str, Any] = {
        "x": np.arange(num, dtype=np.float32),
        "vectors": np.random.default_rng(num).normal(size=(num, 3)).astype(np.float16),
        "weight": np.linspace(1, 2, num, dtype=np.float32),
        "label": np.arange(num) % 3,
    }
    return SplitLoader(columns, **{"batch_size": 10, **options})


def rows_of(batches: Any) -> list[dict[str, np.ndarray]]:
    """Return the events of batches, without rows that fill."""
    return [
        {key: np.array(values)[np.array(batch["_valid"])] for key, values in batch.items()}
        for batch in batches
    ]


def assert_equal(events: dict[str, np.ndarray], batch: dict[str, Any]) -> None:
    assert events.keys() == {*batch, "_valid"}
    for key, values in batch.items():
        np.testing.assert_array_equal(events[key], values, strict=key not in {"_index", "label"})


def test_batches_have_the_events_of_the_loader_in_its_order(sample: Sample) -> None:
    loader = make_set(sample).loader("train", fold=2, batch_size=128)
    batches = to_jax(loader)
    assert len(batches) == len(loader)
    for epoch in range(2):
        expected = list(loader.batches(epoch))
        for events, batch in zip(rows_of(batches), expected, strict=True):
            assert_equal(events, batch)


def test_all_batches_have_one_shape_and_a_jitted_function_compiles_once(sample: Sample) -> None:
    batches = to_jax(make_set(sample).loader("val", fold=0, batch_size=128))
    assert batches.loader.num_entries % 128
    num_traces = 0

    def count(batch: dict[str, Any]) -> Any:
        nonlocal num_traces
        num_traces += 1
        return (batch["weight"] * batch["_valid"]).sum()

    total = jax.jit(count)
    for epoch in range(2):
        sums = [float(total(batch)) for batch in batches]
        expected = [float(batch["weight"].sum()) for batch in batches.loader.batches(epoch)]
        np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-4)
    assert num_traces == 1


def test_rows_that_fill_repeat_inputs_and_have_no_weight_and_no_index(sample: Sample) -> None:
    loader = make_set(sample).loader("val", fold=0, batch_size=128)
    *_, last = to_jax(loader)
    num = loader.num_entries % 128
    assert np.array(last["_valid"]).tolist() == [True] * num + [False] * (128 - num)
    for key in ("kin", "jets", "jets_mask"):
        filling = np.array(last[key])[num:]
        np.testing.assert_array_equal(filling, np.broadcast_to(last[key][0], filling.shape))
    assert set(np.array(last["_index"])[num:]) == {-1}
    for key in ("label", "weight", "weight_physics"):
        assert not np.array(last[key])[num:].any()


def test_arrays_without_inputs_are_filled_with_zeros() -> None:
    *_, last = to_jax(make(shuffle=False))
    assert np.array(last["x"]).tolist() == [100, 101, 102] + [0] * 7
    assert not np.array(last["vectors"])[3:].any()


def test_drop_last_leaves_the_short_batch_out() -> None:
    batches = list(to_jax(make(drop_last=True)))
    assert len(batches) == 10
    assert all(np.array(batch["_valid"]).all() for batch in batches)


def test_a_split_smaller_than_a_batch_is_filled() -> None:
    (batch,) = to_jax(make(3, batch_size=8))
    assert batch["x"].shape == (8,)
    assert int(batch["_valid"].sum()) == 3


@pytest.mark.parametrize("rank", range(3))
def test_the_entry_that_a_rank_repeats_is_no_event(rank: int) -> None:
    # Three ranks share steps of 30; of 91 entries, the last step has one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoaderWarning)
        loader = make(91, rank=rank, world_size=3)
    *_, last = to_jax(loader)
    assert int(last["_valid"].sum()) == (rank == 2)


# ------------------------------------------------------------------------------------- 64 bits


def test_what_needs_64_bits_stays_on_the_host_with_all_of_them() -> None:
    columns: dict[str, Any] = {
        "event": EVENTS,
        "hash": EVENTS.astype(np.uint64) + 2**63,
        "time": EVENTS / 7,
        "label": np.arange(103) % 2,
        "f2": np.ones(103, np.float16),
        "i1": np.ones(103, np.int8),
        "flag": np.ones(103, np.bool_),
    }
    loader = SplitLoader(columns, batch_size=10)
    with pytest.warns(LoaderWarning, match="'event', 'hash'; a jitted function would cut") as seen:
        batches = to_jax(loader)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    batch = next(iter(batches))
    kinds = {key: (isinstance(values, jax.Array), values.dtype) for key, values in batch.items()}
    assert kinds == {
        "event": (False, np.int64),
        "hash": (False, np.uint64),
        "time": (False, np.float64),
        "label": (True, np.int32),
        "f2": (True, np.float16),
        "i1": (True, np.int8),
        "flag": (True, np.bool_),
        "_index": (True, np.int32),
        "_valid": (True, np.bool_),
    }
    joined = rows_of(batches)
    for key in ("event", "hash", "time"):
        values = np.concatenate([events[key] for events in joined])
        entries = np.concatenate([events["_index"] for events in joined])
        np.testing.assert_array_equal(values, columns[key][entries])


def test_a_training_set_without_event_numbers_gives_no_warning(sample: Sample) -> None:
    batch = next(iter(to_jax(make_set(sample).loader("train", fold=0))))
    assert isinstance(batch["weight_physics"], np.ndarray)
    assert batch["weight_physics"].dtype == np.float64


@pytest.mark.slow
def test_entries_beyond_int32_stay_on_the_host() -> None:
    num = 2**31 + 5
    values = np.broadcast_to(np.float32(1.5), num)
    entries = np.array([3, 2**31 + 1, 2**31 + 4])
    with pytest.warns(LoaderWarning, match="on the host as NumPy arrays: '_index'"):
        batches = to_jax(SplitLoader({"x": values}, 2, subindex=entries, shuffle=False))
    first, second = batches
    assert isinstance(first["_index"], np.ndarray)
    assert [*first["_index"], *second["_index"]] == [*entries, -1]


def test_a_label_that_is_no_class_number_is_refused() -> None:
    batches = to_jax(SplitLoader({"label": np.array([1, 2**31])}, shuffle=False))
    with pytest.raises(ColumnError, match="'label' has numbers beyond int32"):
        next(iter(batches))


@pytest.mark.slow
def test_with_x64_all_keys_are_on_the_device_as_they_are() -> None:
    run_python("""
import jax, numpy as np, memmpy
jax.config.update("jax_enable_x64", True)
events = np.arange(10) + 2**40
columns = {"event": events, "label": events % 2, "w": events / 7}
batches = list(memmpy.to_jax(memmpy.SplitLoader(columns, 4, shuffle=False)))
for key, values in {**columns, "_index": np.arange(10)}.items():
    assert all(isinstance(batch[key], jax.Array) for batch in batches)
    joined = np.concatenate([np.array(batch[key])[np.array(batch["_valid"])] for batch in batches])
    np.testing.assert_array_equal(joined, values, strict=True)
""")


def test_columns_of_another_byte_order_arrive_as_numbers() -> None:
    (batch,) = to_jax(SplitLoader({"x": np.arange(5, dtype=">f4")}, 5, shuffle=False))
    assert np.array(batch["x"]).tolist() == [0, 1, 2, 3, 4]


# ------------------------------------------------------------------------------------- memory


@KEEPS
def test_batches_that_are_kept_do_not_change_while_others_are_made(sample: Sample) -> None:
    data = make_set(sample, spectators=["event"])
    loader = data.loader("train", fold=0, batch_size=64, num_threads=0)
    expected = [
        {key: values.copy() for key, values in batch.items()} for batch in loader.batches(0)
    ]
    batches = iter(to_jax(loader))
    kept = [next(batches) for _ in range(3)]
    next(batches)
    for events, batch in zip(rows_of(kept), expected, strict=False):
        assert_equal(events, batch)
    kept += batches
    assert len(kept) == len(expected) - 1
    for events, batch in zip(rows_of(kept[:3]), expected, strict=False):
        assert_equal(events, batch)


@KEEPS
def test_writing_into_a_batch_leaves_the_store_and_other_batches(sample: Sample) -> None:
    data = make_set(sample, spectators=["event"])
    files = {path: path.read_bytes() for path in sample.path.rglob("*.npy")}
    loader = data.loader("train", fold=0, batch_size=64, shuffle=False)
    clean = [{key: np.array(one) for key, one in batch.items()} for batch in to_jax(loader)]
    batches = iter(to_jax(loader))
    for _ in range(2):
        batch = next(batches)
        jax.block_until_ready(batch)
        for values in batch.values():
            if isinstance(values, jax.Array):  # cannot be written to but by force
                ctypes.memset(values.unsafe_buffer_pointer(), 0x55, values.nbytes)
            else:
                values[:] = 5
    for batch, other in zip(batches, clean[2:], strict=True):
        for key, values in other.items():
            np.testing.assert_array_equal(np.array(batch[key]), values)
    assert {path: path.read_bytes() for path in files} == files


def test_one_batch_is_put_ahead_and_no_more() -> None:
    loader = make()
    read = []

    def source() -> Any:
        for batch in loader.batches(0):
            read.append(batch)
            yield batch

    converted = JaxLoader(loader, None).convert(source())
    for num in range(len(loader)):
        next(converted)
        assert len(read) == min(num + 2, len(loader))
    assert next(converted, None) is None


# ------------------------------------------------------------------------------------- devices


@pytest.mark.parametrize("name", ["cpu", None])
def test_a_device_is_given_as_itself_or_by_name(name: str | None) -> None:
    device = name or jax.devices()[0]
    batch = next(iter(to_jax(make(), device)))
    assert batch["x"].devices() == {jax.devices()[0]}
    assert batch["x"].committed


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("no such", "JAX has no device 'no such' here: .*jax\\[cuda"),
        (0, "device must be one of jax.devices\\(\\), .* got 0"),
    ],
)
def test_what_is_no_device_is_refused(device: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        to_jax(make(), device)


def test_a_sharding_of_two_axes_is_refused() -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape(1, 1), ("data", "model"))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data", "model"))
    with pytest.raises(OptionError, match=r"cannot split the 10 rows .*first axis alone"):
        to_jax(make(), sharding)


@pytest.mark.slow
def test_a_sharding_splits_a_batch_over_four_devices() -> None:
    code = """
import jax, numpy as np, memmpy
from jax.sharding import NamedSharding, PartitionSpec
from memmpy.errors import OptionError
assert len(jax.devices()) == 4
sharding = NamedSharding(jax.make_mesh((4,), ("data",)), PartitionSpec("data"))
x = np.random.default_rng(0).normal(size=(103, 3)).astype("f4")
loader = memmpy.SplitLoader({"x": x, "label": np.arange(103) % 2}, 20)
total = jax.jit(lambda batch: (batch["x"] * batch["_valid"][:, None]).sum(0))
entries, sums = [], np.zeros(3)
for batch in memmpy.to_jax(loader, sharding):
    for values in batch.values():
        assert values.sharding.is_equivalent_to(sharding, values.ndim)
    for number, shard in enumerate(batch["x"].addressable_shards):
        assert shard.data.shape == (5, 3)
        index = np.array(batch["_index"])[5 * number : 5 * number + 5]
        own = index[index >= 0]
        np.testing.assert_array_equal(np.array(shard.data)[: len(own)], x[own])
        entries += own.tolist()
    sums += np.array(total(batch))

def loss(w, batch):
    return (batch["_valid"] * (batch["x"] @ w - batch["label"]) ** 2).sum()

mesh = jax.sharding.Mesh(jax.devices(), ("data",))
slopes = jax.jit(jax.grad(loss))
whole = memmpy.to_jax(loader, NamedSharding(mesh, PartitionSpec("data")))
for batch, other in zip(whole, memmpy.to_jax(loader), strict=True):
    w = np.ones(3, "f4")
    np.testing.assert_allclose(slopes(w, batch), slopes(w, other), rtol=1e-4)
assert sorted(entries) == list(range(103))
np.testing.assert_allclose(sums, x.sum(0), rtol=1e-5)
try:
    memmpy.to_jax(memmpy.SplitLoader({"x": x}, 10), sharding)
except OptionError as error:
    assert "cannot split the 10 rows of a batch" in str(error)
else:
    raise AssertionError
"""
    run_python(code, XLA_FLAGS="--xla_force_host_platform_device_count=4")


@pytest.mark.slow
def test_two_processes_share_batches_by_a_sharding_over_both(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("""
import sys
import jax, numpy as np
rank = int(sys.argv[1])
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"localhost:{sys.argv[2]}", 2, rank)
import memmpy
from jax.sharding import NamedSharding, PartitionSpec
from memmpy.errors import OptionError
sharding = NamedSharding(jax.make_mesh((2,), ("data",)), PartitionSpec("data"))
x = np.arange(103, dtype="f4")
try:
    memmpy.to_jax(memmpy.SplitLoader({"x": x}, 4), sharding)
except OptionError as error:
    assert "rank=jax.process_index()" in str(error)
else:
    raise AssertionError
loader = memmpy.SplitLoader({"x": x}, 4, rank=rank, world_size=2)
total = jax.jit(lambda batch: (batch["x"] * batch["_valid"]).sum())
batches = list(memmpy.to_jax(loader, sharding))
assert {batch["x"].shape for batch in batches} == {(8,)}
assert sum(float(total(batch)) for batch in batches) == x.sum()
print("done")
""")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    ranks = [
        subprocess.Popen(
            [sys.executable, script, str(rank), port],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in ranks:
        output, errors = process.communicate(timeout=100)
        assert output.endswith("done\n"), errors


# ------------------------------------------------------------------------------------- places


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 33), st.booleans())
def test_a_pass_goes_on_from_any_state(num: int, by_iterator: bool) -> None:
    batches, other = to_jax(make(seed=3)), to_jax(make(seed=3, num_threads=0))
    expected = [events["x"].tolist() for epoch in range(4) for events in rows_of(batches)]
    again = to_jax(make(seed=3))
    iterator = iter(again)
    for step in range(num):
        if step in {11, 22}:
            assert next(iterator, None) is None
            iterator = iter(again)
        next(iterator)
    state = json.loads(json.dumps(iterator.get_state()))
    assert state == again.state_dict()
    if by_iterator:
        resumed = iter(other)
        resumed.set_state(state)
    else:
        other.load_state_dict(state)
        resumed = iter(other)
    rest = [events["x"].tolist() for events in rows_of(resumed)]
    assert rest == expected[num : num - num % 11 + 11]


def test_states_have_one_form_from_the_first_batch_to_the_last() -> None:
    iterator = iter(to_jax(make()))
    states = [iterator.get_state(), *(iterator.get_state() for _ in iterator)]
    forms = {tuple((key, type(value)) for key, value in state.items()) for state in states}
    assert len(forms) == 1
    assert [state["position"] for state in states] == [*range(0, 110, 10), 0]
    assert [state["epoch"] for state in states] == [0] * 11 + [1]


def test_two_passes_have_states_of_their_own() -> None:
    loader = to_jax(make())
    one, other = iter(loader), iter(loader)
    next(one)
    next(other)
    next(other)
    assert (one.get_state()["position"], other.get_state()["position"]) == (10, 20)
    one.close()
    assert one.get_state()["position"] == 10


def test_a_pass_that_was_closed_before_it_began_is_at_the_place_of_its_loader() -> None:
    loader = to_jax(make())
    loader.epoch = 5
    iterator = iter(loader)
    iterator.close()
    assert iterator.get_state() == loader.state_dict()


@pytest.mark.parametrize("state", [make(50).state_at(0, 1), {}, "epoch 3"])
def test_a_state_that_is_refused_changes_nothing(state: Any) -> None:
    iterator = iter(to_jax(make()))
    next(iterator)
    with pytest.raises(OptionError):
        iterator.set_state(state)
    assert iterator.get_state()["position"] == 10
    assert len([*iterator]) == 10


# ------------------------------------------------------------------------------------- errors


def test_lists_are_refused_with_the_way_out() -> None:
    lists = Jagged(np.arange(4.0), np.array([0, 1, 4]))
    with pytest.raises(ColumnError, match=r"'jets' has lists: give Objects\(\.\.\., length=n\)"):
        to_jax(SplitLoader({"jets": lists}))


@pytest.mark.parametrize("values", [np.array(["a", "b"]), np.array([1, 2], "M8[s]")])
def test_values_that_jax_has_no_dtype_for_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="JAX has no dtype for 'name'"):
        to_jax(SplitLoader({"name": values}))


def test_a_key_with_the_name_of_the_mask_is_refused() -> None:
    with pytest.raises(OptionError, match="has a key '_valid', which to_jax uses"):
        to_jax(SplitLoader({"_valid": np.ones(3, np.float32)}))


def test_scores_leave_out_the_rows_that_fill(sample: Sample) -> None:
    data = make_set(sample)
    scores, expected = data.scores(), data.scores()
    for fold in range(5):
        options: dict[str, Any] = {"fold": fold, "batch_size": 300, "shuffle": False}
        for batch in to_jax(data.loader("test", **options)):
            scores.add(batch, batch["kin"][:, 0], fold=fold)
        for batch in data.loader("test", **options):
            expected.add(batch, batch["kin"][:, 0], fold=fold)
    assert scores.auc() == expected.auc()
