"""`TicketRule`: how tickets follow from the names of events, a seed and a user's expression."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts import (
    LANGUAGE,
    ColumnLike,
    HashedText,
    Node,
    compute_column,
    keys_of,
    parse,
    to_program,
)
from memmpy.errors import ColumnError, MissingKeyError, OptionError, SplitError, nearest
from memmpy.kernels import Words
from memmpy.order import NUM_TICKETS, TICKET_VERSION, column_identities, tickets
from memmpy.store import hash64
from memmpy.typing import Array

__all__ = ["NamedColumns", "TicketRule", "edges_of", "regions_of"]


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """Values of events, by column.

    Parameters
    ----------
    values : mapping of str to array of shape (n,)
        The columns; texts as uint64 hashes.
    texts : mapping of str to mapping of int to str
        The text of each hash, for the columns of texts.
    num_events : int
        The number of events.
    """

    values: Mapping[str, Array]
    texts: Mapping[str, Mapping[int, str]]
    num_events: int

    def for_cut(self, key: str) -> ColumnLike:
        """Return a column as an input of an expression."""
        values = self.values[key]
        return HashedText(values, self.texts[key]) if key in self.texts else values


@final
@dataclass(frozen=True, slots=True)
class TicketRule:
    """The rule from the names of events to their tickets.

    Parameters
    ----------
    by : tuple of str, or "file"
        The columns that name an event, or its file and entry.
    seed : int
        The seed of the tickets.
    region : str or None
        An expression in its canonical form. It puts each event into one of `num_regions` equal
        intervals of tickets, inside of which the hash of its name decides.
    num_regions : int
        The number of these intervals; 0 without an expression.
    version : int
        The version of the formulas for identities of columns.
    """

    by: tuple[str, ...] | Literal["file"]
    seed: int
    region: str | None = None
    num_regions: int = 0
    version: int = TICKET_VERSION

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that the rule needs."""
        more = () if self.region is None else sorted(keys_of(_parsed(self.region)))
        return tuple(dict.fromkeys([*(self.by if self.by != "file" else ()), *more]))

    def draw(self, arrays: Mapping[str, Any]) -> Words:
        """Return the tickets of events from arrays; texts are hashed as in a store.

        Raises
        ------
        SplitError
            If files name events, or a column is missing.
        """
        if self.by == "file":
            message = "events are named by their files, which arrays do not know; "
            raise SplitError(f"{message}take store.split_of(entries), or name columns with by=")
        given: object = arrays
        if not isinstance(given, Mapping):
            message = "events are given as a mapping of column to array, such as {'event': [1, 2]}"
            raise OptionError(f"{message}; got {given!r:.80}")
        columns = _named_columns(arrays, self.keys)
        return self.tickets(self.identities(columns), columns)

    def identities(self, columns: NamedColumns) -> Words:
        """Return the identities of events from the columns that name them."""
        assert self.by != "file"
        return column_identities([columns.values[key] for key in self.by])

    def tickets(self, identities: Words, columns: NamedColumns) -> Words:
        """Return the tickets of identities; `columns` has the values of the expression."""
        drawn = tickets(identities, self.seed)
        if self.region is None:
            return drawn
        regions = _regions(self.region, self.num_regions, columns)
        edges = edges_of(self.num_regions)
        starts = np.array(edges[:-1], np.uint64)[regions]
        lasts = np.array([stop - start - 1 for start, stop in pairwise(edges)], np.uint64)[regions]
        placed: Words = starts + np.minimum(drawn // np.uint64(self.num_regions), lasts)
        return placed

    def to_json(self) -> dict[str, Any]:
        """Return the rule as JSON values, in the form that all skims keep."""
        values: dict[str, Any] = {
            "split_by": None if self.by == "file" else list(self.by),
            "split_seed": self.seed,
        }
        if self.region is not None:
            values["regions"] = [self.region, self.num_regions, LANGUAGE]
        if self.by != "file":  # those of files are the same in all versions
            values["tickets"] = self.version
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TicketRule":
        """Return the rule from the values of `to_json`; other entries are ignored."""
        by, (region, num_regions, _) = values["split_by"], values.get("regions", (None, 0, 0))
        rule = cls("file" if by is None else tuple(by), values["split_seed"], region, num_regions)
        return rule if by is None else replace(rule, version=values.get("tickets", 1))


def regions_of(drawn: Words, num_regions: int) -> NDArray[np.int64]:
    """Return the interval of each ticket, of `num_regions` equal intervals."""
    regions = np.searchsorted(_inner_edges(num_regions), drawn, side="right")
    return regions.astype(np.int64, copy=False)


@lru_cache(maxsize=16)
def _inner_edges(num_regions: int) -> Words:
    return np.array(edges_of(num_regions)[1:-1], np.uint64)


@lru_cache(maxsize=64)
def edges_of(num_regions: int) -> list[int]:
    """Return the edges of equal intervals of tickets, from 0 to 2**64, each rounded half up."""
    return [
        (2 * NUM_TICKETS * i + num_regions) // (2 * num_regions) for i in range(num_regions + 1)
    ]


@lru_cache(maxsize=64)
def _parsed(text: str) -> Node:
    return parse(text)


def _regions(text: str, num_regions: int, columns: NamedColumns) -> NDArray[np.int64]:
    """Return the region of each event: the value of an expression, checked."""
    node = _parsed(text)
    inputs = {key: columns.for_cut(key) for key in sorted(keys_of(node))}
    values, _ = compute_column(to_program(node), inputs, num_entries=columns.num_events)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "iub":
        kind = getattr(values, "dtype", "lists")
        way_out = "; wrap it in int(...)" if str(kind).startswith("float") else ""
        raise SplitError(f"the rule {text} gives {kind}, not one integer per event{way_out}")
    if len(values):
        for value in (int(values.min()), int(values.max())):
            if not 0 <= value < num_regions:
                message = (
                    f"the rule {text} gives {value} for some event, not 0 to {num_regions - 1}"
                )
                if value < 0:
                    message += "; % of a negative number is negative, as in C++"
                elif value >= num_regions:
                    message += f"; take a remainder, such as event % {num_regions}"
                raise SplitError(message)
    return values.astype(np.int64)


def _named_columns(arrays: Mapping[str, Any], keys: tuple[str, ...]) -> NamedColumns:
    """Return the columns of these keys from the arrays of a user, checked."""
    values: dict[str, Array] = {}
    texts: dict[str, Mapping[int, str]] = {}
    for key in keys:
        if key not in arrays:
            message = f"no column {key!r} among the arrays{nearest(key, arrays)}"
            raise MissingKeyError(message, key)
        given = np.asarray(arrays[key])
        if given.dtype.kind in "UO" and given.ndim == 1:
            names = given.tolist()
            if not all(isinstance(name, str) for name in names):
                raise ColumnError(f"column {key!r} names no event: it holds objects, not integers")
            hashes = {name: hash64(name) for name in dict.fromkeys(names)}
            given = np.array([hashes[name] for name in names], np.uint64)
            texts[key] = {number: name for name, number in hashes.items()}
        elif given.size == 0 and given.ndim == 1:
            given = given.astype(np.int64)
        if given.ndim != 1:
            raise ColumnError(f"column {key!r} has shape {given.shape}, not one value per event")
        values[key] = given
    lengths = {key: len(column) for key, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ColumnError(
            f"the columns that name events differ in length: {lengths}; give arrays of one length"
        )
    return NamedColumns(values, texts, next(iter(lengths.values())))
