"""Evaluate cuts on small lists."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, evaluate
from memmpy.typing import Array, Entries

__all__ = ["Jagged", "jagged", "values"]


@dataclass
class Jagged:
    """What cuts know of a jagged column."""

    content: Array
    offsets: Entries


def jagged(*entries: list[Any], dtype: str = "f8") -> Jagged:
    content: Array = np.array([*itertools.chain.from_iterable(entries)], dtype)
    return Jagged(content, np.cumsum([0, *map(len, entries)], dtype=np.int64))


def values(text: str, **columns: ColumnLike) -> list[Any]:
    """Return the values of a cut, those of all entries in one list."""
    found: list[Any] = evaluate(parse(text), columns).content.tolist()
    return found
