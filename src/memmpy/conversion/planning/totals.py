"""Totals of a file: the sum of an expression over a whole tree, or the content of a bin."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from memmpy.conversion.planning.partition import partition_entries
from memmpy.cuts import LANGUAGE, Program, keys_of, parse, to_program
from memmpy.errors import InputFileError, MemmpyError, OptionError
from memmpy.jagged import Jagged
from memmpy.sources import (
    EventFile,
    Fill,
    NullRules,
    State,
    check_unchanged,
    fill_missing,
    format_fill,
    open_files,
    read_bin,
)
from memmpy.typing import Array

__all__ = ["Total", "parse_total", "read_total"]

_BIN = re.compile(r"""(?P<name>[^:\[\]]+)\[\s*(?:(?P<number>\d+)|'(?P<a>.*)'|"(?P<b>.*)")\s*\]""")
#: A float64 holds the sum of this many numbers of 32 bits exactly.
_EXACT_LENGTH = 1 << 16
_EXAMPLES = "write 'tree:expression', 'histogram[1]' or \"histogram['label']\""


@dataclass(frozen=True, slots=True)
class Total:
    """The definition of a total.

    Parameters
    ----------
    text : str
        The definition as the user wrote it.
    place : str
        The tree or the histogram; empty for the only tree of a file.
    program : Program or None
        The expression to sum; None for a bin of a histogram.
    bin : int or str
        The number or the label of the bin.
    """

    text: str
    place: str
    program: Program | None = None
    bin: int | str = 0

    def branches(self) -> list[str]:
        """Return the branches of the expression."""
        return [] if self.program is None else sorted(keys_of(self.program.node))

    def cache_key(self, missing: Mapping[str, Fill]) -> str:
        """Return a text that changes with all that the sum over an unchanged file depends on."""
        if self.program is None:
            return self.text
        fills = {b: format_fill(missing[b]) for b in self.branches() if b in missing}
        with_fills = f", missing {fills}" if fills else ""
        return f"{self.text} (language {LANGUAGE}{with_fills})"


def parse_total(name: object, text: object) -> Total:
    """Return the definition of the total `name`.

    Raises
    ------
    OptionError
        If it is no such text.
    CutError
        If memmpy cannot read the expression; shows the place.
    """
    if not isinstance(name, str) or not name or not isinstance(text, str):
        raise OptionError(f"totals maps a name to a text, got {name!r}: {text!r}; {_EXAMPLES}")
    if found := _BIN.fullmatch(text.strip()):
        label = found["a"] if found["b"] is None else found["b"]
        which = label if found["number"] is None else int(found["number"])
        return Total(text, found["name"].strip().strip("/"), None, which)
    place, colon, expression = text.partition(":")
    if not colon or not expression.strip():
        raise OptionError(f"the total {name!r} is {text!r}; {_EXAMPLES}")
    return Total(text, place.strip().strip("/"), _program(expression.strip()))


@lru_cache(maxsize=64)
def _program(expression: str) -> Program:
    # Thousands of files share a few expressions.
    return to_program(parse(expression))


def read_total(
    total: Total, path: str, state: State, *, missing: Mapping[str, Fill], step_bytes: int
) -> float:
    """Return a total of one file.

    Parameters
    ----------
    total : Total
        The definition.
    path : str
        The file.
    state : State
        The state of the file when it was looked at.
    missing : mapping of str to Fill
        By branch, the fill for missing values.
    step_bytes : int
        About how many decompressed bytes to hold in memory.

    Raises
    ------
    InputFileError, MissingKeyError
        If the file has no such tree, branch, histogram or bin, or the sum is not finite.
    OptionError, CutError
        If the expression cannot be computed of such branches.
    """
    if total.program is None:
        where = f"{path}:{total.place}"
        with check_unchanged(path, state):
            value = read_bin(path, total.place, total.bin, state)
    else:
        nulls = NullRules({b: missing[b] for b in total.branches() if b in missing})
        with (
            open_files.open(path, total.place or None, state, nulls, ()) as file,
            check_unchanged(path, state),
        ):
            where = file.where
            value = _sum(_contents(file, total, nulls, step_bytes))
    if not math.isfinite(value):
        message = f"the total {total.text!r} is {value} in {where!r}; leave such values out, as in "
        raise InputFileError(f"{message}'tree:where(isfinite(x), x, 0)'")
    return value


def _contents(file: EventFile, total: Total, nulls: NullRules, step_bytes: int) -> Iterator[Array]:
    """Yield the values to sum, step by step."""
    program = total.program
    assert program is not None
    branches = total.branches()
    for branch in branches:
        if (kind := file.type_of(branch)).dtype is None:
            raise OptionError(
                f"the total {total.text!r} cannot sum {branch!r} of {file.where!r}: it is {kind}"
            )
    if not branches:
        yield np.full(file.num_entries, _values(program, {}))
        return
    ranges = partition_entries(
        {"": branches},
        {branch: file.sizes_of(branch) for branch in branches},
        file.boundaries,
        entry_bytes={"": 0},
        num_entries=file.num_entries,
        start=0,
        stop=file.num_entries,
        num_bytes=step_bytes,
    )
    for entries in ranges:
        columns = {
            name: _widened(fill_missing(values, nulls.fill_of(name), branch=name))
            for name, values in file.read(branches, entries.tree_start, entries.tree_stop)
        }
        yield _values(program, columns)


def _widened(values: Any) -> Any:
    """Return values with floats as float64; integers stay exact."""
    if isinstance(values, Jagged):
        return Jagged.trusted(_widened(values.content), values.offsets)
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _values(program: Program, columns: Mapping[str, Any]) -> Array:
    """Return the values of an expression; an entry without an element that it picks has none."""
    result = program(columns)
    content, present = result.content, result.present
    if present is not None:
        if result.offsets is not None:
            present = np.repeat(present, np.diff(result.offsets))
        content = content[present]
    return content


def _sum(contents: Iterator[Array]) -> float:
    """Return the exact sum, rounded once."""
    try:
        return math.fsum(number for content in contents for number in _numbers(content))
    except MemmpyError:  # some are a ValueError
        raise
    except OverflowError:
        return math.inf
    except ValueError:  # inf - inf
        return math.nan


def _numbers(content: Array) -> Iterator[float]:
    """Yield floats with the same sum; few of them for integers."""
    kind, flat = content.dtype.kind, content.ravel()
    for start in range(0, len(flat), _EXACT_LENGTH):
        some = flat[start : start + _EXACT_LENGTH]
        if kind == "f":
            yield from some.astype(np.float64).tolist()
        elif kind == "b":
            yield float(np.count_nonzero(some))
        else:
            wide = some.astype(np.uint64 if kind == "u" else np.int64)
            yield float((wide & 0xFFFFFFFF).sum())
            yield float(int((wide >> 32).sum()) << 32)
