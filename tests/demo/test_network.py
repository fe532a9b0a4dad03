"""Tests of the network of the demo: its gradient, its steps, and what it learns."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from memmpy.demo import Network


def make_batch(num: int, *, seed: int = 0) -> dict[str, Any]:
    """Return a batch whose label is whether the two numbers have one sign: no line parts them."""
    rng = np.random.default_rng(seed)
    event = rng.normal(size=(num, 2)).astype(np.float32)
    return {
        "event": event,
        "jets": rng.normal(size=(num, 3, 2)).astype(np.float32),
        "label": (event[:, 0] * event[:, 1] > 0).astype(np.int64),
        "weight": rng.uniform(0.5, 1.5, num).astype(np.float32),
    }


def loss_of(network: Network, batch: dict[str, Any]) -> float:
    """Return the weighted cross entropy, in float64."""
    scores, labels = network.predict(batch).astype(np.float64), batch["label"]
    losses = -np.log(np.where(labels == 1, scores, 1 - scores))
    return float(np.mean(batch["weight"] * losses))


def test_a_step_returns_the_loss_before_it() -> None:
    batch = make_batch(100)
    network = Network(["event", "jets"], seed=1)
    expected = loss_of(network, batch)
    assert network.step(batch) == pytest.approx(expected, rel=1e-5)
    assert loss_of(network, batch) < expected


def test_the_first_step_goes_down_the_gradient_in_every_parameter() -> None:
    # The first step of Adam is the learning rate, against the sign of the gradient.
    batch, rate = make_batch(400), 1e-4
    network = Network(["event", "jets"], width=4, rate=rate)
    network.predict(batch)
    before = network._parameters.copy()
    slopes = []
    for i in range(len(before)):
        losses = []
        for change in (1e-2, -1e-2):
            network._parameters[i] = before[i] + change
            losses.append(loss_of(network, batch))
        network._parameters[i] = before[i]
        slopes.append((losses[0] - losses[1]) / 2e-2)
    network.step(batch)
    is_steep = np.abs(slopes) > 1e-3
    assert np.count_nonzero(is_steep) > len(before) / 2
    moved = network._parameters - before
    np.testing.assert_allclose(moved[is_steep], -rate * np.sign(slopes)[is_steep], rtol=1e-2)


def test_steps_are_those_of_adam() -> None:
    batches = [make_batch(50, seed=seed) for seed in range(4)]
    network = Network(["event"], width=3, rate=0.01)
    gradients: list[np.ndarray[Any, Any]] = []
    move = network._move
    network._move = lambda gradient: (gradients.append(gradient.copy()), move(gradient))  # type: ignore[method-assign, assignment, func-returns-value]
    network.predict(batches[0])
    expected = network._parameters.astype(np.float64)
    for batch in batches:
        network.step(batch)
    mean, square = np.zeros_like(expected), np.zeros_like(expected)
    for number, gradient in enumerate(gradients, 1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient.astype(np.float64) ** 2
        corrected = mean / (1 - 0.9**number), np.sqrt(square / (1 - 0.999**number))
        expected -= 0.01 * corrected[0] / (corrected[1] + 1e-8)
    np.testing.assert_allclose(network._parameters, expected, rtol=1e-3, atol=1e-5)


def test_it_learns_what_no_line_can_part() -> None:
    network = Network(["event"], width=16, rate=0.01)
    for seed in range(300):
        network.step(make_batch(128, seed=seed))
    test = make_batch(2000, seed=1000)
    assert np.mean((network.predict(test) > 0.5) == test["label"]) > 0.95


def test_equal_seeds_and_batches_give_equal_scores() -> None:
    networks = [Network(["event", "jets"], seed=seed) for seed in (3, 3, 4)]
    for network in networks:
        for seed in range(5):
            network.step(make_batch(64, seed=seed))
    first, second, other = (network.predict(make_batch(64)) for network in networks)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_scores_are_float32_from_0_to_1_whatever_the_inputs() -> None:
    batch = make_batch(64)
    batch["event"] *= 1e6
    scores = Network(["event"]).predict(batch)
    assert scores.dtype == np.float32
    assert scores.shape == (64,)
    assert np.all((scores >= 0) & (scores <= 1))


def test_a_loss_of_certain_scores_is_finite() -> None:
    batch = make_batch(64)
    batch["event"] *= 1e6
    assert np.isfinite(Network(["event"]).step(batch))


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_threads() -> None:
    code = """
import numpy as np
from memmpy.demo import Network

rng, network = np.random.default_rng(0), Network(["x"])
for _ in range(20):
    x = rng.normal(size=(500, 40)).astype(np.float32)
    network.step({"x": x, "label": (x[:, 0] > 0).astype(int), "weight": np.ones(500, np.float32)})
print(network.predict({"x": x}).tobytes().hex())
"""
    scores = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": num, "OMP_NUM_THREADS": num},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for num in ("1", "2")
    }
    assert len(scores) == 1
