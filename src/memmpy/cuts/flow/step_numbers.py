"""The numbers of a cut-flow by step and group: sums, efficiencies and their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FlowColumns", "StepNumbers"]


@dataclass(frozen=True, slots=True, eq=False)
class StepNumbers:
    """What passes each step, for some groups.

    Attributes
    ----------
    names : tuple of str
        The groups.
    counts, sums, errors : arrays of shape (num_steps, num_groups)
        Entries, sums of weights, and the square roots of the sums of squared weights.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def step_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the previous step; 1 for the first; 0/0 is NaN."""
        return _ratio(self.sums, _before(self.sums))

    @property
    def cumulative_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the first step; 0/0 is NaN."""
        return _ratio(self.sums, self.sums[:1])

    @property
    def step_efficiency_errors(self) -> NDArray[np.float64]:
        """The statistical errors of `step_efficiencies`."""
        return _binomial_errors(
            self.step_efficiencies, self.errors, _before(self.errors), _before(self.sums)
        )

    @property
    def cumulative_efficiency_errors(self) -> NDArray[np.float64]:
        """The statistical errors of `cumulative_efficiencies`."""
        return _binomial_errors(
            self.cumulative_efficiencies, self.errors, self.errors[:1], self.sums[:1]
        )

    def sum_of(self, places: Sequence[int], name: str) -> "StepNumbers":
        """Return the sum of some groups, as one group."""
        own = list(places)
        with np.errstate(all="ignore"):
            return StepNumbers(
                (name,),
                self.counts[:, own].sum(axis=1, keepdims=True),
                self.sums[:, own].sum(axis=1, keepdims=True),
                np.sqrt((self.errors[:, own] ** 2).sum(axis=1, keepdims=True)),
            )

    def beside(self, others: Sequence["StepNumbers"]) -> "StepNumbers":
        """Return these groups and others."""
        parts = [self, *others]
        return StepNumbers(
            tuple(name for part in parts for name in part.names),
            np.concatenate([part.counts for part in parts], axis=1),
            np.concatenate([part.sums for part in parts], axis=1),
            np.concatenate([part.errors for part in parts], axis=1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FlowColumns:
    """What a table or a picture of a cut-flow shows.

    Attributes
    ----------
    steps : tuple of str
        The steps.
    numbers : StepNumbers
        The groups, and sums of several groups after them.
    num_groups : int
        How many of them are groups, not sums.
    ratios : mapping of str to float64 array of shape (num_steps,)
        ``S/B`` and ``S/√B`` of each step, if a signal is named.
    weight : str or None
        The weight.
    """

    steps: tuple[str, ...]
    numbers: StepNumbers
    num_groups: int
    ratios: Mapping[str, NDArray[np.float64]]
    weight: str | None

    @property
    def counted(self) -> str:
        """What the sums are: events or sums of weights."""
        return "events" if self.weight is None else "sum of weights"


def _before(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of the step before each; for the first, its own."""
    return values[[0, *range(len(values) - 1)]]


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        ratio: NDArray[np.float64] = part / whole
    return ratio


def _binomial_errors(
    efficiencies: NDArray[np.float64],
    errors: NDArray[np.float64],
    errors_before: NDArray[np.float64],
    sums_before: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the errors of efficiencies: those that pass and those that fail are independent.

    With e = P / (P + F), the variance is ((1 - e)**2 var(P) + e**2 var(F)) / (P + F)**2. Without
    weights it is e (1 - e) / n.
    """
    with np.errstate(all="ignore"):
        failing = np.maximum(errors_before**2 - errors**2, 0)
        variances = (1 - efficiencies) ** 2 * errors**2 + efficiencies**2 * failing
        result: NDArray[np.float64] = np.sqrt(variances) / np.abs(sums_before)
    return result
