"""A small network in NumPy: two hidden layers, trained with Adam."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import argument_hints

__all__ = ["Network"]

_Float32Array: TypeAlias = NDArray[np.float32]
#: Of the mean and of the square of the gradient, a step.
_DECAYS = 0.9, 0.999
#: Rows, and products of numbers, that OpenBLAS multiplies in one thread.
_MAX_ROWS, _MAX_PRODUCTS = 128, 1 << 18


@argument_hints
@final
class Network:
    """A network that gives each event the probability to be signal.

    It is small enough to train in seconds without a framework. For a real analysis, use PyTorch,
    JAX or Keras: their networks take the same batches.

    Parameters
    ----------
    inputs : sequence of str
        The names of the arrays of a batch that the network takes. Each may have any shape (B, ...).
    width : int
        Neurons of each of the two hidden layers.
    rate : float
        The learning rate of Adam.
    seed : int
        The seed of the first parameters.

    Examples
    --------
    >>> network = Network(["event", "jets"])
    >>> for batch in data.loader("train", batch_size=256):
    ...     network.step(batch)
    >>> network.predict(batch)  # float32, (B,)
    """

    def __init__(
        self, inputs: Sequence[str], *, width: int = 32, rate: float = 2e-3, seed: int = 0
    ) -> None:
        self._inputs, self._width, self._rate, self._seed = tuple(inputs), width, rate, seed
        self._num_steps = 0
        #: Views of the parameters: the matrix and the bias of each layer.
        self._layers: list[tuple[_Float32Array, _Float32Array]] = []
        # All parameters, and their two moments of Adam; made when the first batch tells the sizes.
        self._parameters = self._mean = self._square = np.empty(0, np.float32)

    def step(self, batch: Mapping[str, Any]) -> float:
        """Take one step of the training, and return the weighted cross entropy before it.

        Parameters
        ----------
        batch : mapping of str to array
            The inputs, ``"label"``, 0 or 1, and ``"weight"``, 1 on average.
        """
        values = self._forward(batch)
        labels, weights = batch["label"].astype(np.float32), batch["weight"]
        scores = _sigmoid(values[-1][:, 0])
        # The gradient of the loss by the output, then layer by layer down to the inputs.
        gradient = (weights * (scores - labels) / np.float32(len(labels)))[:, np.newaxis]
        gradients: list[_Float32Array] = []
        for (matrix, _), inputs in zip(self._layers[::-1], values[-2::-1], strict=True):
            parts = _row_slices(len(inputs), matrix)
            slope = sum(inputs[rows].T @ gradient[rows] for rows in parts)
            gradients = [np.ravel(slope), gradient.sum(axis=0), *gradients]
            gradient = _multiply(gradient, matrix.T) * (inputs > 0)
        self._move(np.concatenate(gradients))
        of_label = np.where(labels > 0, scores, 1 - scores)
        return float(-np.mean(weights * np.log(np.maximum(of_label, 1e-7))))

    def predict(self, batch: Mapping[str, Any]) -> _Float32Array:
        """Return the probability of the signal for each event: float32, (B,)."""
        return _sigmoid(self._forward(batch)[-1][:, 0])

    def _forward(self, batch: Mapping[str, Any]) -> list[_Float32Array]:
        """Return the inputs of each layer, and the output (B, 1)."""
        arrays = [np.asarray(batch[name], np.float32) for name in self._inputs]
        values = [np.hstack([array.reshape(len(array), -1) for array in arrays])]
        if not self._layers:
            self._set_parameters(values[0].shape[1])
        for matrix, bias in self._layers:
            inputs = values[-1] if len(values) == 1 else np.maximum(values[-1], 0, out=values[-1])
            values.append(_multiply(inputs, matrix) + bias)
        return values

    def _set_parameters(self, num_inputs: int) -> None:
        rng, sizes = np.random.default_rng(self._seed), [num_inputs, self._width, self._width, 1]
        num = sum((num_in + 1) * num_out for num_in, num_out in pairwise(sizes))
        self._parameters, self._mean, self._square = np.zeros((3, num), np.float32)
        start = 0
        for num_in, num_out in pairwise(sizes):
            matrix_stop = start + num_in * num_out
            matrix = self._parameters[start:matrix_stop].reshape(num_in, num_out)
            matrix[:] = rng.normal(0.0, np.sqrt(2.0 / num_in), matrix.shape)
            start = matrix_stop + num_out
            self._layers.append((matrix, self._parameters[matrix_stop:start]))

    def _move(self, gradient: _Float32Array) -> None:
        """Change the parameters by Adam: D. P. Kingma and J. Ba, arXiv:1412.6980."""
        self._num_steps += 1
        self._mean += np.float32(1.0 - _DECAYS[0]) * (gradient - self._mean)
        self._square += np.float32(1.0 - _DECAYS[1]) * (gradient * gradient - self._square)
        # Both moments began at 0 and are too small at first.
        mean_bias, square_bias = (1.0 - decay**self._num_steps for decay in _DECAYS)
        rate = np.float32(self._rate * square_bias**0.5 / mean_bias)
        self._parameters -= rate * self._mean / (np.sqrt(self._square) + np.float32(1e-8))


def _multiply(rows: _Float32Array, matrix: _Float32Array) -> _Float32Array:
    """Return the product of rows (B, n) and a matrix (n, m).

    It is made of parts for which BLAS takes one thread. Several threads would wait for each other
    in each of the thousands of small products, and the last bits would depend on their number.
    """
    product = np.empty((len(rows), matrix.shape[1]), np.float32)
    for part in _row_slices(len(rows), matrix):
        np.matmul(rows[part], matrix, out=product[part])
    return product


def _row_slices(num: int, matrix: _Float32Array) -> list[slice]:
    size = max(1, min(_MAX_ROWS, _MAX_PRODUCTS // matrix.size))
    return [slice(start, start + size) for start in range(0, num, size)]


def _sigmoid(values: _Float32Array) -> _Float32Array:
    # At 50 the result is 1 in float32, and exp does not overflow.
    clipped = np.clip(values, np.float32(-50), np.float32(50))
    scores: _Float32Array = np.float32(1) / (np.float32(1) + np.exp(-clipped))
    return scores
