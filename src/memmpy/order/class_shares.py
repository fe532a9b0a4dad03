"""`Mixture`: the classes of events, and how many of each come in which batch."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import accumulate
from math import ceil, lcm
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer
from memmpy.errors import OptionError
from memmpy.kernels import Words
from memmpy.order.fractions import Fractions
from memmpy.order.subset import Subset
from memmpy.typing import Array, Entries

__all__ = ["Mixture", "batches_of_epoch"]

#: Words of the `Subset` of a class, the positions of the members ``i * 2**bits``, and `bits`.
KernelClass: TypeAlias = tuple[Words, Entries, int]

#: About how many positions lie between two members whose positions are kept: 1/16 of a byte each.
_SAMPLE_POSITIONS = 128


def batches_of_epoch(sizes: Sequence[int], shares: Fractions, *, batch_size: int) -> int:
    """Return the number of batches after which each event of each class was used once.

    Parameters
    ----------
    sizes : sequence of int
        The number of events of each class.
    shares : tuple of Fraction
        The share of each class.
    batch_size : int
        Events per batch, on all ranks together.
    """
    needed = max(size / share for size, share in zip(sizes, shares, strict=True))
    return ceil(needed / batch_size)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Classes and their shares in a stream of batches that never ends.

    Parameters
    ----------
    classes : tuple of Subset
        The members of each class.
    shares : tuple of Fraction
        The share of each class in a batch: greater than 0, 1 together.
    batch_size : int
        Events per batch of one rank.
    num_batches : int
        Batches per epoch: epoch e is the batches ``e * num_batches`` and on of the stream.
    world_size : int
        The number of ranks: each has a batch of its own in each step.

    Raises
    ------
    OptionError
        If shares do not sum to 1, or if the third smallest share, or a larger one, makes less than
        one event per batch.

    Notes
    -----
    Let the classes be in the order of their shares, but the second smallest last, and S_k the sum
    of the shares of the first k. After m events of each rank, a whole number of batches, rank r of
    W has had ::

        floor(m S_{k+1} + f) - floor(m S_k + f) events of class k, with f = (2 r + 1) / (2 W)

    in exact arithmetic. That is within 1 of its share of m, and so is the sum over ranks of the
    share of m W: by Hermite's identity it is the same formula with m W, and f = 1/2. So the events
    of a step do not depend on the number of ranks that share them. No count falls from batch to
    batch: the one of the first class and the one of the last cannot, and another one grows by more
    than its share of a batch minus 2.
    """

    classes: tuple[Subset, ...]
    shares: Fractions
    _: KW_ONLY
    batch_size: int
    num_batches: int
    world_size: int = 1
    _sums: tuple[int, ...] = field(init=False, repr=False)  # S_k times the denominator
    _denominator: int = field(init=False, repr=False)
    _sequence: tuple[int, ...] = field(init=False, repr=False)
    _kernel_classes: tuple[KernelClass, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, minimum in (("batch_size", 1), ("num_batches", 0), ("world_size", 1)):
            number = check_integer(name, getattr(self, name), minimum=minimum)
            object.__setattr__(self, name, number)
        if sum(self.shares) != 1 or min(self.shares) <= 0:
            message = (
                f"shares must be greater than 0 and sum to 1, got {(*map(float, self.shares),)}"
            )
            raise OptionError(message)
        ascending = sorted(range(len(self.shares)), key=lambda c: (self.shares[c], c))
        sequence = (*ascending[:1], *ascending[2:], *ascending[1:2])
        if len(sequence) > 2 and (least := self.shares[sequence[1]]) * self.batch_size < 1:
            message = (
                f"a share of {float(least):g} is less than one event in a batch of "
                f"{self.batch_size:,}: batch_size must be at least {ceil(1 / least):,}"
            )
            raise OptionError(message)
        denominator = lcm(*(share.denominator for share in self.shares))
        shares = (int(self.shares[c] * denominator) for c in sequence)
        object.__setattr__(self, "_sequence", sequence)
        object.__setattr__(self, "_denominator", denominator)
        object.__setattr__(self, "_sums", tuple(accumulate(shares)))
        object.__setattr__(self, "_kernel_classes", tuple(map(_kernel_class, self.classes)))

    @property
    def step_size(self) -> int:
        """Events per step: a batch of each rank."""
        return self.batch_size * self.world_size

    def events(self, step: int, num: int) -> tuple[list[int], NDArray[np.int64]]:
        """Return how many events of each class come before a step of the stream, and from it on.

        Parameters
        ----------
        step : int
            The step, by its number in the stream.
        num : int
            A number of steps.

        Returns
        -------
        before : list of int
            The number of events of each class in all steps before.
        totals : int64 array of shape (k, num * world_size + 1)
            The number of events of each class in the first 0 to ``num * world_size`` batches from
            this step on: those of a step are in the order of the ranks.
        """
        ranks, denominator = self.world_size, self._denominator
        divisor, growths = 2 * ranks * denominator, [2 * self.step_size * s for s in self._sums]
        phases = range(denominator, divisor, 2 * denominator)
        # Python's integers where the products may be larger than 64 bits
        kind = np.int64 if divisor + growths[-1] * num < 2**63 else object
        rests = [[(growth * step + phase) % divisor for phase in phases] for growth in growths]
        products: Array = np.array(growths, kind)[:, None, None] * np.arange(num + 1)[:, None]
        products = products + np.array(rests, kind)[:, None]
        counts = (products // divisor).astype(np.int64, copy=False)  # of the first k + 1 classes
        counts[1:] -= counts[:-1].copy()
        totals = np.zeros((len(self.shares), num * ranks + 1), np.int64)
        sequence, before, whole_below = [*self._sequence], [0] * len(self.shares), 0
        if ranks == 1:
            totals[sequence] = counts[:, :, 0]
        else:
            per_batch = np.diff(counts, axis=1).reshape(len(counts), -1)
            totals[sequence, 1:] = np.cumsum(per_batch, axis=1)
        for c, growth in zip(sequence, growths, strict=True):
            whole = (growth * step + denominator) // (2 * denominator)
            before[c], whole_below = whole - whole_below, whole
        return before, totals

    def kernel_class(self, number: int) -> KernelClass:
        """Return the members of a class as kernels take them: see `fill_class`."""
        return self._kernel_classes[number]


def _kernel_class(members: Subset) -> KernelClass:
    stride = _SAMPLE_POSITIONS * len(members) // max(1, members.num)
    bits = max(0, stride.bit_length() - 1)
    samples = members.select(np.arange(0, len(members), 1 << bits))
    return members.words, samples, bits
