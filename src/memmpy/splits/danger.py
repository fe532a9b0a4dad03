"""What splits may do that the user does not expect, looked for in the names of the events."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Snapshot
from memmpy.errors import SplitError
from memmpy.order import SPLIT_NAMES, Words, in_ticket_ranges
from memmpy.printing import num_in_words
from memmpy.splits.events import (
    are_named_by_files,
    check_named,
    identities_of,
    named_columns,
)
from memmpy.splits.naming import has_several_trees
from memmpy.splits.rule import TicketRule, edges_of
from memmpy.splits.value import Splits
from memmpy.store import Metadata, hash64, hash_text, locate, tree_name
from memmpy.typing import Array, Entries

__all__ = ["Groups", "dangers_of", "groups_of", "ingredients_of"]

#: Entries that are looked at in one go, and names that are kept for all of a store.
_CHUNK, _MAX_NAMES = 1 << 18, 1 << 20
#: Entries of which names are looked for that many share, and the share that is too many.
_NUM_SAMPLES, _TOO_MANY, _MIN_SHARED = 1 << 16, 0.01, 50
#: Shares of the splits may be off by so many standard deviations.
_NUM_SIGMAS = 5
#: Bits of the mantissas of float32 and float64, and numbers that tell that all were rounded.
_MANTISSAS, _MIN_ROUNDED = {"float32": 24, "float64": 53}, 50


def ingredients_of(metadata: Metadata, splits: Splits, *, num_entries: int) -> str:
    """Return a hash of all that `dangers_of` depends on."""
    columns = metadata.columns
    made_of = [
        splits.to_json(),
        num_entries,
        [columns[key].fingerprint if key in columns else None for key in splits.keys],
        [
            [s.uuid, s.tree, s.tree_start, s.num_entries, sorted(s.metadata.items())]
            for s in metadata.sources
        ],
    ]
    return hash_text(hash64(json.dumps(made_of, sort_keys=True)))


def dangers_of(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> Iterator[str]:
    """Yield what to warn of: each danger once, with the files and the way out.

    Reads the columns that name events once, in pieces: about 30 ns an entry.

    Raises
    ------
    SplitError
        If a rule made elsewhere puts one identity on two sides.
    """
    rule = splits.ticket_rule
    check_named(snapshot, rule, num_entries=num_entries)
    where = repr(os.fspath(snapshot.path))
    if rule.by == "file":
        yield from _dangers_of_files(snapshot, splits, where)
        return
    if num_entries == 0:
        return
    sampled = np.unique(np.linspace(0, num_entries - 1, min(num_entries, _NUM_SAMPLES)).astype(int))
    names = ", ".join(map(repr, rule.by))
    for key in rule.by:
        rounded = _rounded_by(_plain_values(snapshot, key, sampled))
        if rounded is not None:
            yield (
                f"the numbers of {key!r} in {where} went through {rounded} before they came here: "
                "events of different numbers have one name; take the integers from the files that "
                "had them"
            )
    seen = _look(snapshot, splits, rule, sampled, num_entries)
    if seen.shared:
        shares = ", ".join(f"{num / num_entries:.0%}" for num in seen.shared[:3])
        yield (
            f"by={rule.by!r} does not name the events of {where}: "
            f"{num_in_words(len(seen.shared), 'name')} with {shares} of all entries; entries of "
            "one name are on one side together. Name events with Splits(by=...) by columns that "
            "differ from event to event"
        )
    elif rule.region is None:
        yield from _dangers_of_shares(splits, seen, num_entries, where)
    yield from _dangers_of_overlaps(snapshot, seen, names, where)


@dataclass(frozen=True, slots=True)
class Groups:
    """The entries of a store by where equal identities are wrong: in two files of one process.

    Parameters
    ----------
    of_source : int64 array
        For each source, a number that files of one process and one variation share.
    file_of_source : int64 array
        For each source, the number of its file, by UUID.
    paths : list of str
        A path of each file.
    """

    of_source: NDArray[np.int64]
    file_of_source: NDArray[np.int64]
    paths: list[str]


def groups_of(metadata: Metadata) -> Groups:
    """Return the groups of the sources of a store.

    Process is the metadata of that name, else all of it. Files of another ``variation`` hold the
    same events by right.
    """
    groups: dict[object, int] = {}
    files: dict[str, int] = {}
    of_source, file_of_source, paths = [], [], []
    for source in metadata.sources:
        texts = source.metadata
        process = texts["process"] if "process" in texts else sorted(texts.items())
        group = json.dumps([process, texts.get("variation")])
        of_source.append(groups.setdefault(group, len(groups)))
        if source.uuid not in files:
            files[source.uuid] = len(files)
            paths.append(source.path)
        file_of_source.append(files[source.uuid])
    return Groups(np.array(of_source, np.int64), np.array(file_of_source, np.int64), paths)


def _dangers_of_files(snapshot: Snapshot, splits: Splits, where: str) -> Iterator[str]:
    """Yield what is wrong with names that are files and entries."""
    has_trees = has_several_trees(snapshot.metadata.sources)
    if splits.num_folds is None and not has_trees:
        return
    if has_trees:
        trees: dict[str, set[str]] = {}
        for source in snapshot.metadata.sources:
            trees.setdefault(source.path, set()).add(tree_name(source))
        path, names = next((p, sorted(n)) for p, n in trees.items() if len(n) > 1)
        what = f"trees {', '.join(map(repr, names[:3]))} of {path!r} hold"
        what += " the same events under other names, which may be on two sides"
    else:
        what = f"{splits.num_folds} folds hold for these very files: written again, the same "
        what += "events are others, and on other sides"
    yield (
        f"by='file' names the events of {where} by file, tree and entry: {what}; name them by "
        "columns, such as Splits(by=('run', 'event'), ...)"
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of the names.

    Parameters
    ----------
    shared : list of int
        How many entries each name has that too many share.
    counts : int64 array
        Entries of each split, of the first fold.
    mean_multiplicity : float
        Of an entry's name, how many entries it has, on average over entries.
    overlaps : mapping of (file, file) to int
        Entries of the latter whose name the former has, in one process.
    is_whole : bool
        Whether all names were looked at, and not some of them.
    """

    shared: list[int]
    counts: NDArray[np.int64]
    mean_multiplicity: float
    overlaps: dict[tuple[int, int], int]
    is_whole: bool


def _look(
    snapshot: Snapshot, splits: Splits, rule: TicketRule, sampled: Entries, num_entries: int
) -> _Seen:
    """Read the names of all entries once."""
    suspects = _suspects(snapshot, rule, sampled, num_entries)
    num_of_suspects = np.zeros(len(suspects), np.int64)
    fold = None if splits.num_folds is None else 0
    ranges = [splits.ranges(split, fold) for split in SPLIT_NAMES]
    counts = np.zeros(len(ranges), np.int64)
    groups = groups_of(snapshot.metadata)
    has_files = are_named_by_files(snapshot.metadata, num_entries)
    kept = _Names(num_entries)
    for start in range(0, num_entries, _CHUNK):
        entries = np.arange(start, min(start + _CHUNK, num_entries))
        columns = named_columns(snapshot, rule.keys, entries)
        identities = rule.identities(columns)
        drawn = rule.tickets(identities, columns)
        counts += [np.count_nonzero(in_ticket_ranges(drawn, found)) for found in ranges]
        if len(suspects):
            places = np.searchsorted(suspects, identities)
            places[places == len(suspects)] = 0
            is_suspect = suspects[places] == identities
            num_of_suspects += np.bincount(places[is_suspect], minlength=len(suspects))
        owners = np.zeros(len(entries), np.int64)
        if has_files:
            owners, _ = locate(snapshot.metadata.sources, entries)
        regions = np.zeros(len(entries), np.int64)
        if rule.region is not None:
            regions = np.searchsorted(_inner_edges(rule), drawn, side="right")
        kept.add(identities, owners, regions)
    names = kept.compressed()
    if rule.region is not None:
        _check_regions(snapshot, rule, names)
    is_shared = (num_of_suspects > _TOO_MANY * num_entries) & (num_of_suspects >= _MIN_SHARED)
    return _Seen(
        shared=sorted(num_of_suspects[is_shared].tolist(), reverse=True),
        counts=counts,
        mean_multiplicity=names.mean_multiplicity(),
        overlaps=names.overlaps(groups) if has_files else {},
        is_whole=kept.is_whole,
    )


class _Names:
    """The names of entries, or of those below a limit, which grows smaller with their number.

    A name is kept with all of its entries or with none: so how many entries a name has is seen
    right.

    Parameters
    ----------
    num_entries : int
        How many there are in all.
    """

    def __init__(self, num_entries: int) -> None:
        self._limit = 2**64
        while num_entries * self._limit > _MAX_NAMES << 64:
            self._limit //= 2
        self._pending: list[tuple[Words, Array, Array, Array]] = []
        self._num_pending = 0

    @property
    def is_whole(self) -> bool:
        """Whether no names were left out."""
        return self._limit == 2**64

    def add(self, identities: Words, owners: Array, regions: Array) -> None:
        """Add entries."""
        if not self.is_whole:
            below = identities < np.uint64(self._limit)
            identities, owners, regions = identities[below], owners[below], regions[below]
        self._pending.append((identities, owners, regions, np.ones(len(identities), np.int64)))
        self._num_pending += len(identities)
        if self._num_pending > 2 * _MAX_NAMES:
            self.compressed()

    def compressed(self) -> "_Compressed":
        """Return the entries by name, file and region, with their numbers."""
        parts = [np.concatenate(column) for column in zip(*self._pending, strict=True)]
        identities, owners, regions, counts = parts
        order = np.lexsort((regions, owners, identities))
        keys = [values[order] for values in (identities, owners, regions)]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = np.logical_or.reduce([values[1:] != values[:-1] for values in keys])
        starts = np.flatnonzero(is_first)
        summed = np.add.reduceat(counts[order], starts) if len(starts) else counts[:0]
        whole = tuple(values[starts] for values in keys)
        self._pending = [(whole[0], whole[1], whole[2], summed)]
        self._num_pending = len(summed)
        return _Compressed(*self._pending[0])


@dataclass(frozen=True, slots=True)
class _Compressed:
    """Entries by name, source and region, sorted by name, then by source; and their numbers."""

    identities: Words
    owners: Array
    regions: Array
    counts: Array

    def mean_multiplicity(self) -> float:
        """Return how many entries the name of an entry has, on average over entries."""
        if not len(self.counts):
            return 1.0
        starts = np.flatnonzero(np.append(True, self.identities[1:] != self.identities[:-1]))
        nums = np.add.reduceat(self.counts, starts).astype(np.float64)
        return float((nums * nums).sum() / nums.sum())

    def overlaps(self, groups: Groups) -> dict[tuple[int, int], int]:
        """Return how many entries of a file have a name of an earlier one of the same process."""
        group, file = groups.of_source[self.owners], groups.file_of_source[self.owners]
        # The first row of each (name, group) is of the earliest source.
        order = np.lexsort((self.owners, group, self.identities))
        same = (self.identities[order][1:] == self.identities[order][:-1]) & (
            group[order][1:] == group[order][:-1]
        )
        starts = np.flatnonzero(np.append(True, ~same))
        first = np.repeat(file[order][starts], np.diff(np.append(starts, len(order))))
        is_other = file[order] != first
        found: dict[tuple[int, int], int] = {}
        for earlier, later, num in zip(
            first[is_other].tolist(),
            file[order][is_other].tolist(),
            self.counts[order][is_other].tolist(),
            strict=True,
        ):
            found[earlier, later] = found.get((earlier, later), 0) + num
        return found


def _check_regions(snapshot: Snapshot, rule: TicketRule, names: _Compressed) -> None:
    """Raise a `SplitError` if entries of one name are in two regions."""
    same = names.identities[1:] == names.identities[:-1]
    starts = np.flatnonzero(np.append(True, ~same))
    lowest = np.minimum.reduceat(names.regions, starts)
    highest = np.maximum.reduceat(names.regions, starts)
    num = int(np.count_nonzero(lowest != highest))
    if num:
        message = (
            f"the rule {rule.region} puts {num_in_words(num, 'event')} of "
            f"{os.fspath(snapshot.path)!r} on two sides: entries that agree in "
            f"{', '.join(map(repr, rule.by))} have different values of it; give a rule of the "
            "columns that name an event, or name events by others with by="
        )
        raise SplitError(message)


def _suspects(snapshot: Snapshot, rule: TicketRule, sampled: Entries, num_entries: int) -> Words:
    """Return the names that many of some entries share, ascending."""
    identities = identities_of(snapshot, rule, sampled, num_entries=num_entries)
    names, counts = np.unique(identities, return_counts=True)
    found: Words = names[(counts > 1) & (counts > _TOO_MANY / 2 * len(sampled))]
    return found


def _dangers_of_shares(splits: Splits, seen: _Seen, num_entries: int, where: str) -> Iterator[str]:
    fold = None if splits.num_folds is None else 0
    expected = [
        sum(stop - start for start, stop in splits.ranges(split, fold)) / 2**64
        for split in SPLIT_NAMES
    ]
    # Entries of one name go together: they count as one draw of that size.
    sigmas = [
        max(1.0, sqrt(share * (1 - share) * num_entries * seen.mean_multiplicity))
        for share in expected
    ]
    off = [
        abs(num - share * num_entries) > _NUM_SIGMAS * sigma
        for num, share, sigma in zip(seen.counts.tolist(), expected, sigmas, strict=True)
    ]
    if any(off):
        shares = ", ".join(
            f"{name} {num / num_entries:.1%} instead of {share:.1%}"
            for name, num, share in zip(SPLIT_NAMES, seen.counts.tolist(), expected, strict=True)
        )
        yield (
            f"the shares of the splits of {where} are off: {shares}. Too few names for so many "
            "entries? Name events with Splits(by=...) by columns that differ from event to event"
        )


def _dangers_of_overlaps(snapshot: Snapshot, seen: _Seen, names: str, where: str) -> Iterator[str]:
    if not seen.overlaps:
        return
    paths = groups_of(snapshot.metadata).paths
    worst = sorted(seen.overlaps.items(), key=lambda pair: -pair[1])
    (earlier, later), _ = worst[0]
    num = sum(seen.overlaps.values())
    num_files = len({later for _, later in seen.overlaps})
    more = f", and so in {num_files - 1} other files" if num_files > 1 else ""
    about = "" if seen.is_whole else "at least "
    yield (
        f"{about}{num:,} entries of {where} have the {names} of an entry in another file of their "
        f"process: {paths[later]!r} repeats {paths[earlier]!r}{more}. Overlapping slices, or a "
        "file added twice? Leave one of them out, or name events with Splits(by=...) by columns "
        "that tell them apart; memmpy.open(...).check() counts them"
    )


def _plain_values(snapshot: Snapshot, key: str, entries: Entries) -> Array:
    """Return the integers of some entries; none of a column of hashes."""
    columns = named_columns(snapshot, [key], entries)
    values = columns.values[key]
    return values[:0] if key in columns.texts else values


def _rounded_by(values: Array) -> str | None:
    """Return the dtype of floats that integers went through; None where they did not.

    All that are large enough are multiples of the distance of two floats there, and some of the
    largest are odd multiples. Numbers with zeros at their end, as packed ones have, are even ones.
    """
    if values.dtype.kind not in "iu":
        return None
    sizes = (
        np.abs(values.astype(np.int64)).astype(np.uint64)
        if values.dtype.kind == "i"
        else (values.astype(np.uint64))
    )
    for name, bits in _MANTISSAS.items():
        large = sizes[sizes >= np.uint64(1 << (bits + 1))]
        if len(large) < _MIN_ROUNDED:
            continue
        # The distance of two floats, a power of two, below each number.
        distances = np.uint64(1) << (_num_bits(large) - np.uint64(bits))
        multiples, rest = np.divmod(large, distances)
        if not rest.any() and np.count_nonzero(multiples & np.uint64(1)) >= len(large) / 8:
            return name
    return None


def _num_bits(numbers: Words) -> Words:
    """Return the bits that each number above 0 has."""
    bits = np.zeros(len(numbers), np.uint64)
    for step in (32, 16, 8, 4, 2, 1):
        is_more = (numbers >> bits) >= (np.uint64(1) << np.uint64(step))
        bits += is_more * np.uint64(step)
    bits += np.uint64(1)
    return bits


def _inner_edges(rule: TicketRule) -> Words:
    return np.array(edges_of(rule.num_regions)[1:-1], np.uint64)
