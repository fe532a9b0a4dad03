"""Tests of ROC curves with weights of any sign."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.training.scoring.roc_curve import RocCurve, roc_curve

#: Few values, so that many scores are equal, and their weights.
events = st.lists(
    st.tuples(
        st.integers(-3, 3).map(lambda n: n / 4),
        st.floats(-1, 2, width=32),
        st.booleans(),
    ),
    max_size=40,
)


def curve_of(values: Any, weights: Any, is_signal: Any) -> RocCurve:
    return roc_curve(
        np.asarray(values), np.asarray(weights, np.float64), np.asarray(is_signal), signal="s"
    )


def columns(rows: list[tuple[float, float, bool]]) -> tuple[list[float], list[float], list[bool]]:
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def has_positive_sums(rows: list[tuple[float, float, bool]]) -> bool:
    return all(
        math.fsum(w for _, w, is_signal in rows if is_signal is side) > 1e-3
        for side in (False, True)
    )


@given(events)
def test_the_area_is_the_share_of_pairs_in_the_right_order(
    rows: list[tuple[float, float, bool]],
) -> None:
    assume(has_positive_sums(rows))
    pairs = [
        (w * v, (1.0 if score > other else 0.5 if score == other else 0.0))
        for score, w, is_signal in rows
        if is_signal
        for other, v, is_too in rows
        if not is_too
    ]
    total = math.fsum(weight for weight, _ in pairs)
    area = math.fsum(weight * share for weight, share in pairs) / total
    # Weights that nearly cancel magnify the rounding of sums.
    scale = math.fsum(abs(weight) for weight, _ in pairs) / total
    assert curve_of(*columns(rows)).auc == pytest.approx(area, abs=1e-13 * scale)


@given(events)
def test_each_point_has_the_efficiencies_of_the_cut_at_its_threshold(
    rows: list[tuple[float, float, bool]],
) -> None:
    assume(has_positive_sums(rows))
    curve = curve_of(*columns(rows))
    assert curve.thresholds.tolist() == [
        math.inf,
        *sorted({score for score, _, _ in rows}, reverse=True),
    ]
    for side, efficiencies in (
        (True, curve.signal_efficiency),
        (False, curve.background_efficiency),
    ):
        total = math.fsum(w for _, w, is_signal in rows if is_signal is side)
        for threshold, efficiency in zip(curve.thresholds, efficiencies, strict=True):
            passed = math.fsum(w for x, w, s in rows if s is side and x >= threshold)
            assert efficiency == pytest.approx(passed / total, rel=1e-9, abs=1e-9)


@pytest.mark.slow
@given(events)
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[float, float, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rows = [(score, abs(weight), is_signal) for score, weight, is_signal in rows]
    assume(has_positive_sums(rows))
    values, weights, is_signal = columns(rows)
    area = metrics.roc_auc_score(is_signal, values, sample_weight=weights)
    assert curve_of(values, weights, is_signal).auc == pytest.approx(area, abs=1e-12)


@pytest.mark.slow
def test_the_points_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(4)
    values = random.integers(0, 50, 500).astype(np.float32)
    weights, is_signal = random.exponential(size=500), random.random(500) < 0.3
    curve = curve_of(values, weights, is_signal)
    background, signal, thresholds = metrics.roc_curve(
        is_signal, values, sample_weight=weights, drop_intermediate=False
    )
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.signal_efficiency, signal, rtol=1e-12)
    np.testing.assert_allclose(curve.background_efficiency, background, rtol=1e-12)


@given(events, st.integers(0, 2**32))
def test_the_order_of_events_and_a_factor_change_nothing(
    rows: list[tuple[float, float, bool]], seed: int
) -> None:
    assume(has_positive_sums(rows))
    values, weights, is_signal = map(np.array, columns(rows))
    order = np.random.default_rng(seed).permutation(len(rows))
    other = curve_of(values[order], 4 * weights[order], is_signal[order])
    scale = np.prod([np.abs(weights[s]).sum() / weights[s].sum() for s in (is_signal, ~is_signal)])
    assert other.auc == pytest.approx(
        curve_of(values, weights, is_signal).auc, abs=1e-13 * float(scale)
    )


def test_a_negative_event_takes_its_pairs_away() -> None:
    # Signal at 2 and 0, background at 1 (weight 3) and at -1 (weight -1).
    curve = curve_of([2.0, 0.0, 1.0, -1.0], [1, 1, 3, -1], [True, True, False, False])
    assert curve.auc == (1 * 3 - 1 * 1 - 1 * 1) / (2 * 2)
    assert curve.background_efficiency.tolist() == [0, 0, 1.5, 1.5, 1]


def test_scores_of_float32_tie_as_they_are_stored() -> None:
    values = np.array([0.1, np.nextafter(np.float32(0.1), np.float32(1)), 0.1], np.float32)
    assert curve_of(values, [1, 1, 1], [True, False, False]).auc == 0.25


@pytest.mark.parametrize(
    ("is_signal", "missing"),
    [([False, False], "class 's'"), ([True, True], "the classes other than 's'")],
)
def test_both_sides_need_events(is_signal: list[bool], missing: str) -> None:
    with pytest.raises(OptionError, match=f"no scored event is of {missing}: a ROC curve needs"):
        curve_of([0.0, 1.0], [1, 1], is_signal)


def test_no_events_are_an_error() -> None:
    with pytest.raises(OptionError, match="no scored event is of class 's'"):
        curve_of(np.empty(0), np.empty(0), np.empty(0, np.bool_))


@pytest.mark.parametrize("weights", [[1, -2], [0, 0], [1, -1], [0.1 + 0.2, -0.3]])
def test_a_sum_of_weights_that_is_not_positive_is_an_error(weights: list[float]) -> None:
    for side, of in ((True, "class 's'"), (False, "the classes other than 's'")):
        with pytest.raises(OptionError, match=f"weights of {of} sum to .* over 2 scored events"):
            curve_of([0.0, 1.0, 2.0], [*weights, 1], [side, side, not side])
