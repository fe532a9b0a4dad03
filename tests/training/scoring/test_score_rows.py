"""Tests of how batches and scores of any framework are read."""

from typing import Any

import numpy as np
import pytest

from memmpy.errors import ColumnError, LengthError, MemmpyError, MissingKeyError, OptionError
from memmpy.training.scoring.score_rows import ScoreRows, read_rows

CLASSES = ("background", "signal")


def rows_of(values: Any, *, classes: tuple[str, ...] = CLASSES, **more: Any) -> ScoreRows:
    """Return the rows of a batch of the entries 4, 2 and 9 of ten."""
    batch = {"_index": np.array([4, 2, 9]), **more}
    return read_rows(batch, values, fold=None, num_entries=10, classes=classes)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([0.1, 0.2, 0.3], np.float32), "f4"),
        (np.array([0.1, 0.2, 0.3]), "f8"),
        (np.array([[0.1], [0.2], [0.3]]), "f8"),
        (np.array([0.125, 0.25, 0.5], np.float16), "f4"),
        (np.array([0.1, 0.2, 0.3], np.longdouble), "f8"),
        (np.array([0.1, 0.2, 0.3], ">f4"), "f4"),
        ([0.1, 0.2, 0.3], "f8"),
        (([0.1], [0.2], [0.3]), "f8"),
        (np.array([3, -1, 7]), "f8"),
        ([True, False, True], "f8"),
    ],
)
def test_one_score_for_each_event_keeps_its_value(values: Any, dtype: str) -> None:
    rows = rows_of(values)
    assert rows.values.dtype == np.dtype(dtype)
    assert rows.values.tolist() == np.asarray(values).reshape(3).astype(dtype).tolist()
    assert rows.entries.tolist() == [4, 2, 9]
    assert rows.labels.tolist() == [-1, -1, -1]
    assert rows.weights.tolist() == [1, 1, 1]


@pytest.mark.parametrize("num", [2, 3])
def test_scores_of_each_class_stay_in_columns(num: int) -> None:
    values = np.arange(3 * num).reshape(3, num) / 8
    classes = ("a", "b", "c")[:num]
    np.testing.assert_array_equal(rows_of(values, classes=classes).values, values)
    np.testing.assert_array_equal(rows_of(values, classes=()).values, values)


def test_rows_are_copies_of_the_batch() -> None:
    arrays: dict[str, Any] = {
        "_index": np.array([4, 2, 9]),
        "label": np.array([0, 1, -1]),
        "weight_physics": np.array([0.5, -1, 2]),
    }
    values = np.array([0.25, 0.5, 0.75])
    rows = rows_of(values, **arrays)
    for array in (values, *arrays.values()):
        array[:] = 0
    assert rows.entries.tolist() == [4, 2, 9]
    assert rows.labels.tolist() == [0, 1, -1]
    assert rows.weights.tolist() == [0.5, -1, 2]
    assert rows.values.tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([0.1, 0.2], LengthError, "2 scores were given for a batch of 3 events"),
        (np.ones((1, 3)), LengthError, "1 scores were given for a batch of 3 events"),
        (
            0.5,
            ColumnError,
            r"shape \(3,\), \(3, 1\) or \(3, 2\), a score of each class, .* got \(\)",
        ),
        (0.5, ColumnError, "squeeze"),
        (np.ones((3, 1, 1)), ColumnError, r"got \(3, 1, 1\)"),
        (np.ones((3, 3)), ColumnError, r"for classes 'background', 'signal'; got \(3, 3\)"),
        (np.ones((3, 0)), ColumnError, r"got \(3, 0\)"),
        (["a", "b", "c"], ColumnError, "scores must be numbers, got dtype <U1"),
        (np.ones(3, np.complex64), ColumnError, "scores must be numbers, got dtype complex64"),
        ([[1.0], [1.0, 2.0], [3.0]], ColumnError, "an array or tensor was expected, got list"),
        (None, ColumnError, "scores must be numbers, got dtype object"),
        ([0.1, np.inf, np.nan], OptionError, "2 of 3 events have scores .* such as entry 2$"),
        ([[0, 1], [0, 1], [-np.inf, 0]], OptionError, "1 of 3 events have scores .* entry 9$"),
        (np.array([1, np.inf, 1], np.float16), OptionError, "1 of 3 events .* entry 2$"),
    ],
)
def test_impossible_scores_are_errors(values: Any, error: type[MemmpyError], message: str) -> None:
    with pytest.raises(error, match=message):
        rows_of(values)


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"label": [0, 2, 1]}, OptionError, "the label 2, and the classes are 0 'background', 1"),
        ({"label": [0, -2, 1]}, OptionError, "the label -2"),
        ({"label": [0, 1]}, LengthError, r"batch\['label'\] has 2 values for 3 events"),
        ({"label": [0.0, 1, 1]}, ColumnError, "one int64 for each event, got float64"),
        ({"label": [[0], [1], [1]]}, ColumnError, r"got int64 of shape \(3, 1\)"),
        ({"weight_physics": [1, np.nan, 2]}, OptionError, "1 of 3 events have weights .* entry 2"),
        ({"weight_physics": ["a", "b", "c"]}, ColumnError, "one float64 for each event, got <U1"),
        ({"_index": [4, 2, 10]}, OptionError, "10 is out of range: there are 10 entries"),
        ({"_index": [4.0, 2.0, 9.0]}, OptionError, "entries must be a one-dimensional array of i"),
    ],
)
def test_impossible_batches_are_errors(
    more: dict[str, Any], error: type[MemmpyError], message: str
) -> None:
    with pytest.raises(error, match=message):
        rows_of([0.1, 0.2, 0.3], **more)


def test_a_label_of_data_without_classes_is_an_error() -> None:
    with pytest.raises(OptionError, match="the label 1, and the classes are none"):
        rows_of([0.1, 0.2, 0.3], classes=(), label=[1, 0, 0])


def test_a_batch_without_entries_is_an_error() -> None:
    with pytest.raises(MissingKeyError, match=r"no '_index', .*; nearest: 'index'; give the batch"):
        read_rows({"index": [1]}, [0.5], fold=None, num_entries=3, classes=CLASSES)
    with pytest.raises(OptionError, match="give the batch as the loader handed it out, got 3"):
        read_rows(3, [0.5], fold=None, num_entries=3, classes=CLASSES)  # type: ignore[arg-type]


class DeviceTensor:
    """A tensor of a device, as frameworks refuse to convert it: only its copy has an array."""

    def __init__(self, values: Any, *, needs_grad: bool, on_device: bool) -> None:
        self.values, self.needs_grad, self.on_device = np.asarray(values), needs_grad, on_device

    def detach(self) -> "DeviceTensor":
        return DeviceTensor(self.values, needs_grad=False, on_device=self.on_device)

    def cpu(self) -> "DeviceTensor":
        return DeviceTensor(self.values, needs_grad=self.needs_grad, on_device=False)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.needs_grad or self.on_device:
            raise TypeError("use tensor.detach().cpu() first")
        return self.values


class DlpackOnly:
    """An array that has no __array__, or refuses it, as CuPy's do."""

    def __init__(self, values: Any, *, on_device: bool) -> None:
        self.values, self.on_device = np.asarray(values), on_device

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0) if self.on_device else (1, 0)

    def __dlpack__(self, *, dl_device: Any = None, copy: Any = None, **more: Any) -> Any:
        if self.on_device and dl_device != (1, 0):
            raise BufferError("the array is on another device")
        return self.values.__dlpack__()


def test_tensors_of_a_device_are_copied_to_the_host() -> None:
    def tensor(values: Any) -> DeviceTensor:
        return DeviceTensor(values, needs_grad=True, on_device=True)

    rows = rows_of(
        tensor([0.25, 0.5, 0.75]),
        _index=tensor([4, 2, 9]),
        label=tensor([0, 1, 1]),
        weight_physics=tensor([1.0, 2.0, 3.0]),
    )
    assert rows.values.tolist() == [0.25, 0.5, 0.75]
    assert rows.labels.tolist() == [0, 1, 1]
    assert rows.weights.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "on_device",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                np.lib.NumpyVersion(np.__version__) < "2.1.0",
                reason="NumPy 2.0 copies from no device",
            ),
        ),
    ],
)
def test_arrays_with_only_dlpack_are_read(on_device: bool) -> None:
    values = np.array([0.25, 0.5, 0.75], np.float32)
    rows = rows_of(DlpackOnly(values, on_device=on_device))
    np.testing.assert_array_equal(rows.values, values)
    assert rows.values.dtype == np.float32


def test_an_object_that_is_no_array_is_an_error() -> None:
    refusing = DeviceTensor([1.0, 2.0, 3.0], needs_grad=True, on_device=True)
    refusing.detach = None  # type: ignore[assignment, method-assign]
    with pytest.raises(ColumnError, match=r"expected, got DeviceTensor: use tensor.detach"):
        rows_of(refusing)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2)])
def test_tensors_of_torch_that_need_a_gradient_are_read(dtype: str, shape: Any) -> None:
    torch = pytest.importorskip("torch")
    values = np.arange(np.prod(shape)).reshape(shape) / 8
    tensor = torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=True)
    rows = rows_of(tensor * 1, _index=torch.tensor([4, 2, 9]), label=torch.tensor([0, 1, 0]))
    np.testing.assert_array_equal(rows.values, values[:, 0] if shape == (3, 1) else values)
    assert rows.values.dtype == (np.float64 if dtype == "float64" else np.float32)
    assert rows.labels.tolist() == [0, 1, 0]
    with torch.no_grad():
        tensor += 1
    assert rows.values.flat[0] == 0


@pytest.mark.slow
def test_tensors_of_torch_on_a_gpu_are_read() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    tensor = torch.tensor([0.25, 0.5, 0.75], device="cuda", requires_grad=True)
    rows = rows_of(tensor * 1, _index=torch.tensor([4, 2, 9], device="cuda"))
    assert rows.values.tolist() == [0.25, 0.5, 0.75]


def test_arrays_of_jax_are_read() -> None:
    jnp = pytest.importorskip("jax.numpy")
    for dtype in (jnp.float32, jnp.bfloat16, jnp.float16):
        rows = rows_of(jnp.array([0.25, 0.5, 0.75], dtype), _index=jnp.array([4, 2, 9]))
        assert rows.values.tolist() == [0.25, 0.5, 0.75]
        assert rows.values.dtype == np.float32


def test_joined_rows_are_sorted_by_entry_and_fold() -> None:
    parts = []
    for fold in (1, 0):
        rows = rows_of(np.array([4, 2, 9], np.float32 if fold else np.float64) + fold / 4)
        rows.folds[:] = fold
        parts.append(rows)
    whole = ScoreRows.joined(parts)
    assert whole.entries.tolist() == [2, 2, 4, 4, 9, 9]
    assert whole.folds.tolist() == [0, 1] * 3
    assert whole.values.tolist() == [2, 2.25, 4, 4.25, 9, 9.25]
    assert whole.values.dtype == np.float64
    assert whole.is_first.tolist() == [True, False] * 3
    assert whole.mean(2).values.tolist() == [2.125, 4.125, 9.125]
