import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.training.moments import Moments
from memmpy.training.scaling import Scaling, check_scale, fit_scaling, logarithms, percentiles_of

INPUTS = {"event": ("met", "HT"), "jets": ("pt", "eta")}


def fit(values: np.ndarray, *methods: Any) -> tuple[Scaling, list[str]]:
    table = values.reshape(len(values), -1).astype(np.float64)
    logarithms(table, methods)
    keys = tuple(f"k{i}" for i in range(table.shape[1]))
    return fit_scaling(keys, methods, Moments.of(table), percentiles_of(table, methods))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (None, {"event": (None, None), "jets": (None, None)}),
        ("robust", {"event": ("robust", "robust"), "jets": ("robust", "robust")}),
        ({"event": "minmax"}, {"event": ("minmax", "minmax"), "jets": (None, None)}),
        (
            {"jets": "standard", "pt": "log", "HT": "robust"},
            {"event": (None, "robust"), "jets": ("log", "standard")},
        ),
        (
            {"jets": "standard", "eta": None},
            {"event": (None, None), "jets": ("standard", None)},
        ),
        ({}, {"event": (None, None), "jets": (None, None)}),
    ],
)
def test_a_key_goes_before_its_input(scale: Any, expected: Any) -> None:
    assert check_scale(scale, INPUTS) == expected


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ("std", "scale takes 'standard', 'robust', 'minmax', 'log' or None, got 'std'"),
        (True, "got True"),
        (["standard"], r"got \['standard'\]"),
        (np.array([1, 2]), "got array"),
        ({"HTT": "log"}, "scale names 'HTT', which is no input and no key; nearest: 'HT'"),
        ({"HT": "logs"}, "got 'logs'"),
        ({3: "log"}, "scale names 3, which is no input"),
    ],
)
def test_bad_scales_are_refused(scale: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_scale(scale, INPUTS)


@given(st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=50))
def test_each_method_has_the_numbers_of_numpy(numbers: list[float]) -> None:
    values = np.array([*numbers, np.nan, np.inf])
    own = np.array(numbers)
    size = 1e-9 * max(1.0, float(np.abs(own).max()))
    low, median, high = np.percentile(own, [16, 50, 84])
    expected = {
        "standard": (own.mean(), own.std()),
        "robust": (median, (high - low) / 2),
        "minmax": (own.min(), own.max() - own.min()),
    }
    for method, (center, width) in expected.items():
        scaling, _ = fit(values, method)
        assert scaling.center[0] == pytest.approx(center, rel=1e-9, abs=size)
        if width > size:
            assert scaling.width[0] == pytest.approx(width, rel=1e-9, abs=size)


def test_log_is_standard_of_the_logarithm_of_positive_values() -> None:
    values = np.random.default_rng(0).exponential(30, 1000)
    scaling, notes = fit(np.concatenate([values, [0.0, -5.0, np.nan]]), "log")
    logs = np.log(values)
    assert scaling.center[0] == pytest.approx(logs.mean(), rel=1e-12)
    assert scaling.width[0] == pytest.approx(logs.std(), rel=1e-12)
    assert notes == []


@pytest.mark.parametrize("compiled", [False, True])
def test_scaled_values_are_those_of_the_formula(compiled: bool) -> None:
    values = np.random.default_rng(1).exponential(30, (500, 2))
    scaling, _ = fit(values, "log", None)
    scaled = values.copy()
    scaled[3] = [-1.0, np.nan]
    scaling.scale(scaled, fill=7.0, compiled=compiled)
    expected = (np.log(values[:, 0]) - scaling.center[0]) / scaling.width[0]
    rest = np.arange(500) != 3
    np.testing.assert_allclose(scaled[rest, 0], expected[rest], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(scaled[rest, 1], values[rest, 1])
    assert scaled[3].tolist() == [7.0, 7.0]


@pytest.mark.parametrize("size", [1e-6, 1.0, 60_000])
def test_half_floats_lose_no_more_than_their_own_digits(size: float) -> None:
    values = np.random.default_rng(1).uniform(0, size, 5000).astype(np.float16)
    scaling, _ = fit(values, "standard")
    scaled = values.reshape(-1, 1).copy()
    scaling.scale(scaled, fill=0.0)
    wide = (values.astype(np.float64) - scaling.center[0]) / scaling.width[0]
    np.testing.assert_allclose(scaled[:, 0], wide, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "method", "note"),
    [
        ([2.5] * 9, "standard", "'k0' is constant in the training split"),
        ([2.5] * 9, "minmax", "'k0' is constant"),
        ([2.5] * 9, "robust", "'k0' is constant"),
        ([2.5] * 9, "log", "'k0' is constant"),
        ([0.0] * 98 + [-1.0, 5.0], "robust", "'k0' has one value from 16 to 84 %"),
        ([math.nan, math.inf], "standard", "'k0' has no finite value"),
        ([math.nan, math.inf], "minmax", "'k0' has no finite value"),
        ([math.nan], "robust", "'k0' has no finite value"),
        ([-1.0, 0.0], "log", "'k0' has no positive value"),
        ([-1.5e308, 1.5e308], "standard", "'k0' has values that are too large"),
        ([-1.5e308, 1.5e308], "minmax", "'k0' has values that are too large"),
    ],
)
def test_a_key_without_width_has_width_one_and_a_note(
    values: list[float], method: Any, note: str
) -> None:
    scaling, notes = fit(np.array(values), method)
    assert scaling.width.tolist() == [1.0]
    assert np.isfinite(scaling.center).all()
    assert len(notes) == 1
    assert note in notes[0]


def test_json_has_all_that_the_formula_needs() -> None:
    scaling, _ = fit(np.array([[1.0, 2.0], [3.0, 9.0]]), "standard", "minmax")
    assert json.loads(json.dumps(scaling.to_json())) == {
        "keys": ["k0", "k1"],
        "methods": ["standard", "minmax"],
        "center": [2.0, 2.0],
        "width": [1.0, 7.0],
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["standard", "robust", "minmax"])
def test_values_too_large_to_subtract_are_told_so(method: str) -> None:
    values = np.where(np.arange(100) % 2, 1e308, -1e308)
    scaling, notes = fit(values, method)
    assert notes == ["'k0' has values that are too large to square or subtract"]
    assert scaling.width.tolist() == [1.0]
    assert np.isfinite(scaling.center).all()


def test_many_keys_without_width_have_one_note() -> None:
    values = np.tile([*[1.0] * 8, math.nan, math.nan], (9, 1))
    _, notes = fit(values, *["standard"] * 10)
    assert notes == [
        "'k0', 'k1', 'k2', 'k3', 'k4' and 3 more keys are constant in the training split",
        "'k8', 'k9' have no finite value in the training split",
    ]
