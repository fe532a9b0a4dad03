"""The columns of a training set that are no inputs: class, weight and bin of each event."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from memmpy.columns import ColumnType
from memmpy.cuts import LANGUAGE, ColumnLike, Node, Program, keys_of, normal_form, to_program
from memmpy.errors import ColumnError
from memmpy.jagged import Jagged
from memmpy.skims import Expression
from memmpy.training.class_numbers import NO_CLASS
from memmpy.training.reweight import Reweight
from memmpy.typing import Array, Entries

__all__ = ["BIN", "LABEL", "PHYSICS", "WEIGHT", "BinColumn", "LabelColumn", "WeightColumn"]

#: Names of a batch, and of the fields of the skim that they come from.
LABEL, WEIGHT, PHYSICS, BIN = "label", "weight", "weight_physics", "_bin"


@final
@dataclass(frozen=True, slots=True)
class LabelColumn:
    """The class of each event, as int64: the number of the only cut that it passes.

    Parameters
    ----------
    cuts : mapping of str to Node
        The cut of each class.
    is_optional : bool
        Whether an event may pass none: then it has the class -1.
    is_of_others : bool
        Whether the classes are those of other events, so that a cut which no event can pass is no
        mistake.
    """

    cuts: Mapping[str, Node]
    is_optional: bool
    is_of_others: bool = False
    _programs: tuple[Program, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_programs", tuple(map(to_program, self.cuts.values())))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The cuts whose mistakes are shown."""
        return () if self.is_of_others else tuple(self.cuts.values())

    @property
    def keys(self) -> frozenset[str]:
        """The columns that the cuts need."""
        return frozenset().union(*map(keys_of, self.cuts.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the cuts in their normal form; the names of classes do not change the column."""
        return {
            "classes": [normal_form(node) for node in self.cuts.values()],
            "language": LANGUAGE,
            "optional": self.is_optional,
        }

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:  # noqa: ARG002
        """Return the type: one int64 for each event."""
        return ColumnType("vector", np.dtype(np.int64), ())

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Array | Jagged:
        """Return the class of some entries.

        Raises
        ------
        ColumnError
            If an event is in two classes, or in none where it must have one.
        """
        labels = np.full(len(entries), NO_CLASS, np.int64)
        names = [*self.cuts]
        for number, program in enumerate(self._programs):
            mask = program.mask(program(columns), len(entries))
            taken = mask & (labels >= 0)
            if taken.any():
                at = int(np.flatnonzero(taken)[0])
                message = (
                    f"entry {entries[at]:,} is in two classes, {names[labels[at]]!r} and "
                    f"{names[number]!r}: their cuts must exclude each other"
                )
                raise ColumnError(message)
            labels[mask] = number
        if not self.is_optional and (labels < 0).any():
            at = int(np.flatnonzero(labels < 0)[0])
            message = (
                f"entry {entries[at]:,} passes the cut and is in no class; add a class for it, "
                "tighten the cut, or leave such events out with others='drop'"
            )
            raise ColumnError(message)
        return labels


@final
@dataclass(frozen=True, slots=True)
class WeightColumn:
    """The weight of each event, as float64.

    Parameters
    ----------
    expression : Expression
        The weight, computed in float64.
    """

    expression: Expression

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The expression."""
        return self.expression.nodes

    @property
    def keys(self) -> frozenset[str]:
        """The columns that the expression needs."""
        return self.expression.keys

    def to_json(self) -> dict[str, Any]:
        """Return the expression in its normal form."""
        return {"weight": self.expression.to_json()}

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type: one float64 for each event.

        Raises
        ------
        ColumnError
            If the weight is not one number for each event.
        """
        _check_number(self.expression, types, "weight")
        return ColumnType("vector", np.dtype(np.float64), ())

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Array | Jagged:
        """Return the weights of some entries."""
        return np.asarray(self.expression.values(columns, entries)).astype(np.float64, copy=False)


@final
@dataclass(frozen=True, slots=True)
class BinColumn:
    """The bin of each event in the variables of a `Reweight`, as int32; -1 without a value.

    Parameters
    ----------
    reweight : Reweight
        The bins.
    nodes : tuple of Node
        The expressions of its variables.
    """

    reweight: Reweight
    nodes: tuple[Node, ...]
    _expressions: tuple[Expression, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_expressions", tuple(map(Expression, self.nodes)))

    @property
    def keys(self) -> frozenset[str]:
        """The columns that the variables need."""
        return frozenset().union(*map(keys_of, self.nodes))

    def to_json(self) -> dict[str, Any]:
        """Return the expressions in their normal form, and the edges."""
        edges = [  # JSON has no infinity
            [edge if math.isfinite(edge) else repr(edge) for edge in edges]
            for edges in self.reweight.variables.values()
        ]
        normal = [normal_form(node) for node in self.nodes]
        return {"variables": normal, "edges": edges, "language": LANGUAGE}

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type: one int32 for each event.

        Raises
        ------
        ColumnError
            If a variable is not one number for each event.
        """
        for one in self._expressions:
            _check_number(one, types, "reweight")
        return ColumnType("vector", np.dtype(np.int32), ())

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Array | Jagged:
        """Return the bin of some entries."""
        numbers = [np.asarray(one.values(columns, entries)) for one in self._expressions]
        return self.reweight.bins_of(numbers)


def _check_number(expression: Expression, types: Mapping[str, ColumnType], option: str) -> None:
    """Raise a `ColumnError` unless an expression gives one number for each event."""
    type_of_values = expression.type_of(types)
    if type_of_values.kind != "vector" or type_of_values.shape:
        message = f"{option} takes one number for each event, and {expression.node.span} has "
        raise ColumnError(f"{message}{type_of_values.in_words()}: take an element, or Sum$(...)")
