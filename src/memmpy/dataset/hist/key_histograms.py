"""Fills the histograms of keys of a store by group, in one pass on threads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ReadText, Snapshot, check_keys
from memmpy.cuts import (
    STEP_SIZE,
    ColumnLike,
    EntryNotes,
    Group,
    Grouping,
    GroupOptions,
    GroupTotals,
    distinct_values,
    labels_of,
    plan_groups,
)
from memmpy.dataset.hist.bin_edges import BinEdges, BinsOption, auto_edges, check_bins
from memmpy.dataset.key_values import FlatValues, ValueSource, num_values, values_of
from memmpy.errors import OptionError, nearest
from memmpy.kernels import VALUES_BINNED, fill_bins, is_worth_compiling
from memmpy.parallel import check_threads
from memmpy.typing import Array

__all__ = ["MAX_TEXTS", "KeyHistogram", "fill_histograms"]

#: Texts of a key at most that have a bin of their own.
MAX_TEXTS = 100
#: Ranges of entries, and entries in each, that memmpy looks at to choose bins.
_NUM_LOOKS, _LOOK = 32, 2048
#: Values that are enough to choose bins, and those to keep of each range of all entries.
_FEW_VALUES, _KEPT_VALUES = 1000, 2000


@final
@dataclass(frozen=True, slots=True, eq=False)
class KeyHistogram:
    """The histogram of a key, for each group.

    Attributes
    ----------
    key : str
        The key or the expression.
    bins : BinEdges or tuple of str
        The edges of the bins; the texts of a key of text.
    groups : tuple of str
        The groups; ``("all",)`` without columns to group by.
    sums, squares : float64 arrays of shape (num_groups, num_bins + 3)
        The sums of weights and of squared weights: below the first edge, in each bin, above the
        last edge, and of NaN.
    has_lists : bool
        Whether an event may have several values.
    """

    key: str
    bins: BinEdges | tuple[str, ...]
    groups: tuple[str, ...]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    has_lists: bool

    @property
    def values(self) -> NDArray[np.float64]:
        """The sums of the bins alone, of shape (num_groups, num_bins)."""
        return self.sums[:, 1:-2]


def fill_histograms(
    snapshot: Snapshot,
    keys: Sequence[str],
    *,
    bins: BinsOption | Mapping[str, BinsOption] = "auto",
    options: GroupOptions | None = None,
    num_threads: int | None = None,
) -> list[KeyHistogram]:
    """Fill the histograms of several keys in one pass over the store.

    Parameters
    ----------
    snapshot : Snapshot
        The store; its columns are open.
    keys : sequence of str
        Keys of columns or expressions.
    bins : "auto", int, tuple, list of float, or mapping of key to these
        See `Store.hist`. Keys that a mapping lacks get ``"auto"``. A key of text has its texts as
        bins: all of metadata, else the first 100 in the order of the entries. Other texts are in
        the overflow.
    options : GroupOptions, optional
        The columns to group by, the cut and the weight; aliases and constants.
    num_threads : int, optional
        See `cutflow`.

    Returns
    -------
    list of KeyHistogram
        One for each key. Their sums are the same for any number of threads.

    Raises
    ------
    CutError, MissingKeyError, OptionError, LengthError
        See `Store.hist`.
    """
    check_keys(keys)
    threads, options = check_threads(num_threads), options or GroupOptions()
    asked = _bins_by_key(keys, bins)
    plain = [key for key in asked if key in snapshot.columns and key not in (options.aliases or ())]
    nodes = {key: options.read(key) for key in asked if key not in plain}
    grouping = plan_groups(snapshot, list(nodes.values()), keys=plain, options=options)
    programs = dict(zip(nodes, grouping.programs, strict=True))
    sources = {key: programs.get(key, key) for key in asked}
    num_entries = grouping.inputs.num_entries
    reader = _Reader(grouping, sources, _texts_of(plain, snapshot, grouping))
    axes: dict[str, BinEdges | tuple[str, ...]] = {**reader.texts}
    axes |= _edges_of(reader, asked, threads)
    columns = grouping.inputs.columns
    num = sum(num_values(columns[key]) if key in plain else num_entries for key in asked)
    compiled = is_worth_compiling(num, least=VALUES_BINNED)
    work = partial(_fill, reader, axes, compiled=compiled)
    ends = np.cumsum([_num_bins(axis) + 3 for axis in axes.values()])
    totals = GroupTotals(np.zeros((2, ends[-1])), grouping)
    for part in grouping.inputs.map(work, step_size=STEP_SIZE, num_threads=threads):
        totals.add(*part)
    totals.warn()
    groups = totals.in_order()
    sums = np.reshape([*groups.values()], (len(groups), 2, ends[-1]))
    sums_of = dict(zip(axes, np.split(sums, ends[:-1], axis=2), strict=True))
    return [
        KeyHistogram(
            key,
            axes[key],
            labels_of([*groups]),
            sums=sums_of[key][:, 0],
            squares=sums_of[key][:, 1],
            has_lists=has_lists,
        )
        for key, has_lists in zip(keys, reader.have_lists(keys), strict=True)
    ]


def _bins_by_key(
    keys: Sequence[str], bins: BinsOption | Mapping[str, BinsOption]
) -> dict[str, BinEdges | int | None]:
    if not isinstance(bins, Mapping):
        return dict.fromkeys(keys, check_bins(bins))
    for name in bins:
        if name not in keys:
            raise OptionError(
                f"bins names {name!r}, which is none of the keys{nearest(name, keys)}"
            )
    return {key: check_bins(bins.get(key)) for key in keys}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the values of keys; those of a key of text are the numbers of its texts."""

    grouping: Grouping
    sources: Mapping[str, ValueSource]
    texts: Mapping[str, tuple[str, ...]]

    def values(
        self, key: str, columns: Mapping[str, ColumnLike], *, num_entries: int
    ) -> FlatValues:
        """Return the values of a key in a range of entries; see `values_of`."""
        flat = values_of(self.sources[key], columns, num_entries=num_entries)
        if flat.texts is None:
            return flat
        place_of = {text: place for place, text in enumerate(self.texts[key])}
        places = np.array([place_of.get(text, len(place_of)) for text in flat.texts], np.int32)
        return FlatValues(places[flat.values])

    def sample(
        self, keys: Iterable[str], start: int, stop: int, *, num: int | None = None
    ) -> dict[str, Array]:
        """Return the values of entries in a range that pass the cut, or about `num` of them."""
        entries, samples = self.grouping(start, stop), {}
        for key in keys:
            flat = self.values(key, entries.columns, num_entries=stop - start)
            sample = flat.passing(entries.group_of)
            samples[key] = sample if num is None else sample[:: len(sample) // num + 1].copy()
        return samples

    def have_lists(self, keys: Iterable[str]) -> list[bool]:
        """Return whether an event may have several values of each key."""
        columns = self.grouping.inputs.slices(0, 0)
        flat = (self.values(key, columns, num_entries=0) for key in keys)
        return [one.value_offsets is not None for one in flat]


def _texts_of(
    keys: Iterable[str], snapshot: Snapshot, grouping: Grouping
) -> dict[str, tuple[str, ...]]:
    """Return the texts that have bins, of the keys of text."""
    inputs, result = grouping.inputs, {}
    for key in keys:
        if inputs.texts[key] is None and not isinstance(inputs.columns[key], ReadText):
            continue
        texts = dict.fromkeys(snapshot.metadata.columns[key].source_texts or ())
        for start in range(0, 0 if texts else inputs.num_entries, STEP_SIZE):
            stop = min(start + STEP_SIZE, inputs.num_entries)
            texts |= dict.fromkeys(distinct_values(inputs.values(key, start, stop))[0])
            if len(texts) >= MAX_TEXTS:
                break
        result[key] = tuple(texts)[:MAX_TEXTS]
    return result


def _edges_of(
    reader: _Reader, asked: Mapping[str, BinEdges | int | None], num_threads: int
) -> dict[str, BinEdges]:
    """Return the edges of the keys that do not hold text, chosen where the user gives none."""
    edges = {key: bins for key, bins in asked.items() if isinstance(bins, BinEdges)}
    for key in reader.texts:
        if asked[key] is not None:
            raise OptionError(f"{key!r} holds text: its bins are its texts, so leave out bins")
    unknown = [key for key in asked if key not in edges and key not in reader.texts]
    if not unknown:
        return edges
    inputs = reader.grouping.inputs
    samples: dict[str, list[Array]] = {key: [] for key in unknown}
    num_entries = inputs.num_entries
    step = max(_LOOK, -(-num_entries // _NUM_LOOKS))
    for start in range(0, num_entries, step):
        look = reader.sample(unknown, start, min(start + _LOOK, num_entries))
        for key, sample in look.items():
            samples[key].append(sample)
    rare = [key for key in unknown if sum(map(len, samples[key])) < _FEW_VALUES]
    if rare and step > _LOOK:
        work = partial(reader.sample, rare, num=_KEPT_VALUES)
        looks = list(inputs.map(work, step_size=STEP_SIZE, num_threads=num_threads))
        samples |= {key: [look[key] for look in looks] for key in rare}
    for key in unknown:
        num = asked[key]
        assert not isinstance(num, BinEdges)
        sample = np.concatenate(samples[key] or [np.empty(0)])
        edges[key] = auto_edges(sample, num)
    return edges


def _fill(
    reader: _Reader,
    axes: Mapping[str, BinEdges | tuple[str, ...]],
    start: int,
    stop: int,
    *,
    compiled: bool,
) -> tuple[Sequence[Group], Iterable[NDArray[np.float64]], EntryNotes]:
    """Return the groups of a range, the sums and squares of all keys by group, and warnings."""
    entries = reader.grouping(start, stop)
    parts = []
    for key, axis in axes.items():
        edges = np.arange(len(axis) + 1.0) if isinstance(axis, tuple) else axis.edges
        flat = reader.values(key, entries.columns, num_entries=stop - start)
        with np.errstate(invalid="ignore"):  # of infinite weights
            sums = fill_bins(
                flat.values,
                edges,
                offsets=flat.value_offsets,
                groups=flat.of_groups(entries.group_of),
                num_groups=len(entries.groups),
                weights=entries.weights,
                compiled=compiled,
            )
        parts.append(np.stack(sums))
    return entries.groups, np.concatenate(parts, axis=2).swapaxes(0, 1), entries.notes


def _num_bins(axis: BinEdges | tuple[str, ...]) -> int:
    return len(axis) if isinstance(axis, tuple) else len(axis.edges) - 1
