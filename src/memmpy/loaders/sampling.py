"""`Sampling`, the option of a user, and `ClassSampling`, its meaning for the classes of a skim."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, final

import numpy as np

from memmpy.checks import check_integer, check_key, is_number, outside
from memmpy.errors import ColumnError, OptionError, argument_hints, nearest
from memmpy.loaders.loader_options import LoaderOptions
from memmpy.loaders.row_ranges import steps_of
from memmpy.order import Mixture, Subset, batches_of_epoch
from memmpy.typing import Array

__all__ = ["ClassSampling", "Sampling", "SamplingOption", "check_sampling"]

_TOLERANCE = 1e-9
#: Events of an epoch, of which each has a position of 63 bits.
_MAX_EVENTS = 2**63
#: Labels that are compared at once.
_NUM_LABELS = 1 << 16


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Sampling:
    """The shares of classes in the batches of a loader: ``sampling=`` of a training set.

    ``sampling={"signal": 0.5, "background": 0.5}`` is short for ``sampling=Sampling({"signal": 0.5,
    "background": 0.5})``.

    After every batch, the number of events of each class so far is within 1 of its share, on each
    rank and on all ranks together, from the first batch of epoch 0 on. A class that runs out begins
    again in a new order: after every batch, each event of a class has been used equally often, or
    once more, by all ranks together.

    Parameters
    ----------
    shares : mapping of str to float
        The share of each class, greater than 0; they sum to 1. Batches have no events of a class
        that has no share, nor events of no class.
    num_batches : int, optional
        Batches per epoch, on each rank. By default an epoch ends when each event of each class was
        used once: the class with the most events for its share decides.

    Raises
    ------
    OptionError
        If a share is no number greater than 0, or shares do not sum to 1 (to 1e-9).

    Notes
    -----
    All batches are full. The order depends only on the seed, the epoch and the position, for a
    given `batch_size` and `num_batches`. An epoch begins where the one before ended, so events that
    were not used yet come first. Shares are exact decimals, as they are written.

    The third smallest share, and each larger one, must make at least one event per batch. There is
    no such limit for two classes.

    Examples
    --------
    >>> Sampling({"signal": 0.5, "background": 0.5}, num_batches=1000)
    Sampling(shares={'signal': 0.5, 'background': 0.5}, num_batches=1000)
    """

    shares: Mapping[str, float]
    num_batches: int | None = None

    def __post_init__(self) -> None:
        shares = _check_shares(self.shares)
        total = math.fsum(shares.values())
        if abs(total - 1) > _TOLERANCE:
            raise OptionError(f"the shares of sampling={shares} sum to {total:.10g}, not 1")
        object.__setattr__(self, "shares", shares)
        if self.num_batches is not None:
            num = check_integer("num_batches", self.num_batches, minimum=1)
            object.__setattr__(self, "num_batches", num)


SamplingOption: TypeAlias = Mapping[str, float] | Sampling | None


def check_sampling(sampling: SamplingOption) -> Sampling | None:
    """Return the value of ``sampling=``, which may have its short form."""
    if sampling is None or isinstance(sampling, Sampling):
        return sampling
    return Sampling(sampling)


@final
@dataclass(frozen=True, slots=True)
class ClassSampling:
    """A sampling of the classes of a skim, whose rows have labels.

    Parameters
    ----------
    sampling : Sampling
        The shares.
    classes : tuple of str
        All classes, in the order of their numbers.
    key : str
        The field of the rows with the number of the class of each.

    Raises
    ------
    OptionError
        If the sampling names an unknown class.
    """

    sampling: Sampling
    classes: tuple[str, ...]
    key: str = "label"

    def __post_init__(self) -> None:
        for name in self.sampling.shares:
            if name not in self.classes:
                known = ", ".join(map(repr, self.classes))
                message = f"sampling= has no class {name!r}: there are {known}"
                raise OptionError(f"{message}{nearest(name, self.classes)}")

    def mixture(
        self, labels: Array, ranges: Sequence[range], options: LoaderOptions, *, where: str
    ) -> Mixture:
        """Return the mixture of the classes in some rows; reads their labels once.

        It keeps a quarter of a byte for each row and class.

        Parameters
        ----------
        labels : integer array of shape (n,)
            The number of the class of each row; may be a field of the rows.
        ranges : sequence of range
            The rows to use, of all ranks: one after the other, they are the members 0..num-1.
        options : LoaderOptions
            The batches.
        where : str
            The name of these rows in errors.

        Raises
        ------
        OptionError
            If a class has no events there, if ``shuffle=False``, or if a batch is too small for a
            share: see `Mixture`.
        ColumnError
            If a label is no number of a class.
        """
        if options.shuffle.kind is False:
            message = "sampling= takes the events of each class in random order"
            raise OptionError(f"{message}: leave out shuffle=False")
        given = self.sampling.shares
        shares = {name: given[name] for name in self.classes if name in given}
        classes = Subset.by_label(
            self._steps(labels, ranges),
            num=sum(map(len, ranges)),
            values=[self.classes.index(name) for name in shares],
        )
        for name, members in zip(shares, classes, strict=True):
            if not len(members):
                raise OptionError(f"class {name!r} of sampling= has no events in {where}")
        exact = [Fraction(str(share)) for share in shares.values()]
        fractions = tuple(share / sum(exact) for share in exact)
        num_batches = self.sampling.num_batches or batches_of_epoch(
            [*map(len, classes)],
            fractions,
            batch_size=options.ranks.step_size,
        )
        if num_batches * options.ranks.step_size >= _MAX_EVENTS:
            message = f"an epoch of sampling={given} would have more than 2^63 events"
            raise OptionError(f"{message}; give Sampling(..., num_batches=), a smaller number")
        return Mixture(
            tuple(classes),
            fractions,
            batch_size=options.batch_size,
            num_batches=num_batches,
            world_size=options.world_size,
        )

    def _steps(self, labels: Array, ranges: Sequence[range]) -> Iterator[Array]:
        """Yield the labels of rows, step by step, after a check."""
        for rows in steps_of(ranges, _NUM_LABELS):
            step = np.ascontiguousarray(labels[rows.start : rows.stop])
            wrong = outside(step, -1, len(self.classes))  # -1: of no class
            if wrong is not None:
                message = f"{self.key!r} has the value {wrong}, which is the number of no class"
                raise ColumnError(f"{message}: there are {len(self.classes):,}, from 0 on")
            yield step

    def __str__(self) -> str:
        return ", ".join(f"{share:g} {name}" for name, share in self.sampling.shares.items())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"shares": dict(self.sampling.shares), "num_batches": self.sampling.num_batches}


def _check_shares(given: object) -> dict[str, float]:
    if not isinstance(given, Mapping) or not given:
        example = "{'signal': 0.5, 'background': 0.5}"
        message = f"sampling= is a dict of class and share, such as {example}"
        raise OptionError(f"{message}, got {given!r}")
    return {
        check_key(name, name="a class of sampling="): _check_share(name, share)
        for name, share in given.items()
    }


def _check_share(name: str, share: object) -> float:
    if is_number(share):
        number = float(str(share))  # np.float32(0.1) prints as 0.1, and that is what was meant
        if 0 < number <= 1:
            return number
    message = f"the share of {name!r} in sampling= must be a number greater than 0 and up to 1"
    hint = "; leave out a class that is not to come" if share == 0 else ""
    raise OptionError(f"{message}, got {share!r}{hint}")
