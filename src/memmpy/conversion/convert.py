"""Converts files of events to columns: reads only entries that are missing or stale."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from memmpy.checks import check_flag, check_path, check_progress
from memmpy.conversion.planning.config import RootFiles
from memmpy.conversion.planning.conversion_request import ConversionRequest, check_conversion
from memmpy.conversion.planning.inventory import Inventory, Target
from memmpy.conversion.planning.plan import ConversionPlan, make_plan
from memmpy.conversion.planning.split_columns import Policy, resolve_splits
from memmpy.conversion.planning.summary import Report
from memmpy.conversion.planning.survey import survey
from memmpy.conversion.running.column_records import clippings_of, put_columns
from memmpy.conversion.running.coordinator import Coordinator
from memmpy.display import DisplayBlock, Renderable, printable, quiet
from memmpy.errors import (
    ColumnError,
    ConversionWarning,
    DiskError,
    LengthError,
    MissingFileError,
    MissingKeyError,
    ReadOnlyStoreError,
    StoreLockedError,
    argument_hints,
    warn_of,
)
from memmpy.jagged import Clipping, clipping_notes
from memmpy.parallel import Work, WorkerPool, WorkOption, check_work, worker_pool
from memmpy.sources import open_files
from memmpy.splits import Splits, agree_on_splits, num_events, open_event_columns, recorded_splits
from memmpy.store import Metadata, SourceRecord, Transaction, Unfinished, parts_of, read_metadata
from memmpy.typing import PathLike

__all__ = ["Conversion", "convert", "convert_request", "plan_conversion", "plan_request"]

logger: logging.Logger = logging.getLogger(__name__)


@argument_hints
@dataclass(frozen=True, slots=True, repr=False)
class Conversion(Renderable):
    """The result of `convert`.

    Parameters
    ----------
    path : Path
        The store.
    plan : ConversionPlan
        The columns that were written, the entries that were read, and the reasons.
    bytes_written : int
        The size of the written columns; shared arrays count once.
    clippings : mapping of key to (Clipping, int)
        For each padded key, the counts of the items that padding cuts off, and the length.
    """

    path: Path
    plan: ConversionPlan
    bytes_written: int
    clippings: Mapping[str, tuple[Clipping, int]]

    @property
    def target(self) -> Target:
        """The columns that the call asked for, and the files that fill them."""
        return self.plan.target

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """The files that fill the store, in the order of their entries."""
        return self.plan.target.sources

    @property
    def read(self) -> Mapping[str, tuple[str, ...]]:
        """The branches that were read, by file; empty where the store had everything."""
        return self.plan.branches_read()

    @property
    def num_entries(self) -> int:
        """Entries of all files together."""
        return self.plan.num_entries

    @property
    def was_cached(self) -> bool:
        """Whether no file had to be read."""
        return not self.plan.reads

    def keys_of(self, keys: Collection[str]) -> list[str]:
        """Return the columns that keys and patterns stand for, sorted."""
        return self.target.keys_of(keys)

    def is_in(self, metadata: Metadata) -> bool:
        """Return whether a store still has the target: other processes may convert into it, too."""
        return self.target.is_in(metadata)

    def _blocks(self) -> Sequence[DisplayBlock]:
        return self.report()._blocks()

    def report(self, *, seconds: float | None = None) -> Report:
        """Return a report of the conversion, with rates if `seconds` is given."""
        return self.plan.report(
            bytes_written=self.bytes_written,
            store=str(self.path),
            seconds=seconds,
            clipped={
                f"{key} to {length}": words
                for key, (clipping, length) in self.clippings.items()
                if (words := clipping.in_words())
            },
        )


@argument_hints
def convert(
    root_files: RootFiles,
    path: PathLike,
    *,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    aliases: Mapping[str, str] | None = None,
    dtype: Mapping[str, Any] | None = None,
    splits: Splits | None = None,
    recreate: bool = False,
    progress: bool | None = None,
    work: WorkOption = None,
) -> Conversion:
    """Convert ROOT, Parquet or HDF5 files to columns of a store.

    memmpy reads only what is missing or stale: for one more key, only its branch; after a change of
    a file, only this file. If a conversion is killed, the store stays as it was, and the next call
    continues from there.

    Parameters
    ----------
    root_files : RFileConfig or path-like, or a list of them
        The files. The store holds their events in this order. Paths may be patterns and URLs.
    path : path-like
        The store, created if it is missing. All workers must see it under this path.
    keys : set of str, or mapping of str to str
        Branches or aliases, which keep their dtype and shape: numbers and fixed arrays become
        vectors, leaf-counted arrays and ``std::vector`` become jagged columns, strings text
        columns, and deeper types nested ones. A pattern (``"Jet_*"``) stands for all matching
        branches that all files have, that memmpy can decode, and that a column can hold. A pattern
        that is exactly the name of a branch (``"hit.p[3]"``) stands for this branch only. A mapping
        renames branches: ``{"jet_pt": "AnalysisJetsAuxDyn.pt"}``.
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists. Each list is truncated or filled up to a length with a value:
        ``{"jet_pt": (22, float("nan"))}``. The dtype stays. ``"jet_pt_mask"`` in `keys` adds the
        mask: for each entry bool of shape (22,), True where an item is real.
    aliases : mapping of str to str, optional
        Names for branches (``{"jet_pt": "AnalysisJetsAuxDyn.pt"}``) or for expressions of them
        (``{"met_gev": "met * 0.001"}``), in the language of cuts. An alias may use others.
    dtype : mapping of str to dtype-like, optional
        The dtype in which to store a key: ``{"jet_pt": "float16"}``. Values that are too large for
        a float become infinite, and integers that it cannot hold exactly are rounded; a warning
        counts both. An integer that does not fit is an error.
    splits : Splits, optional
        The rule that assigns events to splits. The store records it. This call and later calls also
        read the columns that the rule needs.
    recreate : bool
        Read everything again, and replace columns of these keys that you wrote.
    progress : bool, optional
        Whether to show a progress bar; by default only on a terminal.
    work : Work or concurrent.futures.Executor, optional
        The executor and its limits; see `Work`.

    Returns
    -------
    Conversion
        The columns of the store, and the entries that were read. It prints as a table with reasons.

    Raises
    ------
    MissingFileError, InputFileError
        If a file is missing, broken or of an unknown format, or has no such tree. The next call
        does not read the other files again.
    MissingKeyError
        If no file has such a branch; names the nearest.
    SchemaError
        If the branches of the files differ. One table shows all differences, before any file is
        read.
    SplitError
        If `splits` differ from those of the store, or no column names the events.
    OptionError
        If the arguments contradict each other.
    CutError
        If memmpy cannot read an alias; shows the place.
    CorruptStoreError
        If entries of the store that this call would reuse are damaged; names the columns.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If memmpy cannot write to the store. The store keeps its content.

    Warns
    -----
    ConversionWarning
        If a `dtype` cannot hold all values; if padding cuts off more than 1 % of the items of a
        key, or truncates more than 1 % of its entries. A call that reads nothing gives the second
        warning again.

    Examples
    --------
    >>> convert(
    ...     [RFileConfig("ttbb_*.root", "nominal", {"process": "ttbb"})],
    ...     "data.mmpy",
    ...     keys={"nJets", "met"},
    ...     keys_padded={"jet_pt": (22, float("nan"))},
    ... )
    """
    limits = check_work(work)
    request = check_conversion(
        root_files, keys, keys_padded=keys_padded, aliases=aliases, dtype=dtype, splits=splits
    )
    return convert_request(request, path, limits, recreate=recreate, progress=progress, check=None)


def convert_request(
    request: ConversionRequest,
    path: PathLike,
    work: Work,
    *,
    recreate: bool,
    progress: bool | None,
    check: Callable[[ConversionPlan], object] | None,
) -> Conversion:
    """Make the columns of a request, once their plan has passed a check.

    Parameters
    ----------
    request : ConversionRequest
        The columns.
    path : path-like
        The store.
    work : Work
        The executor and its limits.
    recreate : bool
        Whether to read everything again.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    check : callable or None
        Raises an error if the columns would be of no use. Called before any entry is read.
    """
    recreate, progress = check_flag("recreate", recreate), check_progress(progress)
    directory = check_path(path).absolute()  # threads may change the directory meanwhile
    known = _known(directory)
    with quiet(when=progress is False), worker_pool(work.executor) as pool, closing(open_files):

        def decide(metadata: Metadata) -> tuple[ConversionPlan, Splits | None]:
            policy = request.policy(metadata, path=path)
            plan = _plan(request, policy, metadata, pool, work, recreate=recreate)
            if check is not None:
                check(plan)
            return plan, resolve_splits(policy, metadata, plan.target, path=path)

        plan, splits = decide(known)
        is_current = not plan.columns and not plan.new_records
        if is_current and known.parts == parts_of(plan.target.sources):
            _remember(directory, plan.target, known)
            _record_splits(directory, splits)
            clippings = clippings_of(plan.current, plan.target.specs)
            warn_of(clipping_notes(clippings), ConversionWarning)
            return Conversion(Path(path), plan, 0, clippings)
        # The folder of unfinished columns belongs to one conversion at a time.
        with Transaction(
            directory, lock_timeout=work.lock_timeout, one_at_a_time=True
        ) as transaction:
            if transaction.metadata.generation != known.generation:
                # Another conversion may have done the work while this one waited for the lock.
                plan, splits = decide(transaction.metadata)
            if recreate:
                Unfinished(transaction.directory).clear()
            coordinator = Coordinator(plan, transaction.metadata, transaction.directory, pool)
            try:
                result = coordinator.run(progress=progress)
                columns = put_columns(transaction, plan, result.columns)
            except BaseException:
                coordinator.leave()
                raise
            coordinator.clear()
    for source, branches in plan.branches_read().items():
        logger.info("read %s of %s", printable(", ".join(branches)), source)
    warn_of(result.notes)
    clippings = clippings_of({**plan.current, **columns}, plan.target.specs)
    notes = [*_losses(result.num_lost, request.dtypes), *clipping_notes(clippings)]
    warn_of(notes, ConversionWarning)
    written = {a.file: a.nbytes for column in columns.values() for a in column.arrays.values()}
    _record_splits(directory, splits)
    return Conversion(Path(path), plan, sum(written.values()), clippings)


@argument_hints
def plan_conversion(
    root_files: RootFiles,
    path: PathLike,
    *,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    aliases: Mapping[str, str] | None = None,
    dtype: Mapping[str, Any] | None = None,
    splits: Splits | None = None,
    recreate: bool = False,
    work: WorkOption = None,
) -> ConversionPlan:
    """Return the plan of `convert` with the same arguments, and write nothing.

    Returns
    -------
    ConversionPlan
        The columns to write and why, and the entries of files to read for them. It prints as a
        table.
    """
    limits = check_work(work)
    request = check_conversion(
        root_files, keys, keys_padded=keys_padded, aliases=aliases, dtype=dtype, splits=splits
    )
    return plan_request(request, path, limits, recreate=recreate)


def plan_request(
    request: ConversionRequest, path: PathLike, work: Work, *, recreate: bool
) -> ConversionPlan:
    """Return the plan of `convert_request` with the same arguments."""
    recreate, known = check_flag("recreate", recreate), _known(path)
    with worker_pool(work.executor) as pool, closing(open_files):
        policy = request.policy(known, path=path)
        return _plan(request, policy, known, pool, work, recreate=recreate)


def _plan(
    request: ConversionRequest,
    policy: Policy,
    metadata: Metadata,
    pool: WorkerPool,
    work: Work,
    *,
    recreate: bool,
) -> ConversionPlan:
    """Inspect the files, and return the plan."""
    inventory, start = Inventory(metadata), perf_counter()
    target, facts, opened = survey(
        request.inputs,
        request.specs(policy),
        metadata,
        inventory=inventory,
        pool=pool,
        range_bytes=work.step_bytes,
        recreate=recreate,
    )
    plan = make_plan(target, facts, metadata, inventory=inventory, recreate=recreate)
    seconds = perf_counter() - start
    num_opened = len({*opened, *(i for i, fact in enumerate(facts) if fact is not None)})
    num_read = sum(opened.values())
    return replace(plan, num_opened=num_opened, num_totals_read=num_read, seconds_open=seconds)


def _record_splits(path: Path, splits: Splits | None) -> None:
    """Record the splits of a store, if it has some, and warn of likely mistakes."""
    if splits is None:
        return
    metadata = read_metadata(path)
    snapshot = open_event_columns(path, metadata, splits)
    try:
        agree_on_splits(snapshot, splits, num_entries=num_events(snapshot.metadata))
    except (MissingKeyError, ColumnError, LengthError):
        # A column of the user may name events, and be stale now: the next split is an error.
        if recorded_splits(metadata) is None:
            raise


def _known(path: PathLike) -> Metadata:
    try:
        return read_metadata(path)
    except MissingFileError:
        return Metadata()


def _remember(path: PathLike, target: Target, known: Metadata) -> None:
    """Record new facts about the sources, such as their present paths, if the store is writable."""
    if known.sources == target.sources:
        return
    # A store that is read-only or locked serves as well without them.
    with (
        suppress(ReadOnlyStoreError, StoreLockedError, DiskError),
        Transaction(path, lock_timeout=0) as transaction,
    ):
        transaction.change(target.name_sources)


def _losses(num_lost: Mapping[str, int], dtypes: Mapping[str, Any]) -> list[str]:
    return [
        f"{num:,} values of {key!r} do not fit into {dtypes.get(key)}: they became infinite, or "
        "rounded"
        for key, num in num_lost.items()
    ]
