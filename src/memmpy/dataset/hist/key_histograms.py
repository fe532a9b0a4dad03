"""Fills the histograms of keys of a store by group, in one pass on threads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ReadJagged, ReadShaped, Snapshot, check_keys
from memmpy.cuts import (
    STEP_SIZE,
    ColumnLike,
    Group,
    Grouping,
    GroupOptions,
    check_num_groups,
    distinct_values,
    labels_of,
    plan_groups,
    sort_groups,
)
from memmpy.dataset.hist.bin_edges import BinEdges, BinsOption, auto_edges, check_bins
from memmpy.dataset.hist.key_values import (
    FlatValues,
    ValueSource,
    holds_text,
    is_read_apart,
    values_of,
)
from memmpy.errors import LengthError, OptionError, nearest, warn_of
from memmpy.kernels import VALUES_BINNED, fill_bins, is_worth_compiling
from memmpy.parallel import check_threads
from memmpy.typing import Array, Entries

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

    @property
    def errors(self) -> NDArray[np.float64]:
        """The statistical errors of `values`."""
        return np.sqrt(self.squares[:, 1:-2])


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
    columns = [key for key in plain if not is_read_apart(key, snapshot)]
    grouping = plan_groups(snapshot, list(nodes.values()), keys=columns, options=options)
    num_entries = grouping.inputs.num_entries
    for key in plain:
        if len(snapshot.columns[key]) != num_entries:
            message = f"{key!r} has {len(snapshot.columns[key]):,} entries, "
            raise LengthError(f"{message}but the other columns have {num_entries:,}")
    programs = dict(zip(nodes, grouping.programs, strict=True))
    sources = {key: programs.get(key, key) for key in asked}
    reader = _Reader(snapshot, grouping, sources, _texts_of(plain, snapshot, grouping))
    axes: dict[str, BinEdges | tuple[str, ...]] = {**reader.texts}
    axes |= _edges_of(reader, asked, threads)
    num_values = sum(reader.num_values(key) for key in asked)
    filling = _Filling(reader, axes, is_worth_compiling(num_values, least=VALUES_BINNED))
    total = _Total(axes, grouping)
    for part in grouping.inputs.map(filling, step_size=STEP_SIZE, num_threads=threads):
        total.add(*part)
    warn_of(total.all_notes())
    return total.histograms(dict(zip(keys, reader.have_lists(keys), strict=True)))


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

    snapshot: Snapshot
    grouping: Grouping
    sources: Mapping[str, ValueSource]
    texts: Mapping[str, tuple[str, ...]]

    def values(
        self, key: str, columns: Mapping[str, ColumnLike], start: int, stop: int
    ) -> Iterator[tuple[int, int, FlatValues]]:
        """Yield the values of a key in a range of entries; see `values_of`."""
        if key not in self.texts:
            source = self.sources[key]
            yield from values_of(source, columns, snapshot=self.snapshot, start=start, stop=stop)
            return
        place_of = {text: place for place, text in enumerate(self.texts[key])}
        texts, numbers = distinct_values(columns[key])
        places = np.array([place_of.get(text, len(place_of)) for text in texts], np.int32)
        yield 0, stop - start, FlatValues(places[numbers])

    def sample(
        self, keys: Iterable[str], start: int, stop: int, *, num: int | None = None
    ) -> dict[str, Array]:
        """Return the values of entries in a range that pass the cut, or about `num` of them."""
        entries, samples = self.grouping(start, stop), {}
        for key in keys:
            parts = [
                values.passing(None if entries.group_of is None else entries.group_of[first:last])
                for first, last, values in self.values(key, entries.columns, start, stop)
            ]
            sample = np.concatenate(parts)
            samples[key] = sample if num is None else sample[:: len(sample) // num + 1].copy()
        return samples

    def have_lists(self, keys: Iterable[str]) -> list[bool]:
        """Return whether an event may have several values of each key."""
        columns = self.grouping.inputs.slices(0, 0)
        return [
            key not in self.texts
            and any(part.offsets is not None for *_, part in self.values(key, columns, 0, 0))
            for key in keys
        ]

    def num_values(self, key: str) -> int:
        """Return about how many values a key has."""
        column = self.snapshot.columns.get(key)
        if isinstance(column, ReadJagged):
            return column.content.size
        if isinstance(column, ReadShaped):
            return column.flat.content.size
        return column.size if isinstance(column, np.ndarray) else self.grouping.inputs.num_entries


def _texts_of(
    keys: Iterable[str], snapshot: Snapshot, grouping: Grouping
) -> dict[str, tuple[str, ...]]:
    """Return the texts that have bins, of the keys of text."""
    inputs, result = grouping.inputs, {}
    for key in keys:
        if not holds_text(key, snapshot):
            continue
        origin = snapshot.metadata.columns[key].origin
        texts = dict.fromkeys([] if origin is None else origin.spec.get("metadata", ()))
        for start in range(0, 0 if texts else inputs.num_entries, STEP_SIZE):
            stop = min(start + STEP_SIZE, inputs.num_entries)
            texts |= dict.fromkeys(distinct_values(inputs.slices(start, stop)[key])[0])
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

        def work(start: int, stop: int) -> dict[str, Array]:
            return reader.sample(rare, start, stop, num=_KEPT_VALUES)

        looks = list(inputs.map(work, step_size=STEP_SIZE, num_threads=num_threads))
        samples |= {key: [look[key] for look in looks] for key in rare}
    for key in unknown:
        num = asked[key]
        assert not isinstance(num, BinEdges)
        sample = np.concatenate(samples[key] or [np.empty(0)])
        edges[key] = auto_edges(sample, num)
    return edges


@dataclass(frozen=True, slots=True)
class _Filling:
    """The work of a thread: fill the values of a range of entries into bins."""

    reader: _Reader
    axes: Mapping[str, BinEdges | tuple[str, ...]]
    compiled: bool

    def __call__(
        self, start: int, stop: int
    ) -> tuple[Sequence[Group], dict[str, NDArray[np.float64]], frozenset[str]]:
        """Return the groups, the sums and squares of each key by group, and warnings."""
        entries = self.reader.grouping(start, stop)
        sums = {}
        for key, axis in self.axes.items():
            edges = np.arange(len(axis) + 1.0) if isinstance(axis, tuple) else axis.edges
            sums[key] = np.zeros((2, len(entries.groups), len(edges) + 2))
            for first, last, flat in self.reader.values(key, entries.columns, start, stop):
                groups = None if entries.group_of is None else entries.group_of[first:last]
                weights = None if entries.weights is None else entries.weights[first:last]
                with np.errstate(invalid="ignore"):  # of infinite weights
                    sums[key] += fill_bins(
                        flat.values,
                        edges,
                        offsets=flat.offsets,
                        groups=flat.of_groups(groups),
                        num_groups=len(entries.groups),
                        weights=weights,
                        compiled=self.compiled,
                    )
        return entries.groups, sums, entries.notes


class _Total:
    """The sums of all entries, to which ranges are added in their order."""

    def __init__(self, axes: Mapping[str, BinEdges | tuple[str, ...]], grouping: Grouping) -> None:
        self._axes, self._grouping = axes, grouping
        self._row_of: dict[Group, int] = {}
        self._sums = {key: np.zeros((2, 0, _num_bins(axis) + 3)) for key, axis in axes.items()}
        self._notes = grouping.notes
        self._rows(grouping.known)

    def add(
        self,
        groups: Sequence[Group],
        sums: Mapping[str, NDArray[np.float64]],
        notes: frozenset[str],
    ) -> None:
        """Add the sums of a range of entries."""
        rows = self._rows(groups)
        with np.errstate(invalid="ignore"):
            for key, own in sums.items():
                self._sums[key][:, rows] += own
        self._notes |= notes

    def all_notes(self) -> frozenset[str]:
        """Return the warnings, also of weights that are NaN or infinite."""
        weight = self._grouping.weight
        if weight is None or all(np.isfinite(sums).all() for sums in self._sums.values()):
            return self._notes
        error = weight.node.span.error(
            "some weights are NaN or infinite, and so are the sums of their bins",
            "to give such entries zero weight, write where(isfinite(w), w, 0)",
        )
        return self._notes | {str(error)}

    def histograms(self, has_lists: Mapping[str, bool]) -> list[KeyHistogram]:
        """Return the histogram of each key, which has lists or not."""
        groups = sort_groups(list(self._row_of))
        rows, labels = self._rows(groups), labels_of(groups)
        return [
            KeyHistogram(
                key,
                self._axes[key],
                labels,
                sums=self._sums[key][0, rows],
                squares=self._sums[key][1, rows],
                has_lists=lists,
            )
            for key, lists in has_lists.items()
        ]

    def _rows(self, groups: Iterable[Group]) -> Entries:
        rows = [self._row_of.setdefault(group, len(self._row_of)) for group in groups]
        check_num_groups(len(self._row_of), self._grouping.by)
        for key, sums in self._sums.items():
            num_new = len(self._row_of) - sums.shape[1]
            if num_new:
                self._sums[key] = np.pad(sums, ((0, 0), (0, num_new), (0, 0)))
        return np.array(rows, np.int64)


def _num_bins(axis: BinEdges | tuple[str, ...]) -> int:
    return len(axis) if isinstance(axis, tuple) else len(axis.edges) - 1
