"""`SplitRows`: the rows of one split as a network gets them, with their classes and weights."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import OptionError, nearest
from memmpy.kernels import VALUES_BINNED, is_worth_compiling
from memmpy.loaders import release_pages, rows_between
from memmpy.skims import Objects, Skim
from memmpy.splits import Splits
from memmpy.training.class_numbers import NO_CLASS_NAME, rows_of_classes
from memmpy.training.fit import Fit
from memmpy.training.input_items import InputItems, item_steps, read_items
from memmpy.training.label_columns import BIN, LABEL, PHYSICS
from memmpy.training.row_fit import RowFit
from memmpy.training.training_request import TrainingRequest
from memmpy.typing import Array

__all__ = ["InputKey", "SplitRows", "names_of_keys"]


@final
@dataclass(frozen=True, slots=True)
class InputKey:
    """A key of an input.

    Attributes
    ----------
    input : str
        The name of the input.
    key : str
        The key.
    number : int
        Its place on the last axis of the input.
    """

    input: str
    key: str
    number: int


@final
@dataclass(frozen=True)
class SplitRows:
    """The rows of one split, with the classes, the weights and the scaling of a training.

    Parameters
    ----------
    skim : Skim
        All rows.
    request : TrainingRequest
        Its content.
    splits : Splits
        The splits of its events.
    split : str
        ``"train"``, ``"val"``, ``"test"`` or ``"all"``.
    fit : Fit
        What scales and weights the rows.
    is_fitted_here : bool
        Whether the fit comes from these events: then negative weights in train are treated.
    """

    skim: Skim
    request: TrainingRequest
    splits: Splits
    split: str
    fit: Fit
    is_fitted_here: bool

    @property
    def title(self) -> str:
        """The split and its fold, in words."""
        if self.split == "all":
            return "all events"
        of_fold = "" if self.fit.fold is None else f" of fold {self.fit.fold}"
        return f"{self.split} split{of_fold}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the groups of events: the classes, and the events of none."""
        return (*self.request.class_names, NO_CLASS_NAME)

    @cached_property
    def ranges(self) -> list[range]:
        """The rows."""
        fold = None if self.split == "all" else self.fit.fold
        return rows_between(self.skim.tickets, self.splits.ranges(self.split, fold))

    def choose(self, names: Sequence[str] | None) -> list[InputKey]:
        """Return the keys of inputs by their names or those of their inputs; all for None.

        Raises
        ------
        OptionError
            If a name is no input and no key.
        """
        keys = [
            InputKey(name, key, number)
            for name, members in self.request.keys.items()
            for number, key in enumerate(members)
        ]
        if names is None:
            return keys
        known = [*self.request.keys, *(one.key for one in keys)]
        given: object = names
        if isinstance(given, str) or not isinstance(given, Sequence) or not given:
            message = "inputs must be a list of names of inputs or keys, or None for all"
            raise OptionError(f"{message}; got {given!r:.80}")
        for name in names:
            if name not in known:
                hint = nearest(str(name), known)
                raise OptionError(f"inputs names {name!r}, which is no input and no key{hint}")
        return [one for one in keys if one.key in names or one.input in names]

    def steps(self, inputs: Sequence[str]) -> list[range]:
        """Return ranges of rows whose items fit into memory."""
        return [*item_steps(self.skim, inputs, self.ranges)]

    def is_large(self, num_values: float) -> bool:
        """Return whether kernels pay for a number of values of each row."""
        num = int(num_values * sum(map(len, self.ranges)))
        return is_worth_compiling(num, least=VALUES_BINNED)

    def groups(self, rows: range) -> NDArray[np.int64]:
        """Return the number of the class of each row; the last one is for no class."""
        num_classes = len(self.classes) - 1
        if LABEL not in self.skim.fields:
            return np.full(len(rows), num_classes if self.request.classes else 0)
        return rows_of_classes(self.skim.rows[rows.start : rows.stop][LABEL], num_classes)

    def weights(self, rows: range, *, compiled: bool) -> NDArray[np.float64]:
        """Return the weight that each row has in a training; 0 if it is not finite."""
        factors = self._row_fit.factors
        part = self.skim.rows[rows.start : rows.stop]
        if factors is None or PHYSICS not in self.skim.fields:
            return np.ones(len(part))
        names = [name for name in (LABEL, PHYSICS, BIN) if name in self.skim.fields]
        columns = {name: np.ascontiguousarray(part[name]) for name in (*names, "_index")}
        weights = factors.weights_of(columns, compiled=compiled).astype(np.float64)
        weights[~np.isfinite(weights)] = 0.0
        return weights

    def items(self, name: str, rows: range) -> InputItems:
        """Return the items of an input, before they are scaled."""
        return read_items(self.skim, name, rows)

    def scaled(self, name: str, items: Array, *, compiled: bool) -> Array:
        """Return items as a network gets them: scaled, and filled if they are missing."""
        values = np.array(items)
        self._row_fit.scalings[name].scale(values, fill=self.request.fill, compiled=compiled)
        return values

    def release(self) -> None:
        """Tell the OS that the rows of a step were read."""
        lists = [array for pair in self.skim.lists.values() for array in pair]
        release_pages([self.skim.rows, *lists])

    def has_objects(self, name: str) -> bool:
        """Return whether an input has several items for each row, such as jets."""
        return isinstance(self.request.inputs[name], Objects)

    @cached_property
    def _row_fit(self) -> RowFit:
        is_train = self.is_fitted_here and self.split == "train"
        return self.fit.row_fit(is_train=is_train, incomplete=self.request.keys)


def names_of_keys(keys: Sequence[InputKey]) -> list[str]:
    """Return the keys; with the input before those that several inputs have."""
    counts = Counter(one.key for one in keys)
    return [f"{one.input}: {one.key}" if counts[one.key] > 1 else one.key for one in keys]
