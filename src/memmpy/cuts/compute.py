"""Which entries of a store pass a cut: computed in steps on threads, and kept in the store."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from memmpy.columns import Snapshot, open_columns, resolve_key, why_stale
from memmpy.cuts.cache import CachedCut, Found, Selection
from memmpy.cuts.evaluation import Program, check_keys, slips_in, to_program
from memmpy.cuts.language import Constant, Node, keys_of, normal, parse, substitute
from memmpy.cuts.steps import STEP_SIZE, Inputs, check_step_size, inputs_of, threads_of
from memmpy.errors import warn_of
from memmpy.kernels import ITEMS_REDUCED, is_worth_compiling
from memmpy.store import Metadata, read_metadata
from memmpy.typing import PathLike

__all__ = [
    "check_stored",
    "columns_used",
    "compute_cut_batched",
    "find_entries",
    "prepare",
    "read_cut",
    "selection_of",
]

logger = logging.getLogger(__name__)


def compute_cut_batched(
    path: PathLike,
    expression: str,
    *,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    step_size: int = STEP_SIZE,
    num_threads: int | None = None,
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
        elements passes. See "The language of cuts" in the documentation.
    aliases : mapping of str to str, optional
        Names for expressions.
    constants : mapping of str to bool, number or str, optional
        Names for values.
    step_size : int
        Entries evaluated at a time, at most.
    num_threads : int, optional
        Threads that evaluate beside the caller's, 0 for none; where not given, one less than the
        cores that this process may use, 1 to 7.
    recreate : bool
        Compute again what is cached.

    Returns
    -------
    np.memmap of int64
        The entries that pass, ascending; goes to ``SplitLoader(subindex=...)``.

    Raises
    ------
    CutError
        If the cut cannot be understood, or names what the store lacks; shows the place.
    LengthError
        If the columns it uses differ in length.
    OptionError
        If the cut is no text, a name is both an alias and a constant, or a number makes no sense.
    MissingFileError, CorruptStoreError
        If there is no such store, or it is damaged.

    Warns
    -----
    CutWarning
        If the cut can be computed but is likely a slip: a text that no entry has, a single ``&``
        or ``|`` that takes bits of a number, lists of different lengths in one condition.
    """
    cut = read_cut(expression, aliases=aliases, constants=constants)
    metadata = read_metadata(path)
    check_stored(cut, metadata.current_keys(), path=path, metadata=metadata)
    snapshot = open_columns(path, columns_used(cut, metadata) or None)
    found = find_entries(
        snapshot,
        cut,
        stored_as={},
        step_size=step_size,
        num_threads=num_threads,
        recreate=recreate,
    )
    return selection_of(found)


def columns_used(cut: Node, metadata: Metadata) -> list[str]:
    """Return the columns of a store that a cut uses, sorted; for a member, its nested column."""
    return sorted({resolve_key(key, metadata.columns) for key in keys_of(cut)})


def check_stored(cut: Node, known: Iterable[str], *, path: PathLike, metadata: Metadata) -> None:
    """Raise a `CutError` if a cut uses a key that the store lacks, or a stale column."""
    names = {*known}
    holders = {key: resolve_key(key, metadata.columns) for key in keys_of(cut)}
    names |= {key for key, holder in holders.items() if holder in names}
    if not holders.keys() <= names:
        texts = {key for key, held in metadata.columns.items() if held.details.get("hashed")}
        where = f" in {os.fspath(path)!r}"
        stale = why_stale(metadata)
        stale |= {key: stale[holder] for key, holder in holders.items() if holder in stale}
        check_keys(cut, names, stale=stale, where=where, texts=texts)


def read_cut(
    expression: str,
    *,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
) -> Node:
    """Return the tree of a cut, with aliases and constants put in."""
    return substitute(parse(expression), aliases=aliases, constants=constants)


def selection_of(found: Found) -> Selection:
    """Return the entries of what `find_entries` found, and give its warnings."""
    warn_of(found.notes)
    return found.entries.view(np.memmap)


def find_entries(
    snapshot: Snapshot,
    cut: Node,
    *,
    stored_as: Mapping[str, str],
    step_size: int,
    num_threads: int | None,
    recreate: bool,
) -> Found:
    """Return the entries that pass a cut, of columns as one commit left them.

    Parameters
    ----------
    snapshot : Snapshot
        With the columns of the cut among those that are open.
    cut : Node
        As `read_cut` gives it.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store.
    step_size, num_threads, recreate
        As `compute_cut_batched` takes them.

    Returns
    -------
    Found
        With what the user should be warned of, whether the entries were cached or not.
    """
    check_step_size(step_size)
    threads = threads_of(num_threads)
    known = {*snapshot.columns, *stored_as}
    check_stored(cut, known, path=snapshot.path, metadata=snapshot.metadata)
    inputs = inputs_of(snapshot, [cut], stored_as)
    # What is wrong with the cut, or likely to be, is said whether it is cached or not.
    program, slips = prepare(cut, inputs)
    records = snapshot.metadata.columns
    used = {resolve_key(stored_as.get(key, key), records) for key in keys_of(cut)}
    fingerprints = {name: records[name].fingerprint for name in sorted(used or snapshot.columns)}
    cached = CachedCut(snapshot.path, _normal(cut, stored_as), fingerprints)
    found = (
        None if recreate else cached.find(expression=cut.span.text, num_entries=inputs.num_entries)
    )

    def passing(start: int, stop: int) -> Found:
        values = program(inputs.slices(start, stop))
        entries = np.flatnonzero(program.mask(values, stop - start)) + start
        return Found(entries, values.notes)

    if found is None:
        logger.info("computing the cut %s of %s", cut.span, snapshot.path)
        if not snapshot.metadata.read_only:
            try:
                pieces = inputs.map(passing, step_size=step_size, num_threads=threads)
                found = cached.keep(
                    pieces,
                    expression=cut.span.text,
                    generation=snapshot.metadata.generation,
                )
            except OSError as error:
                logger.warning("the cut %s is not cached: %s", cut.span, error)
    if found is None:
        found = _joined(inputs.map(passing, step_size=step_size, num_threads=threads))
    return Found(found.entries, slips | found.notes)


def prepare(cut: Node, inputs: Inputs) -> tuple[Program, frozenset[str]]:
    """Return the program of a cut that has been tried on no entries, and what is likely a slip.

    Raises
    ------
    CutError
        If the columns cannot be used so.
    """
    program = to_program(cut)
    nothing = inputs.slices(0, 0)
    program(nothing)
    compiled = is_worth_compiling(inputs.num_items, least=ITEMS_REDUCED)
    return replace(program, compiled=compiled), slips_in(cut, nothing)


def _joined(pieces: Iterable[Found]) -> Found:
    found = list(pieces)
    entries = np.concatenate([np.empty(0, np.int64), *(piece.entries for piece in found)])
    return Found(entries, frozenset[str]().union(*(piece.notes for piece in found)))


def _normal(cut: Node, stored_as: Mapping[str, str]) -> str:
    """Return what a cut means, for the cache."""
    renamed = sorted((key, stored_as[key]) for key in keys_of(cut) & stored_as.keys())
    return normal(cut) + "".join(f"; {key} is {name}" for key, name in renamed)
