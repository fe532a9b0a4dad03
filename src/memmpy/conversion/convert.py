"""ROOT files to columns: reads what is missing or stale, keeps the rest."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memmpy.errors import DiskError, MissingFileError, ReadOnlyStoreError, StoreLockedError
from memmpy.conversion.agreement import column_types
from memmpy.conversion.config import RootFiles, list_inputs
from memmpy.conversion.filling import Filling
from memmpy.conversion.plan import Wanted
from memmpy.conversion.recipe import make_recipes
from memmpy.conversion.sources import describe_sources
from memmpy.store import Metadata, SourceRecord, Transaction, parts_of, read_metadata
from memmpy.typing import PathLike

__all__ = ["Conversion", "convert"]

#: Bytes of decompressed data that are read at a time, unless told otherwise.
STEP_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Conversion:
    """What `convert` did.

    Parameters
    ----------
    path : Path
        The store.
    sources : tuple of SourceRecord
        The files that fill it, in the order of their entries.
    read : mapping of file to branches
        What was read from each; empty where everything was in the store already.
    wanted : Wanted
        What was asked for.
    """

    path: Path
    sources: tuple[SourceRecord, ...]
    read: Mapping[str, tuple[str, ...]]
    wanted: "Wanted" = field(repr=False)

    @property
    def num_entries(self) -> int:
        """Entries of all files together."""
        return sum(source.num_entries for source in self.sources)

    @property
    def was_cached(self) -> bool:
        """Whether no file had to be read."""
        return not self.read

    def is_in(self, metadata: Metadata) -> bool:
        """Say whether a store still holds what was asked for: others may convert into it too."""
        held = tuple(source.id for source in metadata.sources)
        return held == tuple(source.id for source in self.sources) and not self.wanted.plan(
            metadata
        )


def convert(
    root_files: RootFiles,
    path: PathLike,
    *,
    keys: Collection[str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    aliases: Mapping[str, str] | None = None,
    recreate: bool = False,
    step_bytes: int = STEP_BYTES,
    progress: bool | None = None,
    lock_timeout: float = -1,
) -> Conversion:
    """Make columns of ROOT files.

    Only what is missing or stale is read: one more key reads its branch alone, a file that was
    added or changed is the only one read. Killed half way, the store stays as it was.

    Parameters
    ----------
    root_files : RFileConfig or path-like, or a list of them
        The files, whose events follow each other in this order. Paths may be patterns.
    path : path-like
        The store; made where it is missing.
    keys : set of str
        Branches or aliases, which keep their dtype and shape: numbers and fixed arrays become
        vectors, leaf-counted arrays and ``std::vector`` become jagged columns, strings text
        columns, and deeper types nested ones.
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists that are cut or filled up to a length with a value:
        ``{"jet_pt": (22, float("nan"))}``. The dtype stays that of the branch.
    aliases : mapping of str to str, optional
        Names for branches (``{"jet_pt": "AnalysisJetsAuxDyn.pt"}``) or for expressions of them
        (``{"met_gev": "met * 0.001"}``), in the language of cuts. May use each other.
    recreate : bool
        Read everything again, and replace columns of these keys that the user wrote.
    step_bytes : int
        About how many bytes of decompressed data are in memory at a time.
    progress : bool, optional
        Whether to show a progress bar; on a terminal where not given.
    lock_timeout : float
        Seconds to wait for another process that writes to the store; below zero, for ever.

    Returns
    -------
    Conversion
        What the store holds and what was read.

    Raises
    ------
    MissingFileError, RootFileError
        If a file is not there, is not a ROOT file or is broken, or has no such tree.
    MissingKeyError
        If a tree has no such branch; the nearest are named.
    OptionError
        If the arguments make no sense together.
    CutError
        If an alias cannot be understood.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If the store cannot be written to; it keeps what it held.

    Examples
    --------
    >>> convert(
    ...     [RFileConfig("ttbb_*.root", "nominal", {"process": "ttbb"})],
    ...     "data.mmpy",
    ...     keys={"nJets", "met"},
    ...     keys_padded={"jet_pt": (22, float("nan"))},
    ... )
    """
    inputs = list_inputs(root_files)
    recipes = make_recipes(
        keys,
        keys_padded=keys_padded or {},
        aliases=aliases or {},
        reserved=inputs[0].metadata,
    )
    known = _known(path)
    # To read everything again is to ask the files again.
    sources = describe_sources(inputs, () if recreate else known.sources)
    wanted = Wanted(recipes, sources)
    plan = wanted.plan(known, recreate=recreate)
    if not plan and known.parts == parts_of(sources):
        if known.sources != sources:
            # Files have moved: what can only be read serves as well without their new paths.
            with (
                suppress(ReadOnlyStoreError, StoreLockedError, DiskError),
                Transaction(path, lock_timeout=0) as transaction,
            ):
                transaction.change(wanted.name_sources)
        return Conversion(Path(path), sources, {}, wanted)
    types = column_types(plan, wanted, known)
    with Transaction(path, lock_timeout=lock_timeout) as transaction:
        if transaction.metadata.generation != known.generation:
            # Another process may have done the work while this one waited for the lock.
            plan = wanted.plan(transaction.metadata, recreate=recreate)
            types = column_types(plan, wanted, transaction.metadata)
        filling = Filling(plan, wanted, types, transaction)
        read = filling.run(step_bytes=step_bytes, progress=progress)
        transaction.change(wanted.name_sources)
    return Conversion(Path(path), sources, read, wanted)


def _known(path: PathLike) -> Metadata:
    try:
        return read_metadata(path)
    except MissingFileError:
        return Metadata()
