"""Tests of weighted correlations, compared with plain sums over pairs."""

import math
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import memmpy
from memmpy import Objects
from memmpy.errors import OptionError
from memmpy.training import input_items
from memmpy.training.summaries.correlation_sums import _coefficients, _product, _sums_of_pairs
from tests.training.audit.training_sets import clean_columns, training_set_of
from tests.training.samples import Sample, arrays_of

CLIPS = pytest.mark.filterwarnings("ignore:.*which cuts off:memmpy.errors.ConversionWarning")
pytestmark = CLIPS
VALUE = st.one_of(st.just(math.nan), st.integers(-4, 4).map(float))


def plain(x: Any, y: Any, weights: Any) -> float:
    """Return the weighted correlation of the events that have both values, by the definition."""
    is_there = np.isfinite(x) & np.isfinite(y)
    x, y, weights = x[is_there], y[is_there], weights[is_there]
    if not weights.sum() > 0:
        return math.nan
    dx, dy = (one - np.average(one, weights=weights) for one in (x, y))
    squares = [np.average(d * d, weights=weights) for d in (dx, dy)]
    if min(squares) < 1e-9:
        return math.nan
    return float(np.average(dx * dy, weights=weights) / math.sqrt(squares[0] * squares[1]))


@given(st.lists(st.tuples(VALUE, VALUE, VALUE, st.sampled_from([1.0, 2.5, -0.5])), max_size=12))
def test_coefficients_are_those_of_the_definition(events: list[tuple[float, ...]]) -> None:
    values = np.array(events, np.float64).reshape(-1, 4)
    weights = values[:, 3]
    matrix = _coefficients(_sums_of_pairs(values[:, :3], weights))
    for row, column in np.ndindex(3, 3):
        expected = plain(values[:, row], values[:, column], weights)
        assert matrix[row, column] == pytest.approx(expected, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(
    "shape", [(0, 3, 2), (1, 3, 2), (50_000, 3, 2), (4000, 9, 7), (90, 70, 80)]
)
def test_a_product_in_parts_is_the_whole(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=shape[:2]), random.normal(size=shape[::2])
    np.testing.assert_allclose(_product(first, second), first.T @ second, atol=1e-9)


def test_pairs_of_classes_are_those_of_batches(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_items, "_STEP_ROWS", 700)
    inputs = {
        "kin": ["met", "pt_1", "njets"],
        "jets": Objects(["jet_pt"], length=3),
        "lists": Objects(["jet_eta", "jet_pt"], max_length=4),
    }
    data = sample.training_set(
        inputs=inputs, missing=-999, fill=None, scale={"met": "log"}, negative="abs"
    )
    batches = arrays_of(data.loader("train", fold=1))
    leading = [one[0] if len(one) else (math.nan, math.nan) for one in batches["lists"]]
    jets = np.where(batches["jets_mask"][:, 0], batches["jets"][:, 0, 0], math.nan)
    columns = np.column_stack([batches["kin"], jets, np.array(leading)]).astype(np.float64)
    correlations = data.correlations(fold=1)
    assert correlations.keys == (
        "met", "pt_1", "njets", "jets: jet_pt[0]", "jet_eta[0]", "lists: jet_pt[0]"
    )  # fmt: skip
    assert correlations.classes == ("background", "signal")
    assert correlations.num_events.tolist() == [*np.bincount(batches["label"])]
    weights = batches["weight"].astype(np.float64)
    for label in range(2):
        is_own = batches["label"] == label
        for row, column in np.ndindex(6, 6):
            expected = plain(columns[is_own, row], columns[is_own, column], weights[is_own])
            found = correlations.matrices[label, row, column]
            assert found == pytest.approx(expected, abs=2e-5)
    (whole,) = data.correlations(fold=1, by_class=False).matrices
    assert whole[0, 2] == pytest.approx(plain(columns[:, 0], columns[:, 2], weights), abs=2e-5)
    assert data.correlations(fold=1, by_class=False).classes == ("all",)


def test_values_far_from_zero_lose_no_digits(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=3000)
    columns = {
        "event": np.arange(3000),
        "x": 1e9 + x,
        "y": -1e12 + 1e3 * (x + random.normal(size=3000)),
        "w": np.ones(3000),
    }
    data = training_set_of(
        tmp_path / "s.mmpy", columns, inputs={"in": ["x", "y"]}, labels=None, dtype="float64"
    )
    (matrix,) = data.correlations("all").matrices
    assert matrix[0, 1] == pytest.approx(np.corrcoef(columns["x"], columns["y"])[0, 1], abs=1e-6)
    assert np.diag(matrix).tolist() == [1, 1]


def test_constant_and_missing_keys_have_no_coefficients(tmp_path: Path) -> None:
    columns = {**clean_columns(500), "one": np.full(500, 3.7), "none": np.full(500, np.nan)}
    data = training_set_of(tmp_path / "s.mmpy", columns, inputs={"in": ["pt", "one", "none"]})
    for matrix in data.correlations().matrices:
        assert np.isfinite(matrix).tolist() == [[True, False, False], *[[False] * 3] * 2]


def test_a_split_without_events_has_no_correlations(tmp_path: Path) -> None:
    data = training_set_of(
        tmp_path / "s.mmpy",
        clean_columns(300),
        splits=memmpy.Splits(by=("event",), fractions={"train": 1}),
    )
    with pytest.raises(OptionError, match="there are no events in test split"):
        data.correlations("test")
    with pytest.raises(OptionError, match="by_class must be True or False"):
        data.correlations(by_class="signal")  # type: ignore[arg-type]


def test_the_table_has_the_strongest_pairs_first(sample: Sample) -> None:
    data = sample.training_set(inputs={"kin": ["met", "pt_1", "log(met)", "njets"]})
    correlations = data.correlations()
    lines = str(correlations).splitlines()
    assert lines[0] == "Correlations of inputs, train split of fold 0"
    assert lines[3].split()[:2] == ["met", "log(met)"]
    assert lines[3].split()[2:] == [f"{one[0, 2]:.3f}" for one in correlations.matrices]
    many = training_set_many(sample)
    assert str(many.correlations()).splitlines()[0].endswith(": the 20 strongest of 28")


def training_set_many(sample: Sample) -> memmpy.TrainingSet:
    return sample.training_set(inputs={"kin": ["met", *(f"met + {i} * pt_1" for i in range(7))]})
