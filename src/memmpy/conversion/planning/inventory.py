"""Finds which columns a conversion can reuse from the store."""

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from memmpy._version import __version__
from memmpy.conversion.planning.column_spec import ColumnSpec, metadata_spec
from memmpy.conversion.planning.number_columns import NumberColumn, constants_of
from memmpy.store import (
    ColumnRecord,
    Metadata,
    Origin,
    Part,
    SourceRecord,
    has_current_numbers,
    part_finder,
)

__all__ = ["Inventory", "Reusable", "Target", "record_for", "stale_origins"]

#: The fields of a spec about padding and casting, and about numbers, which differ by file.
_PADDING_AND_CAST = {"padding", "dtype", "mask"}
_NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Target:
    """The columns of the store after a conversion, and the trees that fill them.

    Parameters
    ----------
    specs : tuple of ColumnSpec
        The columns.
    sources : tuple of SourceRecord
        The trees that fill them, in the order of their entries.
    numbers : mapping of str to NumberColumn
        The numbers of the metadata, and the totals.
    """

    specs: tuple[ColumnSpec, ...]
    sources: tuple[SourceRecord, ...]
    numbers: Mapping[str, NumberColumn] = field(default_factory=dict)

    @property
    def specs_by_key(self) -> dict[str, ColumnSpec]:
        """The specs of the columns that are made of branches."""
        return {spec.key: spec for spec in self.specs}

    @property
    def origins(self) -> dict[str, dict[str, Any]]:
        """The specs of all columns as JSON values, those of the metadata among them."""
        origins = {spec.key: spec_json(spec, self.numbers) for spec in self.specs}
        for name in self.sources[0].metadata:
            origins[name] = metadata_spec(name, self.sources)
        for name, column in self.numbers.items():
            if not column.is_branch:
                origins[name] = {_NUMBERS: {name: column.to_json()}}
        return origins

    def keys_of(self, keys: Collection[str]) -> list[str]:
        """Return the columns that keys and patterns name, sorted."""
        matched = {spec.key for spec in self.specs}
        patterns = [key for key in keys if key not in matched]
        names = {
            name
            for source in self.sources
            for pattern in patterns
            for name in source.matches.get(pattern, ())
        }
        return sorted(matched & (names | set(keys)))

    def num_read(self, key: str, reusable: Sequence[object]) -> int:
        """Return from how many sources a column is read; `reusable` has None for those needed."""
        spec = self.specs_by_key.get(key)
        if spec is None:
            return 0
        sources = [i for i, one in enumerate(reusable) if one is None]
        if not self.numbers.keys() >= {*spec.branches}:
            return len(sources)
        return sum(not constants_of(self.numbers, i).keys() >= {*spec.branches} for i in sources)

    def is_in(self, metadata: Metadata) -> bool:
        """Return whether a store holds all of it."""
        parts, specs = part_finder(self.sources), self.specs_by_key
        return metadata.parts == parts(()) and all(
            is_up_to_date(
                metadata.columns.get(key),
                origin,
                parts(specs[key].branches if key in specs else ()),
            )
            for key, origin in self.origins.items()
        )

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


@dataclass(frozen=True, slots=True)
class Reusable:
    """Entries of a column of the store that can be reused.

    Parameters
    ----------
    key : str
        The column.
    entries : range
        Its entries.
    spec : ColumnSpec or None
        The spec that casts and pads them; None to copy them unchanged.
    made_by : str
        The version of memmpy that read them; empty where the store does not know it.
    clipped : tuple of int or None
        The counts of items that padding cut off, as in `Origin`; None if unknown.
    """

    key: str
    entries: range
    spec: ColumnSpec | None
    made_by: str
    clipped: tuple[int, ...] | None


@final
class Inventory:
    """The columns of a store that came from files, by spec.

    Stale columns are among them: their parts stay valid.

    Parameters
    ----------
    metadata : Metadata
        The metadata of the store.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._columns: dict[str, list[tuple[str, Origin]]] = {}
        for key, column in metadata.columns.items():
            if column.origin is not None and not column.origin.is_metadata:
                bare = _text(_bare(column.origin.spec))
                self._columns.setdefault(bare, []).append((key, column.origin))
        # By the id of a tuple of parts, which most columns share.
        self._ranges: dict[int, dict[Part, tuple[range, int]]] = {}

    def find(
        self, spec: ColumnSpec, parts: Sequence[Part], numbers: Mapping[str, NumberColumn]
    ) -> tuple[Reusable | None, ...]:
        """Return reusable entries for each part of a column, if possible of an equal spec.

        `numbers` have a value for each part.
        """
        new, new_numbers = spec.to_json(), spec_json(spec, numbers).get(_NUMBERS, {})
        candidates = self._columns.get(_text(spec.base), [])
        reusable: dict[Part, Reusable] = {}
        best_first = sorted(
            candidates, key=lambda c: (_without_numbers(c[1].spec) != new, c[0] != spec.key)
        )
        for key, origin in best_first:
            can_reuse, rest = _compare_specs(_without_numbers(origin.spec), new, spec)
            if can_reuse:
                ranges, old_numbers = self._ranges_of(origin), origin.spec.get(_NUMBERS, {})
                for new_i, part in enumerate(parts):
                    if part in ranges and part not in reusable:
                        entries, i = ranges[part]
                        if _values_of(old_numbers, i) != _values_of(new_numbers, new_i):
                            continue
                        made_by = origin.made_by[i] if origin.made_by else ""
                        clipped = origin.clipped[i] if origin.clipped else None
                        reusable[part] = Reusable(key, entries, rest, made_by, clipped)
        return tuple(reusable.get(part) for part in parts)

    def _ranges_of(self, origin: Origin) -> dict[Part, tuple[range, int]]:
        """Return for each part the entries that it fills, and its number."""
        if id(origin.parts) not in self._ranges:
            ranges: dict[Part, tuple[range, int]] = {}
            start = 0
            for i, part in enumerate(origin.parts):
                ranges[part] = range(start, start + part[1]), i
                start += part[1]
            self._ranges[id(origin.parts)] = ranges
        return self._ranges[id(origin.parts)]


def spec_json(spec: ColumnSpec, numbers: Mapping[str, NumberColumn]) -> dict[str, Any]:
    """Return the spec of a column as JSON values, with the numbers that it uses."""
    used = {b: numbers[b].to_json() for b in spec.branches if b in numbers}
    return spec.to_json() | ({_NUMBERS: used} if used else {})


def is_up_to_date(
    column: ColumnRecord | None, spec: Mapping[str, Any], parts: Sequence[Part]
) -> bool:
    """Return whether a column has a spec and exactly these parts."""
    return (
        column is not None
        and column.origin is not None
        and column.origin.spec == spec
        and column.origin.parts == tuple(parts)
    )


def record_for(
    column: ColumnRecord | None,
    spec: Mapping[str, Any],
    parts_of: Callable[[Collection[str]], tuple[Part, ...]],
    branches: tuple[str, ...],
) -> ColumnRecord | None:
    """Return the record of a column if its arrays are up to date; else None.

    It is the column itself, or another record if files without entries came or went.

    Parameters
    ----------
    column : ColumnRecord or None
        The column of the store.
    spec : mapping
        The spec that it must have, as JSON values.
    parts_of : callable
        Returns the parts that it must have, from its branches; see `part_finder`.
    branches : tuple of str
        Its branches.
    """
    parts = parts_of(branches)
    if column is None or is_up_to_date(column, spec, parts):
        return column
    if column.origin is None:
        return None
    old = column.origin
    filled = [i for i, (_, num) in enumerate(parts) if num]
    filled_old = [i for i, (_, num) in enumerate(old.parts) if num]
    is_same = [parts[i] for i in filled] == [old.parts[i] for i in filled_old]
    if not filled or not is_same or _of(filled, spec) != _of(filled_old, old.spec):
        return None
    place = dict(zip(filled, filled_old, strict=True))
    numbers = [place.get(i) for i in range(len(parts))]
    made_by = tuple(__version__ if i is None else old.made_by[i] for i in numbers if old.made_by)
    clipped = tuple(None if i is None else old.clipped[i] for i in numbers if old.clipped)
    of_friends = branches if parts != parts_of(()) else ()
    origin = Origin(spec, parts, made_by, clipped, of_friends)
    return dataclasses.replace(column, origin=origin)


def _of(parts: Sequence[int], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with the texts and numbers of some parts alone."""
    own = dict(spec)
    if "metadata" in spec:
        own["metadata"] = [spec["metadata"][i] for i in parts]
    if _NUMBERS in spec:
        own[_NUMBERS] = {
            name: {**column, "values": [column["values"][i] for i in parts]}
            for name, column in spec[_NUMBERS].items()
        }
    return own


def _bare(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec without padding and casts."""
    fields = _PADDING_AND_CAST | {_NUMBERS}
    return {name: value for name, value in spec.items() if name not in fields}


def _without_numbers(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != _NUMBERS}


def _values_of(numbers: Mapping[str, Any], part: int) -> dict[str, tuple[object, ...]]:
    """Return the numbers of a part, with their dtypes; a missing number is left out."""
    return {
        name: (column["dtype"], value)
        for name, column in numbers.items()
        if (value := column["values"][part]) is not None
    }


def _text(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)


def _compare_specs(
    old: Mapping[str, Any], new: Mapping[str, Any], spec: ColumnSpec
) -> tuple[bool, ColumnSpec | None]:
    """Return whether a column of one spec serves another, and the rest of the work."""
    if old == new:
        return True, None
    # A padded column does not tell how long its lists were.
    if "padding" not in old and new.get("mask"):
        return True, spec
    if "padding" not in old and old.get("dtype") in {None, new.get("dtype")}:
        dtype = None if "dtype" in old else spec.dtype
        return True, dataclasses.replace(spec, dtype=dtype)
    return False, None


def stale_origins(
    metadata: Metadata,
    target: Mapping[str, Mapping[str, Any]],
    sources: Sequence[SourceRecord],
) -> dict[str, Origin]:
    """Return the origins of columns of other files or numbers that are not in the target."""
    parts = part_finder(sources)
    return {
        key: origin
        for key, column in metadata.columns.items()
        if key not in target and (origin := column.origin) is not None
        if origin.parts != parts(origin.branches) or not has_current_numbers(origin.spec, target)
    }
