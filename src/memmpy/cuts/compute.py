"""The entries of a store that pass a cut, computed in steps and cached in the store."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.columns import ReadNested, ReadShaped, Snapshot, StoredColumn, open_columns
from memmpy.cuts.cache import CachedCut, Selection
from memmpy.cuts.evaluate import Program, check_keys, passes, to_program
from memmpy.cuts.expression import parse
from memmpy.cuts.normal import normal
from memmpy.cuts.substitute import Constant, substitute
from memmpy.cuts.tree import Node, keys_in, keys_of
from memmpy.cuts.values import ColumnLike, HashedText
from memmpy.cuts.words import warn_of_unknown_texts
from memmpy.errors import LengthError, OptionError
from memmpy.store import read_metadata
from memmpy.typing import Entries, PathLike

__all__ = ["STEP_SIZE", "compute_cut_batched", "read_cut", "select"]

logger = logging.getLogger(__name__)

#: Entries evaluated at a time.
STEP_SIZE = 1 << 17


def compute_cut_batched(
    path: PathLike,
    expression: str,
    *,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    step_size: int = STEP_SIZE,
    recreate: bool = False,
) -> Selection:
    """Return the entries of a store that pass a cut.

    The result is cached in the store, until a column that the cut uses is written again.

    Parameters
    ----------
    path : path-like
        The store.
    expression : str
        The cut, as ROOT or Python would write it: ``"nJets >= 6 & nBTags_77 >= 2"``,
        ``'process == "ttH" && abs(weight) < 10'``. Columns of lists pass an entry if any of its
        elements passes.
    aliases : mapping of str to str, optional
        Names for expressions.
    constants : mapping of str to bool, number or str, optional
        Names for values.
    step_size : int
        Entries evaluated at a time.
    recreate : bool
        Compute again what is cached.

    Returns
    -------
    np.memmap of int64
        The entries that pass, ascending; goes to ``SplitLoader(subindex=...)``.

    Raises
    ------
    CutError
        If the cut cannot be understood, or names what the store has not; shows the place.
    LengthError
        If the columns it uses differ in length.
    MissingFileError, CorruptStoreError
        If there is no such store, or it is damaged.

    Warns
    -----
    CutWarning
        If a text in the cut belongs to no entry.
    """
    cut = read_cut(expression, aliases=aliases, constants=constants)
    metadata = read_metadata(path)
    check_keys(cut, metadata.current_keys())
    snapshot = open_columns(path, sorted(keys_of(cut)) or None)
    return select(snapshot, cut, stored_as={}, step_size=step_size, recreate=recreate)


def read_cut(
    expression: str,
    *,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
) -> Node:
    """Return the tree of a cut, with aliases and constants put in."""
    return substitute(parse(expression), aliases=aliases, constants=constants)


def select(
    snapshot: Snapshot,
    cut: Node,
    *,
    stored_as: Mapping[str, str],
    step_size: int,
    recreate: bool,
) -> Selection:
    """Return the entries that pass a cut, of columns as one commit left them.

    Parameters
    ----------
    snapshot : Snapshot
        With the columns of the cut among those that are open.
    cut : Node
        As `read_cut` gives it.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store.
    step_size : int
        Entries evaluated at a time.
    recreate : bool
        Compute again what is cached.
    """
    if step_size < 1:
        raise OptionError(f"step_size must be at least 1, got {step_size}")
    stored = {key: stored_as.get(key, key) for key in sorted(keys_of(cut))}
    check_keys(cut, {*snapshot.columns, *stored_as})
    columns = {key: snapshot.columns[name] for key, name in stored.items()}
    _check_kinds(cut, columns)
    # A constant passes all entries that there are, or none.
    measured = columns or snapshot.columns
    texts = {key: snapshot.texts(name) for key, name in stored.items()}
    inputs = _Inputs(columns, texts, _num_entries(snapshot.path, measured), step_size)
    program = to_program(cut)
    # What is wrong with the cut, or likely to be, is said whether it is cached or not.
    passes(program, inputs.values(0, 0), num_entries=0)
    warn_of_unknown_texts(cut, inputs.values(0, 0))
    names = stored.values() if stored else sorted(measured)
    fingerprints = {name: snapshot.metadata.columns[name].fingerprint for name in names}
    cached = CachedCut(snapshot.path, _normal(cut, stored_as), fingerprints)
    selection = None if recreate else cached.find()
    if selection is not None:
        return selection
    logger.info("computing the cut %s of %s", cut.span, snapshot.path)
    if not snapshot.metadata.read_only:
        try:
            return cached.keep(inputs.selected(program), cut.span.text)
        except OSError as error:
            logger.warning("the cut %s is not cached: %s", cut.span, error)
    pieces = list(inputs.selected(program))
    return np.concatenate([np.empty(0, np.int64), *pieces]).view(np.memmap)


def _normal(cut: Node, stored_as: Mapping[str, str]) -> str:
    """Return what a cut means, for the cache."""
    renamed = sorted((key, stored_as[key]) for key in keys_of(cut) & stored_as.keys())
    return normal(cut) + "".join(f"; {key} is {name}" for key, name in renamed)


def _check_kinds(cut: Node, columns: Mapping[str, StoredColumn]) -> None:
    for key in keys_in(cut):
        column = columns[key.name]
        if isinstance(column, ReadNested | ReadShaped):
            kind = "nested" if isinstance(column, ReadNested) else "shaped"
            hint = "cuts take vectors, jagged columns of one level, and text"
            raise key.span.error(f"a cut cannot use the {kind} column {key.name!r}", hint)


def _num_entries(path: Path, columns: Mapping[str, StoredColumn]) -> int:
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        message = (
            f"columns of {str(path)!r} differ in length: {short!r} has "
            f"{lengths[short]} entries, {long!r} has {lengths[long]}"
        )
        raise LengthError(message)
    return next(iter(lengths.values()), 0)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The columns of a cut, given to it in steps."""

    columns: Mapping[str, StoredColumn]
    texts: Mapping[str, Mapping[int, str] | None]
    num_entries: int
    step_size: int

    def selected(self, program: Program) -> Iterator[Entries]:
        """Yield the entries that pass, step by step."""
        for start in range(0, self.num_entries, self.step_size):
            stop = min(start + self.step_size, self.num_entries)
            mask = passes(program, self.values(start, stop), num_entries=stop - start)
            yield np.flatnonzero(mask) + start

    def values(self, start: int, stop: int) -> dict[str, ColumnLike]:
        """Return a run of entries of each column, as a cut takes them."""
        return {key: self._values(key, start, stop) for key in self.columns}

    def _values(self, key: str, start: int, stop: int) -> ColumnLike:
        column, texts = self.columns[key], self.texts[key]
        values: Any = column[start:stop]
        if not isinstance(column, np.ndarray):
            return values  # type: ignore[no-any-return]
        return np.asarray(values) if texts is None else HashedText(np.asarray(values), texts)
