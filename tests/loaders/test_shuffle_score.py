from typing import Any

import numpy as np
import pytest

from memmpy import SplitLoader
from memmpy.errors import ColumnError, MissingKeyError, OptionError
from memmpy.loaders.shuffle_score import shuffle_score

NUM = 60_000
SORTED: dict[str, Any] = {
    "process": np.repeat(np.array([3, 2**63 + 5, 77], np.uint64), NUM // 3),
    "x": np.linspace(0, 1, NUM),
    "same": np.zeros(NUM, np.int8),
    "matrix": np.zeros((NUM, 2)),
    "holes": np.where(np.arange(NUM) == NUM // 2, np.nan, 0),
}


def make(**options: object) -> SplitLoader:
    return SplitLoader(SORTED, 100, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["process", "x"])
def test_a_permutation_scores_one_and_no_correlation(key: str) -> None:
    score = shuffle_score(make(seed=1), key)
    assert score.spread == pytest.approx(1, abs=0.08)
    assert score.correlation == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("key", ["process", "x"])
def test_sorted_batches_score_the_root_of_their_size(key: str) -> None:
    score = shuffle_score(make(shuffle=False), key)
    assert score.spread == pytest.approx(10, rel=0.01)
    assert score.correlation == pytest.approx(1, abs=0.001)


def test_batches_that_are_too_alike_score_less() -> None:
    batches = [{"x": np.array([0, 1] * 10)} for _ in range(50)]
    assert shuffle_score(batches, "x").spread == 0
    assert shuffle_score(batches, "x").correlation == pytest.approx(-1, abs=0.01)


def test_the_score_of_a_part_of_an_epoch() -> None:
    assert shuffle_score(make(), "process", max_batches=50).spread == pytest.approx(1, abs=0.3)


def test_one_batch_or_one_value_has_no_score() -> None:
    assert np.isnan(shuffle_score(make(), "process", max_batches=1).spread)
    assert np.isnan(shuffle_score(make(), "same").spread)


def test_a_key_that_cannot_be_scored_is_refused() -> None:
    with pytest.raises(MissingKeyError, match=r"no key 'proces' in the batches.*'process'"):
        shuffle_score(make(), "proces")
    with pytest.raises(
        ColumnError, match=r"'matrix' is float64 of shape \(100, 2\): a score needs"
    ):
        shuffle_score(make(), "matrix")
    with pytest.raises(OptionError, match="'holes' has NaN or infinity"):
        shuffle_score(make(), "holes")
    with pytest.raises(OptionError, match="'x' has NaN or infinity"):
        shuffle_score([{"x": np.array([0, np.inf])}], "x")
    with pytest.raises(OptionError, match="batches are dicts of arrays, got a ndarray"):
        shuffle_score([np.arange(3)], "x")  # type: ignore[list-item]


@pytest.mark.parametrize("scale", [1e-200, 1, 1e200])
def test_the_score_does_not_hang_on_the_unit(scale: float) -> None:
    batches = [{"x": SORTED["x"][start::600] * scale} for start in range(600)]
    plain = [{"x": SORTED["x"][start::600]} for start in range(600)]
    assert shuffle_score(batches, "x") == pytest.approx(shuffle_score(plain, "x"))


def test_empty_batches_have_no_say() -> None:
    batches = [{"x": np.array([0.0, 1.0])}, {"x": np.array([])}, {"x": np.array([1.0, 3.0])}]
    assert shuffle_score(batches, "x") == shuffle_score([batches[0], batches[2]], "x")
