"""Groups entries by columns of text, integers or booleans."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ReadText, Snapshot, no_column
from memmpy.cuts.evaluation import ColumnLike, HashedText
from memmpy.errors import OptionError, nearest
from memmpy.store import Metadata, hash_text
from memmpy.typing import Array, Entries, PathLike

__all__ = [
    "MAX_GROUPS",
    "Group",
    "check_by",
    "check_kinds",
    "check_known",
    "check_num_groups",
    "distinct_values",
    "groups_in",
    "known_groups",
    "labels_of",
    "sort_groups",
    "split_signal",
]

#: The values that the entries of a group have in the columns to group by.
Group: TypeAlias = tuple[str | int, ...]

#: Groups at most. More are likely a mistake: it would be a table of events.
MAX_GROUPS = 1000


def check_by(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns to group by; raise an `OptionError` unless they are names."""
    names = () if by is None else (by,) if isinstance(by, str) else by
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(f"by is a column or a tuple of columns, such as 'process', not {by!r}")
    return tuple(dict.fromkeys(names))


def check_known(
    by: Iterable[str], known: Iterable[str], *, path: PathLike, metadata: Metadata
) -> None:
    """Raise an error for a column that is missing or stale."""
    names = sorted(known)
    for key in by:
        if key not in names:
            raise no_column(key, metadata, path=path, known=names, purpose=" to group by")


def check_kinds(snapshot: Snapshot, by: Iterable[str]) -> None:
    """Raise an `OptionError` for a column that entries cannot be grouped by."""
    for key in by:
        column = snapshot.columns[key]
        if isinstance(column, np.ndarray):
            is_right = column.ndim == 1 and column.dtype.kind in "biu"
            kind = f"a column of {column.dtype}{list(column.shape[1:]) or ''}"
        else:
            is_right = isinstance(column, ReadText)
            kind = f"a {snapshot.metadata.columns[key].kind} column"
        if not is_right:
            message = f"entries cannot be grouped by {key!r}, {kind}; "
            raise OptionError(message + "group by text, integers or booleans, such as metadata")


def known_groups(snapshot: Snapshot, by: Sequence[str]) -> list[Group]:
    """Return the groups of the files of a store, in their order, also those without entries.

    There are none unless all columns are metadata.
    """
    texts_of_files = []
    for key in by:
        texts = snapshot.metadata.columns[key].source_texts
        if texts is None:
            return []
        texts_of_files.append(texts)
    return list(dict.fromkeys(zip(*texts_of_files, strict=True)))


def groups_in(
    by: Sequence[str], columns: Mapping[str, ColumnLike], *, num_entries: int
) -> tuple[list[Group], Entries]:
    """Return the groups of some entries in order of appearance, and the number of each entry's.

    Parameters
    ----------
    by : sequence of str
        The columns to group by; without any, all entries are one group.
    columns : mapping of str to array or HashedText
        Their values.
    num_entries : int
        The number of entries, at least 1.

    Raises
    ------
    OptionError
        If there are more than `MAX_GROUPS` groups.
    """
    groups: list[Group] = [()]
    numbers = np.zeros(num_entries, np.int64)
    for key in by:
        values, value_of = distinct_values(columns[key])
        check_num_groups(len(values), by)
        codes, numbers = _distinct(numbers * len(values) + value_of)
        groups = [(*groups[i // len(values)], values[i % len(values)]) for i in codes.tolist()]
        check_num_groups(len(groups), by)
    return groups, numbers


def check_num_groups(num_groups: int, by: Sequence[str]) -> None:
    """Raise an `OptionError` for more groups than a table can show."""
    if num_groups > MAX_GROUPS:
        names = " and ".join(map(repr, by))
        message = f"{names} would make more than {MAX_GROUPS:,} groups; "
        raise OptionError(message + "group by columns of few values, such as metadata")


def sort_groups(groups: Sequence[Group]) -> list[Group]:
    """Sort groups by their first column, then the next: numbers ascend, texts keep their order."""
    places: list[dict[str | int, int]] = []
    for values in zip(*groups, strict=True):
        distinct = list(dict.fromkeys(values))
        numbers = sorted(value for value in distinct if not isinstance(value, str))
        in_order: list[str | int] = [value for value in distinct if isinstance(value, str)]
        places.append({value: i for i, value in enumerate([*numbers, *in_order])})
    return sorted(groups, key=lambda group: [own[v] for own, v in zip(places, group, strict=True)])


def labels_of(groups: Sequence[Group]) -> tuple[str, ...]:
    """Return a name for each group, all distinct: ``ttH, mc16a``."""
    words = [[_word(value) for value in group] or ["all"] for group in groups]
    labels = [", ".join(each) for each in words]
    if len(set(labels)) < len(labels):
        labels = [", ".join(map(repr, each)) for each in words]
    return tuple(labels)


def split_signal(
    signal: str | Sequence[str] | None, groups: Sequence[Group]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups that a user names as the signal, and those of the background.

    A name is that of a group, else one of its values. The background is what is neither the signal
    nor ``data``; it is empty without a signal.

    Raises
    ------
    OptionError
        If a name is none of them.
    """
    names = () if signal is None else (signal,) if isinstance(signal, str) else signal
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(f"signal is a group or a list of groups, such as 'ttH', not {signal!r}")
    labels = labels_of(groups)
    words = {
        label: {_word(value) for value in group}
        for label, group in zip(labels, groups, strict=True)
    }
    known = dict.fromkeys([*labels, *(word for each in words.values() for word in each)])
    chosen = set()
    for name in names:
        if name not in known:
            shown = ", ".join(map(repr, labels[:10]))
            message = f"the signal {name!r} is none of the groups {shown}"
            raise OptionError(f"{message}{nearest(name, known)}")
        chosen |= {name} if name in words else {label for label in labels if name in words[label]}
    if not chosen:
        return (), ()
    others = (label for label in labels if label not in chosen and "data" not in words[label])
    return tuple(label for label in labels if label in chosen), tuple(others)


def _word(value: str | int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # Bytes of the file that are no UTF-8 cannot be printed.
    return str(value).encode(errors="backslashreplace").decode()


def distinct_values(column: ColumnLike) -> tuple[list[Any], Entries]:
    """Return the distinct values of a column as they appear, and the number of each entry's."""
    if not isinstance(column, HashedText):
        values = np.asarray(column)
        if values.dtype == object:  # texts, which are sorted slowly
            place_of: dict[str, int] = {}
            places = [place_of.setdefault(text, len(place_of)) for text in values.tolist()]
            return list(place_of), np.array(places, np.int64)
        distinct, numbers = _distinct(values)
        return distinct.tolist(), numbers
    distinct, numbers = _distinct(column.values)
    return [column.table.get(code, hash_text(code)) for code in distinct.tolist()], numbers


def _distinct(values: Array) -> tuple[Array, Entries]:
    """Return the distinct values as they appear, and the number of each entry's among them."""
    # Entries of one file lie side by side: few runs of equal values have to be sorted.
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))[: len(values)])
    distinct, first, number_of_run = np.unique(
        values[starts], return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    numbers = np.argsort(order)[number_of_run]
    return distinct[order], np.repeat(numbers, np.diff(starts, append=len(values)))
