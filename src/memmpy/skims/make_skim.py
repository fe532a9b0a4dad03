"""Makes a skim of a store, unless an up-to-date one exists."""

import dataclasses
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.checks import check_flag, check_mapping, check_path, check_progress
from memmpy.cuts import STEP_SIZE, Constant, Node, columns_used, find_entries
from memmpy.display import quiet
from memmpy.errors import (
    ConversionWarning,
    CorruptStoreError,
    MemmpyError,
    MissingFileError,
    ReadOnlyStoreError,
    StoreLockedError,
    argument_hints,
    warn_of,
)
from memmpy.parallel import Work, WorkOption, check_work, worker_pool
from memmpy.skims.folder import FILES, SKIMS, keep_only, new_folder, publish, skim_lock
from memmpy.skims.notes import cut_notes
from memmpy.skims.skim_document import SkimDocument, encode
from memmpy.skims.skim_plan import SkimPlan, plan_skim, stored_skim, ticket_rule_of
from memmpy.skims.skim_reader import Skim, repeat_warnings
from memmpy.skims.skim_request import SkimRequest, check_request
from memmpy.skims.sorting.sort_plan import Sizes
from memmpy.skims.sorting.sort_tasks import ROWS, TICKETS, SkimJob, task_metadata
from memmpy.skims.sorting.sorter import SkimArrays, sort_skim
from memmpy.splits import Splits, check_splits
from memmpy.store import (
    SKIM_METADATA,
    FileLock,
    disk_error,
    read_metadata,
    remove_folder,
    translate_os_errors,
    write_atomically,
)
from memmpy.typing import Entries, PathLike

__all__ = ["make_skim", "skim"]

logger: logging.Logger = logging.getLogger(__name__)

#: The number of attempts, if another process replaces columns meanwhile.
MAX_ATTEMPTS = 3


@argument_hints
def skim(
    path: PathLike,
    *,
    keys: Collection[str] = (),
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    cut: str | None = None,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    dtype: Any = None,
    splits: Splits | None = None,
    recreate: bool = False,
    progress: bool | None = None,
    work: WorkOption = None,
) -> Skim:
    """Copy the inputs of a training into packed rows, in the order of their tickets.

    This order is random. So reading a skim from start to end is already a shuffle, and each split
    is one contiguous range of rows.

    The store keeps the skim, and the next call returns it. memmpy makes another skim for other
    options, and rebuilds the skim if one of its columns changes. If file and entry name the events,
    memmpy also rebuilds it if the files change.

    Parameters
    ----------
    path : path-like
        The store. All workers must see it under that path.
    keys : collection of str
        Columns that stay unchanged: vectors of any dtype and shape, and lists of numbers.
    keys_padded : mapping of str to (int, number), optional
        Columns of lists, or of arrays of one length. Each is truncated or filled up to a length
        with a value: ``{"jet_pt": (22, float("nan"))}``. The dtype stays. Each comes with a mask,
        ``"jet_pt_mask"``: bool of shape (22,), True where an item is real. A column that is in a
        group is handed out in the group only.
    groups : mapping of str to list of str, optional
        Inputs of a network: columns stacked along the last axis, in your order. For each entry, k
        columns of single numbers give shape (k,). Padded columns, or vectors of L numbers, give
        shape (L, k). Lists give lists with k numbers per item; the lists of one entry must have
        equal lengths. A group of padded lists has one mask, ``"<group>_mask"``.
    cut : str, optional
        The entries to copy, in the syntax of ROOT or of Python. All entries by default.
    aliases : mapping of str to str, optional
        Names for expressions in the cut.
    constants : mapping of str to bool, number or str, optional
        Names for values in the cut.
    dtype : dtype-like, or mapping of str to dtype-like, optional
        The dtype of all groups, or a mapping of groups to dtypes. By default a group has the dtype
        of its keys, which must be the same for all of them. Values that are too large for a float
        become infinite, and integers that it cannot hold exactly are rounded; a warning counts
        both. An integer that does not fit is an error.
    splits : Splits, optional
        The rule that assigns events to splits; the rule of the store by default. The store records
        it. Its tickets give the order of the rows. If the store has no rule either, the usual
        columns name the events, or else file and entry.
    recreate : bool
        Compute the cut and make the skim again.
    progress : bool, optional
        Whether to show a progress bar; by default only on a terminal.
    work : Work or concurrent.futures.Executor, optional
        The executor and its limits; see `Work`.

    Returns
    -------
    Skim
        Rows with all values of fixed size and ``"_index"``, the int64 entry of the store; and the
        lists beside the rows. Sorted by (ticket, entry).

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If a skim cannot hold a column, such as text; if the keys of a group do not fit together, or
        their lists differ in length; if an integer does not fit into a dtype.
    LengthError
        If columns differ in their number of entries.
    CutError
        If memmpy cannot read the cut; shows the place.
    OptionError
        If the arguments contradict each other.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If memmpy cannot write to the store. The store keeps its content.

    Warns
    -----
    SplitWarning
        If the columns that name the events look unsafe, such as an event number without a run.
    ConversionWarning
        If the dtype of a group cannot hold all values; if padding cuts off more than 1 % of the
        items of a key, or truncates more than 1 % of its entries; if no entry passes the cut, or no
        entry of some process.
    CutWarning
        See `compute_cut_batched`. Each call gives these warnings again, even if it only opens the
        skim.

    Notes
    -----
    This process needs well under 1 GB of memory, for a store of any size; each process of an
    executor needs about 200 MB. While memmpy makes a skim, it needs twice the disk space of the
    skim: it sorts chunks, and then joins them.

    Examples
    --------
    >>> skimmed = skim(
    ...     "data.mmpy",
    ...     keys=["process", "weight"],
    ...     keys_padded={"jet_pt": (22, float("nan")), "jet_eta": (22, float("nan"))},
    ...     groups={"jets": ["jet_pt", "jet_eta"], "event": ["met", "HT"]},
    ...     cut="nJets >= 6",
    ... )
    >>> skimmed.rows["jets"].shape
    (41327, 22, 2)
    """
    recreate, progress = check_flag("recreate", recreate), check_progress(progress)
    request = check_request(
        keys=keys,
        keys_padded=check_mapping("keys_padded", keys_padded),
        groups=check_mapping("groups", groups),
        cut=cut,
        aliases=aliases,
        constants=constants,
        dtype=dtype,
    )
    return make_skim(
        path,
        request,
        check_work(work),
        splits=check_splits(splits),
        recreate=recreate,
        progress=progress,
        sizes=Sizes(),
    )


def make_skim(
    path: PathLike,
    request: SkimRequest,
    work: Work,
    *,
    splits: Splits | None,
    recreate: bool,
    progress: bool | None,
    sizes: Sizes,
) -> Skim:
    """Return the skim of a request, from the store or made now.

    Parameters
    ----------
    path : path-like
        The store.
    request : SkimRequest
        The content of the skim. The order of its rows follows from the splits.
    work : Work
        The executor and its limits.
    splits : Splits or None
        The splits to record in the store; None for those of the store.
    recreate : bool
        Whether to make the skim and to compute the cut again.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    sizes : Sizes
        The bytes that a task has in memory.
    """
    store = check_path(path).absolute()  # threads may change the directory meanwhile
    request = dataclasses.replace(request, rule=ticket_rule_of(store, request, splits))
    folder = store / SKIMS / request.name
    plan = plan_skim(store, request)
    warn_of(plan.notes)
    if not recreate and (current := stored_skim(folder, plan)) is not None:
        repeat_warnings(current, cut=plan.cut_text)
        return current
    if plan.snapshot.metadata.read_only:
        message = (
            f"{str(store)!r} was made by memmpy 0.1.2 and can only be read: it holds no skims; "
            "convert to another path"
        )
        raise ReadOnlyStoreError(message)
    with quiet(when=progress is False), skim_lock(folder, timeout=work.lock_timeout) as lock:
        for _ in range(MAX_ATTEMPTS):
            # Another process may have made it, or written columns, while this one waited.
            plan = plan_skim(store, request)
            if not recreate and (current := stored_skim(folder, plan)) is not None:
                repeat_warnings(current, cut=plan.cut_text)
                return current
            try:
                notes = _make(
                    folder,
                    plan,
                    work.executor,
                    lock,
                    recreate=recreate,
                    progress=progress,
                    sizes=sizes,
                )
            except MissingFileError as error:
                if read_metadata(store).generation == plan.snapshot.metadata.generation:
                    message = f"{error}: it is damaged; convert or write the column again"
                    raise CorruptStoreError(message) from None
                continue
            new_skim = Skim(folder)
            break
        else:
            message = (
                f"other processes keep writing to {str(store)!r}; skim when they are done, or give "
                "each job a store of its own"
            )
            raise StoreLockedError(message)
    warn_of(notes, ConversionWarning)
    return new_skim


def _make(
    folder: Path,
    plan: SkimPlan,
    executor: Executor | None,
    lock: FileLock,
    *,
    recreate: bool,
    progress: bool | None,
    sizes: Sizes,
) -> Iterable[str]:
    """Make the skim in a temporary folder, and publish it; return its warnings, not the cut's."""
    request, snapshot = plan.request, plan.snapshot
    selection: Entries | None = None
    notes_of_cut = frozenset[str]()
    if request.cut is not None:
        selection, notes_of_cut = _find_entries(plan, request.cut, recreate=recreate)
        warn_of(notes_of_cut)
    num_rows = plan.num_entries if selection is None else len(selection)
    logger.info("skimming %s entries of %s", f"{num_rows:,}", snapshot.path)
    aside = new_folder(folder)
    try:
        with translate_os_errors(f"to {str(aside)!r}"):
            aside.mkdir()
        with worker_pool(executor) as pool:
            assert request.rule is not None
            job = SkimJob(
                store=snapshot.path,
                metadata=task_metadata(snapshot.metadata, request),
                layout=plan.layout,
                derived=request.derived,
                rule=request.rule,
                num_entries=plan.num_entries,
                selection=None if selection is None else np.asarray(selection),
                directory=aside,
                is_shared=pool.is_shared,
            )
            skim_arrays = sort_skim(job, num_rows, pool=pool, sizes=sizes, progress=progress)
        notes = (*skim_arrays.notes, *_cut_notes(plan, selection))
        document = _document(plan, skim_arrays, cut_notes=notes_of_cut, notes=notes)
        write_atomically(aside / SKIM_METADATA, encode(document), durable=True)
        keep_only(aside, {SKIM_METADATA, *(array.file for array in skim_arrays.arrays.values())})
        publish(aside, folder, lock)
    except BaseException as error:
        remove_folder(aside, FILES)
        if isinstance(error, OSError) and not isinstance(error, MemmpyError):
            raise disk_error(error, what=f"to {str(aside)!r}") from error
        raise
    return notes


def _find_entries(plan: SkimPlan, cut: Node, *, recreate: bool) -> tuple[Entries, frozenset[str]]:
    """Return the entries that pass a cut, and its warnings."""
    snapshot, metadata = plan.snapshot, plan.snapshot.metadata
    # A cut must not depend on other columns.
    keys = columns_used(cut, metadata) or plan.request.required_keys(metadata)
    seen = dataclasses.replace(snapshot, columns={key: snapshot.columns[key] for key in keys})
    result = find_entries(
        seen, cut, stored_as={}, step_size=STEP_SIZE, num_threads=None, recreate=recreate
    )
    return result.entries, result.notes


def _cut_notes(plan: SkimPlan, selection: Entries | None) -> list[str]:
    """Return a warning where the cut of the user leaves nothing, or nothing of a process."""
    metadata, num_entries = plan.snapshot.metadata, plan.num_entries
    notes = cut_notes(plan.cut_text, selection, metadata, num_entries=num_entries)
    user_cut = plan.request.user_cut
    if not notes or selection is None or not len(selection) or user_cut is None:
        return notes
    # The entries of a process may pass the cut of the user, and not the other conditions.
    if not user_cut:
        return []
    (cut,) = user_cut
    entries, _ = _find_entries(plan, cut, recreate=False)
    return cut_notes(cut.span.text, entries, metadata, num_entries=num_entries)


def _document(
    plan: SkimPlan, skim_arrays: SkimArrays, *, cut_notes: Iterable[str], notes: tuple[str, ...]
) -> SkimDocument:
    arrays, lists = skim_arrays.arrays, plan.layout.lists
    return SkimDocument(
        request=plan.request.to_json(),
        made_of=plan.made_of,
        cut=plan.cut_text,
        num_store_entries=plan.num_entries,
        row=plan.layout.row,
        rows=arrays[ROWS],
        tickets=arrays[TICKETS],
        lists={
            one.name: (arrays[f"content{i}"], arrays[f"offsets{i}"]) for i, one in enumerate(lists)
        },
        multiplicities=skim_arrays.multiplicities,
        cut_notes=tuple(sorted(cut_notes)),
        conversion_notes=notes,
        counts=skim_arrays.counts,
    )
