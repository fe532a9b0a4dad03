"""Computes which entries of a store pass a cut, in steps on threads, and caches them."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from memmpy.checks import check_flag, check_integer
from memmpy.columns import Snapshot, open_columns, resolve_key, why_stale
from memmpy.cuts.cache import CachedCut, CutResult, Selection
from memmpy.cuts.evaluation import Program, check_keys, find_mistakes, to_program
from memmpy.cuts.inputs import STEP_SIZE, Inputs, inputs_of
from memmpy.cuts.language import Constant, Node, keys_of, normal_form, parse, substitute
from memmpy.errors import argument_hints, warn_of
from memmpy.kernels import ITEMS_REDUCED, is_worth_compiling
from memmpy.parallel import check_threads
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

logger: logging.Logger = logging.getLogger(__name__)


@argument_hints
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

    The store caches the result until a column that the cut uses is rewritten.

    Parameters
    ----------
    path : path-like
        The store.
    expression : str
        The cut, in the syntax of ROOT or of Python: ``"nJets >= 6 & nBTags_77 >= 2"``,
        ``'process == "ttH" && abs(weight) < 10'``. For a column of lists, an entry passes if any of
        its elements passes. See "The language of cuts" in the documentation.
    aliases : mapping of str to str, optional
        Names for expressions.
    constants : mapping of str to bool, number or str, optional
        Names for values.
    step_size : int
        The maximum number of entries to evaluate at a time.
    num_threads : int, optional
        Threads that evaluate, beside the thread of the caller. By default one less than the cores
        that this process may use, but 1 to 7.
    recreate : bool
        Compute the cut again even if it is cached.

    Returns
    -------
    np.memmap of int64
        The entries that pass, ascending. Pass them to ``SplitLoader(subindex=...)``.

    Raises
    ------
    CutError
        If memmpy cannot read the cut, or the store lacks a key of it; shows the place.
    LengthError
        If the columns of the cut differ in length.
    OptionError
        If the cut is no text, a name is both an alias and a constant, or a number is out of range.
    MissingFileError, CorruptStoreError
        If there is no such store, or it is damaged.

    Warns
    -----
    CutWarning
        If the cut is probably a mistake: it compares with a text that no entry has, a single ``&``
        or ``|`` acts on the bits of a number, or a condition combines lists of different lengths.
    """
    cut = read_cut(expression, aliases=aliases, constants=constants)
    metadata = read_metadata(path)
    check_stored(cut, metadata.current_keys(), path=path, metadata=metadata)
    snapshot = open_columns(path, columns_used(cut, metadata) or None)
    result = find_entries(
        snapshot,
        cut,
        stored_as={},
        step_size=step_size,
        num_threads=num_threads,
        recreate=recreate,
    )
    return selection_of(result)


def columns_used(cut: Node, metadata: Metadata) -> list[str]:
    """Return the columns of a store that a cut uses, sorted; for a member, its nested column."""
    return sorted({resolve_key(key, metadata.columns) for key in keys_of(cut)})


def check_stored(cut: Node, known: Iterable[str], *, path: PathLike, metadata: Metadata) -> None:
    """Raise a `CutError` if a cut uses a key that the store lacks, or a stale column."""
    names = {*known}
    holders = {key: resolve_key(key, metadata.columns) for key in keys_of(cut)}
    names |= {key for key, holder in holders.items() if holder in names}
    if not holders.keys() <= names:
        texts = {key for key, record in metadata.columns.items() if record.is_hashed}
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


def selection_of(result: CutResult) -> Selection:
    """Return the entries of a cut, and emit its warnings."""
    warn_of(result.notes)
    return result.entries.view(np.memmap)


def find_entries(
    snapshot: Snapshot,
    cut: Node,
    *,
    stored_as: Mapping[str, str],
    step_size: int,
    num_threads: int | None,
    recreate: bool,
) -> CutResult:
    """Return the entries of a snapshot that pass a cut.

    Parameters
    ----------
    snapshot : Snapshot
        The columns of the cut are open in it.
    cut : Node
        The cut; see `read_cut`.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store.
    step_size, num_threads, recreate
        See `compute_cut_batched`.

    Returns
    -------
    CutResult
        The warnings are the same whether the entries were cached or not.
    """
    check_integer("step_size", step_size, minimum=1)
    threads, recreate = check_threads(num_threads), check_flag("recreate", recreate)
    known = {*snapshot.columns, *stored_as}
    check_stored(cut, known, path=snapshot.path, metadata=snapshot.metadata)
    inputs = inputs_of(snapshot, [cut], stored_as)
    # A cached cut gives the same errors and warnings as a new one.
    program, mistakes = prepare(cut, inputs)
    records = snapshot.metadata.columns
    used = {resolve_key(stored_as.get(key, key), records) for key in keys_of(cut)}
    fingerprints = {name: records[name].fingerprint for name in sorted(used or snapshot.columns)}
    cached = CachedCut(snapshot.path, _cached_form(cut, stored_as), fingerprints)
    result = (
        None if recreate else cached.load(expression=cut.span.text, num_entries=inputs.num_entries)
    )

    def evaluate(start: int, stop: int) -> CutResult:
        values = program(inputs.slices(start, stop))
        entries = np.flatnonzero(program.mask(values, stop - start)) + start
        return CutResult(entries, values.notes)

    if result is None:
        logger.info("computing the cut %s of %s", cut.span, snapshot.path)
        if not snapshot.metadata.read_only:
            try:
                result = cached.save(
                    inputs.map(evaluate, step_size=step_size, num_threads=threads),
                    expression=cut.span.text,
                    generation=snapshot.metadata.generation,
                )
            except OSError as error:
                logger.warning("the cut %s is not cached: %s", cut.span, error)
    if result is None:
        result = _concatenated(inputs.map(evaluate, step_size=step_size, num_threads=threads))
    return CutResult(result.entries, mistakes | result.notes)


def prepare(cut: Node, inputs: Inputs) -> tuple[Program, frozenset[str]]:
    """Return the program of a cut, tried on an empty range, and warnings of likely mistakes.

    Raises
    ------
    CutError
        If the columns cannot be used in that way.
    """
    program = to_program(cut)
    no_entries = inputs.slices(0, 0)
    program(no_entries)
    compiled = is_worth_compiling(inputs.num_items, least=ITEMS_REDUCED)
    return replace(program, compiled=compiled), find_mistakes(cut, no_entries)


def _concatenated(steps: Iterable[CutResult]) -> CutResult:
    results = list(steps)
    entries = np.concatenate([np.empty(0, np.int64), *(result.entries for result in results)])
    return CutResult(entries, frozenset[str]().union(*(result.notes for result in results)))


def _cached_form(cut: Node, stored_as: Mapping[str, str]) -> str:
    """Return the normal form of a cut, with the names of its columns in the store."""
    renamed = sorted((key, stored_as[key]) for key in keys_of(cut) & stored_as.keys())
    return normal_form(cut) + "".join(f"; {key} is {name}" for key, name in renamed)
