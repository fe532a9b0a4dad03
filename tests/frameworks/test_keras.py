import os
import pickle
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memmpy
from memmpy import Jagged, Objects, SplitLoader, to_keras
from memmpy.errors import (
    ColumnError,
    LoaderWarning,
    MissingKeyError,
    OptionError,
)
from tests.processes import run_python
from tests.training.samples import Sample

BACKENDS = [name for name in ("jax", "torch") if find_spec(name) is not None]
if not BACKENDS:
    pytest.skip("no backend of Keras is installed", allow_module_level=True)
os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])  # read when Keras is imported
keras = pytest.importorskip("keras")
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_keras.py"


def make_set(sample: Sample, **options: Any) -> memmpy.TrainingSet:
    jets = Objects(["jet_pt", "jet_eta"], length=5)
    inputs = {"kin": ["met", "pt_1"], "jets": jets}
    return sample.training_set(**{"inputs": inputs, "spectators": ["event"], **options})


def make(num: int = 103, **options: Any) -> SplitLoader:
    columns: dict[str, Any] = {
        "x": np.arange(num, dtype=np.float32),
        "label": np.arange(num) % 2,
        "weight": np.linspace(-1, 2, num, dtype=np.float32),
    }
    return SplitLoader(columns, **{"batch_size": 10, **options})


def rows_of(batches: Any) -> list[list[float]]:
    """Return the `x` of batches of the dataset, or of the loader."""
    return [(one["x"] if isinstance(one, dict) else one[0]).tolist() for one in batches]


# ------------------------------------------------------------------------------------- items


def test_items_have_the_inputs_with_masks_the_label_and_the_weight(sample: Sample) -> None:
    loader = make_set(sample).loader("train", fold=1, batch_size=128)
    dataset = to_keras(loader)
    assert isinstance(dataset, keras.utils.PyDataset)
    assert len(dataset) == dataset.num_batches == len(loader)
    for (x, y, weight), batch in zip(dataset, loader.batches(0), strict=True):
        assert isinstance(x, dict)
        assert [*x] == ["kin", "jets", "jets_mask"]
        for key, values in {**x, "label": y, "weight": weight}.items():
            np.testing.assert_array_equal(values, batch[key], strict=True)


@pytest.mark.parametrize("inputs", ["kin", ["kin"]])
def test_one_input_without_a_mask_is_the_array(sample: Sample, inputs: Any) -> None:
    loader = make_set(sample).loader("train", fold=1)
    x, y, weight = to_keras(loader, inputs=inputs)[0]
    batch = next(loader.batches(0))
    for values, key in ((x, "kin"), (y, "label"), (weight, "weight")):
        np.testing.assert_array_equal(values, batch[key], strict=True)


def test_a_spectator_with_the_name_of_a_mask_is_none(sample: Sample) -> None:
    data = make_set(sample, inputs={"run": ["met"]}, aliases={"run_mask": "njets"})
    assert isinstance(to_keras(data.loader("train", fold=1))[0][0], np.ndarray)
    columns = {"x": np.ones((5, 2), "f4"), "x_mask": np.ones(5, np.bool_)}
    assert isinstance(to_keras(SplitLoader(columns), inputs="x")[0][0], np.ndarray)


def test_the_mask_of_padded_lists_of_any_loader_is_there() -> None:
    columns = {"jet_pt": np.ones((5, 4), "f4"), "jet_pt_mask": np.ones((5, 4), np.bool_)}
    (x,) = to_keras(SplitLoader(columns), inputs="jet_pt")[0]
    assert isinstance(x, dict)
    assert {key: values.shape for key, values in x.items()} == {
        "jet_pt": (5, 4),
        "jet_pt_mask": (5, 4),
    }


def test_without_label_or_weight_items_are_shorter(sample: Sample) -> None:
    one = make_set(sample, labels=None, weight=None, normalise=None).loader("train", fold=0)
    assert len(to_keras(one)[0]) == 1
    without = make_set(sample, weight=None, normalise=None).loader("train", fold=0)
    assert len(to_keras(without)[0]) == 2
    both = make_set(sample).loader("train", fold=0)
    assert len(to_keras(both, weight=None)[0]) == 2
    assert len(to_keras(both, label=None)[0]) == 1


def test_label_and_weight_may_have_other_names() -> None:
    columns = {name: np.full(5, number, "f4") for number, name in enumerate("abc")}
    dataset = to_keras(SplitLoader(columns), inputs="a", label="b", weight="c")
    assert [np.asarray(part).tolist() for part in dataset[0]] == [[n] * 5 for n in range(3)]


# ------------------------------------------------------------------------------------- order


def test_each_pass_is_an_epoch_with_an_order_of_its_own() -> None:
    loader = make(seed=5)
    dataset = to_keras(loader, inputs="x")
    for epoch in range(3):
        assert dataset.epoch == epoch
        assert rows_of(dataset) == rows_of(loader.batches(epoch))
    assert loader.epoch == 0


def test_batches_in_ascending_order_come_of_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []
    load = SplitLoader.batches

    def batches(self: SplitLoader, epoch: int, *, position: int = 0) -> Any:
        starts.append((epoch, position))
        return load(self, epoch, position=position)

    monkeypatch.setattr(SplitLoader, "batches", batches)
    dataset = to_keras(make(), inputs="x")
    dataset[0]  # as Keras looks at the first batch to build a model
    for _ in range(2):
        for number in range(len(dataset)):
            dataset[number]
    assert starts == [(0, 0), (0, 0), (1, 0)]


@pytest.mark.filterwarnings("ignore:Keras asks:memmpy.errors.LoaderWarning")
@settings(max_examples=20)
@given(st.permutations(range(11)), st.integers(0, 20))
def test_batches_in_any_order_are_those_of_the_epoch(order: list[int], num: int) -> None:
    loader = make(seed=num, epoch=3)
    dataset = to_keras(loader, inputs="x")
    for epoch in (3, 4):
        expected = rows_of(loader.batches(epoch))
        assert [rows_of([dataset[number]])[0] for number in order] == [
            expected[number] for number in order
        ]


def test_a_pass_that_begins_again_is_the_same_epoch() -> None:
    loader = make()
    dataset = to_keras(loader, inputs="x")
    for number in range(5):
        dataset[number]
    assert rows_of(dataset) == rows_of(loader.batches(0))
    assert dataset.epoch == 1


def test_an_order_of_keras_warns_once_of_shuffle_and_a_look_at_a_batch_does_not() -> None:
    dataset = to_keras(make(), inputs="x")
    dataset[5]
    with pytest.warns(LoaderWarning, match=r"shuffle=False"):
        dataset[3]
    for number in (0, 7, 0, 1, 9):
        dataset[number]


@pytest.mark.parametrize("number", [-1, 11])
def test_a_batch_that_is_not_there_is_an_index_error(number: int) -> None:
    with pytest.raises(IndexError, match="an epoch has 11 batches"):
        to_keras(make(), inputs="x")[number]


def test_the_epoch_can_be_set_and_a_state_leads_to_its_start() -> None:
    loader = make()
    dataset = to_keras(loader, inputs="x")
    dataset.set_epoch(7)
    dataset[0]
    state = dataset.state_dict()
    assert state == loader.state_at(7, 0)
    other = to_keras(make(), inputs="x")
    other.load_state_dict(loader.state_at(7, 3))
    assert rows_of(other) == rows_of(loader.batches(7))
    other.load_state_dict({})
    assert other.epoch == 8
    with pytest.raises(OptionError, match="state is that of another seed"):
        other.load_state_dict(make(seed=1).state_at(0, 0))


def test_a_dataset_that_was_pickled_goes_on() -> None:
    dataset = to_keras(make(), inputs="x")
    dataset[0]
    copy = pickle.loads(pickle.dumps(dataset))
    assert [rows_of([copy[n]]) for n in range(1, 11)] == [
        rows_of([dataset[n]]) for n in range(1, 11)
    ]
    dataset.close()
    assert (copy.epoch, dataset.epoch) == (1, 1)


class Interrupted:
    """A column whose second read is interrupted."""

    num_reads = 0

    def __len__(self) -> int:
        return 103

    def __getitem__(self, index: Any) -> Any:
        self.num_reads += 1
        if self.num_reads == 2:
            raise KeyboardInterrupt
        return np.arange(103)[index]


def test_training_begins_again_after_an_interrupt_in_its_first_batch() -> None:
    dataset = to_keras(SplitLoader({"x": Interrupted()}, 10, num_threads=0), inputs="x")
    with pytest.raises(KeyboardInterrupt):
        dataset[0]
    assert sorted(chain.from_iterable(rows_of(dataset))) == list(range(103))


# ------------------------------------------------------------------------------------- memory


def test_batches_that_are_kept_do_not_change_while_others_are_made(sample: Sample) -> None:
    loader = make_set(sample).loader("train", fold=0, batch_size=64, num_threads=0)
    expected = [batch["jets"].copy() for batch in loader.batches(0)]
    dataset = to_keras(loader)
    kept = [dataset[number] for number in range(3)]
    for number in range(3, len(dataset)):
        dataset[number]
    for item, values in zip(kept, expected, strict=False):
        np.testing.assert_array_equal(item[0]["jets"], values)


def test_writing_into_a_batch_leaves_the_store_and_other_batches(sample: Sample) -> None:
    files = {path: path.read_bytes() for path in sample.path.rglob("*.npy")}
    loader = make_set(sample).loader("train", fold=0, batch_size=64)
    expected = [batch["kin"].copy() for batch in loader.batches(0)]
    for item, values in zip(to_keras(loader), expected, strict=True):
        np.testing.assert_array_equal(item[0]["kin"], values)
        for part in (*item[0].values(), *item[1:]):
            part[:] = 1
    assert {path: path.read_bytes() for path in files} == files


# ------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, OptionError, "only a loader of a training set knows its inputs"),
        ({"inputs": []}, OptionError, "inputs must be a list of different names, got \\[\\]"),
        ({"inputs": ["x", "x"]}, OptionError, "inputs must be a list of different names"),
        ({"inputs": 3}, OptionError, "inputs must be a list of different names, got 3"),
        ({"inputs": ["x", "labell"]}, MissingKeyError, "no 'labell'; nearest: 'label'; it has"),
        ({"inputs": ["x", "label"]}, OptionError, "'label' is an input, and the label"),
        ({"inputs": "x", "label": "lable"}, MissingKeyError, "no 'lable'; nearest: 'label'"),
        ({"inputs": "x", "weight": "w"}, MissingKeyError, "a batch has no 'w'"),
        ({"inputs": "x", "label": 1}, OptionError, "label must be a name or None, got 1"),
    ],
)
def test_names_that_are_wrong_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        to_keras(make(), **options)


def test_lists_and_texts_are_refused_as_inputs() -> None:
    lists = Jagged(np.arange(4.0), np.array([0, 1, 4]))
    with pytest.raises(ColumnError, match=r"'jets' has lists: give Objects\(\.\.\., length=n\)"):
        to_keras(SplitLoader({"jets": lists}), inputs="jets")
    texts = SplitLoader({"name": np.array(["a", "b"]), "x": np.arange(2)})
    for options in ({"inputs": "name"}, {"inputs": "x", "label": "name"}):
        with pytest.raises(ColumnError, match="Keras needs numbers, and 'name' has <U1"):
            to_keras(texts, **options)


def test_numbers_come_in_the_byte_order_of_this_machine() -> None:
    loader = SplitLoader({"x": np.arange(3, dtype=">f4"), "label": np.arange(3, dtype=">i8")})
    x, label = (np.asarray(part) for part in to_keras(loader, inputs="x")[0])
    assert [x.dtype, label.dtype] == [np.dtype(np.float32), np.dtype(np.int64)]
    np.testing.assert_array_equal(x, label)


# ------------------------------------------------------------------------------------- training

SCRIPT = """
import warnings
import keras, numpy as np
import memmpy
from memmpy import Objects, SplitLoader
from memmpy.frameworks.keras_dataset import KerasDataset

warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # Keras on torch
data = memmpy.open({path!r}).training_set(
    inputs={{"kin": ["met", "pt_1"], "jets": Objects(["jet_pt", "jet_eta"], length=5)}},
    labels={{"background": "process == 'DY'", "signal": "process == 'ggH'"}},
    weight="w", missing=-999, scale="standard", normalise="equal", spectators=["event"],
)
assert keras.backend.backend() == {backend!r}
seen, item = [], KerasDataset.__getitem__

def spy(self, number):
    parts = item(self, number)
    if self is train:
        seen.append((number, parts[0]))
    return parts

KerasDataset.__getitem__ = spy

# An order of its own for each epoch, with an early look at the first batch.
loader = SplitLoader({{"x": np.arange(103, dtype="f4")[:, None], "label": np.arange(103) % 2}}, 10)
train = memmpy.to_keras(loader, inputs="x")
linear = keras.Sequential([keras.layers.Dense(1)])
linear.compile(loss="mse")
linear.fit(train, epochs=3, shuffle=False, verbose=0)
early, seen = seen[:-33], seen[-33:]
assert [number for number, _ in early] in ([0], [0, 1])
assert [number for number, _ in seen] == [*range(11)] * 3
for epoch in range(3):
    for (_, x), batch in zip(seen[11 * epoch :], loader.batches(epoch), strict=False):
        np.testing.assert_array_equal(x, batch["x"])

# The order of Keras: each event once, and one warning.
seen.clear()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    linear.fit(train, epochs=2, verbose=0)
assert [one.category.__name__ for one in caught].count("LoaderWarning") == 1
for epoch in range(2):
    own = seen[11 * epoch : 11 * epoch + 11]
    assert sorted(np.concatenate([x[:, 0] for _, x in own])) == list(range(103))
    assert [number for number, _ in own] != list(range(11))

# Inputs by name, weights, validation, scores in order.
inputs = {{
    "kin": keras.Input((2,), name="kin"),
    "jets": keras.Input((5, 2), name="jets"),
    "jets_mask": keras.Input((5,), name="jets_mask", dtype="bool"),
}}
is_real = keras.ops.cast(inputs["jets_mask"], "float32")[..., None]
pooled = keras.ops.sum(inputs["jets"] * is_real, axis=1)
flat = keras.layers.Concatenate()([inputs["kin"], pooled])
hidden = keras.layers.Dense(16, activation="relu")(flat)
model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
train = memmpy.to_keras(data.loader("train", fold=0, batch_size=128))
val = memmpy.to_keras(data.loader("val", fold=0, batch_size=300, shuffle=False))
history = model.fit(train, epochs=3, shuffle=False, verbose=0, validation_data=val).history
test = data.loader("test", fold=0, batch_size=300, shuffle=False)
values = model.predict(memmpy.to_keras(test), verbose=0)
start, losses, num = 0, 0.0, 0
for batch in test:
    x = {{key: batch[key] for key in ("kin", "jets", "jets_mask")}}
    own = values[start : start + len(batch["label"])]
    np.testing.assert_allclose(model.predict_on_batch(x), own, rtol=1e-4, atol=1e-5)
    start += len(own)
assert start == len(values) == test.num_entries
for batch in val.loader.batches(0):
    x = {{key: batch[key] for key in ("kin", "jets", "jets_mask")}}
    p = np.float64(model.predict_on_batch(x)[:, 0])
    losses -= (batch["weight"] * np.log(np.where(batch["label"], p, 1 - p))).sum()
    num += len(p)
assert np.isfinite(losses)
np.testing.assert_allclose(history["val_loss"][-1], losses / num, rtol=1e-4)
np.testing.assert_allclose(model.evaluate(val, verbose=0), losses / num, rtol=1e-4)

# A tensor may share the memory of a batch, which then is not used again.
loader = data.loader("train", fold=0, batch_size=64, num_threads=1)
expected = [batch["jets"].copy() for batch in loader.batches(0)]
dataset, kept = memmpy.to_keras(loader), []
for number in range(len(dataset)):
    kept.append(keras.ops.convert_to_tensor(dataset[number][0]["jets"]))
for tensor, values in zip(kept, expected, strict=True):
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(tensor), values)
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_trains_validates_and_predicts(sample: Sample, backend: str) -> None:
    code = SCRIPT.format(path=str(sample.path), backend=backend)
    assert run_python(code, KERAS_BACKEND=backend) == "done\n"
