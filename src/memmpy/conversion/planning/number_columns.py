"""The columns of numbers: numbers of the metadata and totals, with one value for each file."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ColumnType
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.config import Input, Number
from memmpy.display import format_count, format_number
from memmpy.errors import MissingKeyError, OptionError
from memmpy.store import SourceRecord

__all__ = [
    "FileNumbers",
    "NumberColumn",
    "check_number_keys",
    "constants_of",
    "describe_numbers",
    "number_columns",
]

_FLOAT64 = np.dtype("<f8")
#: The types of numbers, from narrow to wide.
_TYPES: Sequence[tuple[type, np.dtype[Any]]] = [
    (bool, np.dtype("?")),
    (int, np.dtype("<i8")),
    (float, _FLOAT64),
]
#: Values of a number, and samples of a total, that a report shows at most.
_MAX_VALUES = 3
_Texts: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FileNumbers:
    """The numbers that one input file itself holds.

    Parameters
    ----------
    uuid : str
        The UUID of the file.
    branches : mapping of str to str or None
        For each name of a number or total, the dtype of the branch of this name in the tree: empty
        if it is not one number for each entry, None if there is no such branch.
    sums : mapping of str to float
        By name, the totals of the file alone.
    cache : mapping of str to float
        All known totals of the file; see `NumberRecord.sums`.
    """

    uuid: str
    branches: Mapping[str, str | None]
    sums: Mapping[str, float]
    cache: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A number of the metadata, or a total.

    Parameters
    ----------
    dtype : np.dtype
        The dtype of the column: that of the branch if there is one.
    values : tuple of bool, int, float or None
        The value of each source; None if it has none.
    is_branch : bool
        Whether sources without a value have a branch of this name. Otherwise they have NaN.
    """

    dtype: np.dtype[Any]
    values: tuple[Number | None, ...]
    is_branch: bool = False

    @property
    def type(self) -> ColumnType:
        """The type of the column."""
        return ColumnType("vector", self.dtype)

    def constant(self, source: int) -> "np.generic[Any] | None":
        """Return the value of all entries of a source; None to read a branch."""
        value = self.values[source]
        if value is None:
            return None if self.is_branch else self.dtype.type(math.nan)
        constant: np.generic[Any] = self.dtype.type(value)
        return constant

    def select(self, sources: Sequence[int]) -> "NumberColumn":
        """Return the column of some sources."""
        return NumberColumn(self.dtype, tuple(self.values[i] for i in sources), self.is_branch)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for the store."""
        return {"dtype": self.dtype.str, "values": [*self.values]}


def number_columns(
    inputs: Sequence[Input], numbers_of_files: Sequence[FileNumbers]
) -> dict[str, NumberColumn]:
    """Return the columns of all numbers and totals, by name.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    numbers_of_files : sequence of FileNumbers
        What each file holds.

    Raises
    ------
    OptionError
        If a name has two meanings, or files of the same texts differ in their numbers; if no column
        can hold all numbers exactly.
    MissingKeyError
        If some files have a branch, and others neither the branch nor a number.
    """
    _check_equal_numbers(inputs)
    names = dict.fromkeys(name for one in inputs for name in one.numbers)
    columns = {name: _number_column(name, inputs, numbers_of_files) for name in names}
    totals = _sum_by_sample(inputs, numbers_of_files)
    for name in dict.fromkeys(name for one in inputs for name in one.totals):
        for one, file in zip(inputs, numbers_of_files, strict=True):
            if file.branches[name] is not None:
                message = f"{name!r} is a total, and a branch of {one.path!r}; rename the total"
                raise OptionError(message)
        columns[name] = NumberColumn(_FLOAT64, tuple(own.get(name) for own in totals))
    return columns


def check_number_keys(
    columns: Mapping[str, NumberColumn], specs: Iterable[ColumnSpec], inputs: Sequence[Input]
) -> None:
    """Check that keys of the names of numbers are branches, and that such branches are keys.

    Raises
    ------
    OptionError
        If a number has the name of another key, or stands in for a branch that is no key.
    MissingKeyError
        If a key has the name of a number, and no file has such a branch.
    """
    by_key = {spec.key: spec for spec in specs}
    for name, column in columns.items():
        if name not in by_key and not column.is_branch:
            continue
        giver = next(one.path for one in inputs if name in {*one.numbers, *one.totals})
        spec, number = by_key.get(name), f"{name!r} is a number in the metadata of {giver!r}, and"
        if spec is None:
            branch = next(one.path for one in inputs if name not in one.numbers)
            message = f"{number} a branch of {branch!r}; add {name!r} to keys to read the branch "
            raise OptionError(f"{message}where files have it, or rename the number")
        if (spec.branches, spec.program, spec.padding) != ((name,), None, None):
            raise OptionError(f"{number} an alias or a padded key; rename one of them")
        if not column.is_branch:
            message = f"{number} no file has a branch of this name; leave {name!r} out of keys, as "
            message += "the store and all batches have the numbers already"
            raise MissingKeyError(message, name)


def constants_of(columns: Mapping[str, NumberColumn], source: int) -> "dict[str, np.generic[Any]]":
    """Return the numbers and totals that all entries of a source have."""
    values = {name: column.constant(source) for name, column in columns.items()}
    return {name: value for name, value in values.items() if value is not None}


def describe_numbers(
    columns: Mapping[str, NumberColumn], sources: Sequence[SourceRecord]
) -> Iterator[tuple[str, str]]:
    """Yield a fact for a report for each number and total."""
    for name, column in columns.items():
        definitions = list(
            dict.fromkeys(s.numbers.totals[name] for s in sources if name in s.numbers.totals)
        )
        if definitions:
            by_sample: dict[str, Number | None] = {}
            for source, value in zip(sources, column.values, strict=True):
                if name in source.numbers.totals:
                    by_sample[_as_words(_sample_of(source.metadata))] = value
            sums = [
                f"{format_number(value, digits=9) or 'missing'}{of and f' for {of}'}"
                for of, value in by_sample.items()
            ]
            yield "total", f"{name} = {', '.join(definitions)}: {_first(sums)}"
            continue
        counts: dict[str, int] = {}
        for value in column.values:
            lacking = "read from the branch" if column.is_branch else "missing"
            text = lacking if value is None else repr(value)
            counts[text] = counts.get(text, 0) + 1
        values = [f"{text} in {format_count(num, 'file')}" for text, num in counts.items()]
        yield "number", f"{name}: {_first(values)}"


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - _MAX_VALUES
    return ", ".join(texts[:_MAX_VALUES]) + (f" and {more:,} more" if more > 0 else "")


def _sample_of(texts: Mapping[str, str]) -> _Texts:
    """Return the texts that tell the sample: all but the variation, which shares its events."""
    return tuple(sorted((name, text) for name, text in texts.items() if name != "variation"))


def _as_words(texts: _Texts) -> str:
    return ", ".join(f"{name}={text}" for name, text in texts)


def _check_equal_numbers(inputs: Sequence[Input]) -> None:
    """Raise an `OptionError` if files of the same texts have other numbers or totals."""
    first_of: dict[tuple[str, _Texts], Input] = {}
    for one in inputs:
        texts = tuple(sorted(one.metadata.items()))
        for kind, same in (("numbers", texts), ("totals", _sample_of(one.metadata))):
            other = first_of.setdefault((kind, same), one)
            ours, theirs = getattr(one, kind), getattr(other, kind)
            if ours != theirs:
                words = _as_words(same)
                what = f"the same metadata ({words})" if words else "no text in their metadata"
                message = f"{other.path!r} and {one.path!r} have {what}, and other {kind}: "
                message += f"{theirs} and {ours}; make them equal, or tell the samples apart by a "
                raise OptionError(f"{message}text such as metadata={{'process': ...}}")


def _number_column(
    name: str, inputs: Sequence[Input], numbers_of_files: Sequence[FileNumbers]
) -> NumberColumn:
    values = tuple(one.numbers.get(name) for one in inputs)
    branches = [file.branches[name] for file in numbers_of_files]
    holder = next((i for i, dtype in enumerate(branches) if dtype is not None), None)
    if holder is None:
        return _column_of_values(name, values, inputs)
    where = inputs[holder].path
    for one, value, branch in zip(inputs, values, branches, strict=True):
        if value is not None and branch is not None:
            message = f"{name!r} is a number in the metadata of {one.path!r}, and a branch of it; "
            raise OptionError(f"{message}leave the number out, or rename it")
        if value is None and branch is None:
            message = f"no branch {name!r} in {one.path!r}, and no such number in its metadata; "
            raise MissingKeyError(f"{message}{where!r} has the branch", name)
    if not branches[holder]:
        giver = next(one for one in inputs if name in one.numbers)
        message = f"{name!r} is a number in the metadata of {giver.path!r}, and a branch of "
        message += f"{where!r} that is not one number for each entry; rename the number"
        raise OptionError(message)
    dtype = np.dtype(branches[holder])
    for one, value in zip(inputs, values, strict=True):
        if value is not None and (nearest := _cast(value, dtype)) != value:
            message = f"{name!r} is {value!r} in the metadata of {one.path!r}, and the branch of "
            message += f"{where!r} is {dtype}, which does not hold it exactly"
            way_out = "" if nearest is None else f"; write {nearest!r}"
            raise OptionError(message + way_out)
    casts = tuple(None if value is None else _cast(value, dtype) for value in values)
    return NumberColumn(dtype, casts, is_branch=True)


def _column_of_values(
    name: str, values: tuple[Number | None, ...], inputs: Sequence[Input]
) -> NumberColumn:
    kinds = {type(value) for value in values if value is not None}
    kind, dtype = next(one for one in reversed(_TYPES) if one[0] in kinds)
    if None in values:
        kind, dtype = float, _FLOAT64
    for one, value in zip(inputs, values, strict=True):
        if value is not None and kind(value) != value:
            message = f"{name!r} is {value} in the metadata of {one.path!r}, which float64 does "
            message += "not hold exactly; the column needs float64, as other files have a float or "
            raise OptionError(f"{message}lack it: give all files an int, or write it as text")
    return NumberColumn(dtype, tuple(None if v is None else kind(v) for v in values))


def _cast(value: Number, dtype: np.dtype[Any]) -> Number | None:
    """Return a number as another dtype holds it; None if it does not hold any such number."""
    with np.errstate(all="ignore"):
        try:
            cast: Number = dtype.type(value).item()
        except OverflowError:
            return None
    return cast if math.isfinite(cast) else None


def _sum_by_sample(
    inputs: Sequence[Input], numbers_of_files: Sequence[FileNumbers]
) -> list[dict[str, float]]:
    """Return the totals of the sample of each input, in which each file counts once."""
    shares: dict[_Texts, dict[str, dict[str, tuple[float, Input]]]] = {}
    for one, file in zip(inputs, numbers_of_files, strict=True):
        sample = shares.setdefault(_sample_of(one.metadata), {})
        for name in one.totals:
            share = file.sums[name]
            known, other = sample.setdefault(name, {}).setdefault(file.uuid, (share, one))
            if known != share:
                message = f"{other.path!r} and {one.path!r} have the same UUID, and {known!r} and "
                message += f"{share!r} as their share of the total {name!r}; leave one of them out"
                raise OptionError(message)
    sums = {
        sample: {
            name: math.fsum(share for share, _ in by_uuid.values())
            for name, by_uuid in by_name.items()
        }
        for sample, by_name in shares.items()
    }
    return [sums[_sample_of(one.metadata)] for one in inputs]
