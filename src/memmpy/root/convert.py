"""ROOT files to columns: reads what is missing or stale, keeps the rest."""

import dataclasses
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memmpy.columns import ColumnWriter, StoredColumn, open_column
from memmpy.errors import (
    DiskError,
    MissingFileError,
    ReadOnlyStoreError,
    RootFileError,
    StoreLockedError,
)
from memmpy.root.config import RootFiles, list_inputs
from memmpy.root.filling import fill, kept_entries, metadata_recipe, new_writer, write_metadata
from memmpy.root.plan import Pieces, plan_columns
from memmpy.root.progress import Progress
from memmpy.root.reading import TreeFile
from memmpy.root.recipe import Recipe, make_recipes
from memmpy.root.sources import describe_sources
from memmpy.root.types import BranchType, type_of_column
from memmpy.store import Metadata, Origin, SourceRecord, Transaction, read_metadata
from memmpy.typing import PathLike

__all__ = ["Conversion", "convert"]

logger = logging.getLogger(__name__)

#: Bytes of decompressed data that are read at a time, unless told otherwise.
STEP_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Conversion:
    """What `convert` did.

    Parameters
    ----------
    path : Path
        The store.
    num_entries : int
        Entries of all files together.
    num_files : int
        How many files fill the store.
    read : mapping of file to branches
        What was read from each; empty where everything was in the store already.
    """

    path: Path
    num_entries: int
    num_files: int
    read: Mapping[str, tuple[str, ...]]

    @property
    def was_cached(self) -> bool:
        """Whether no file had to be read."""
        return not self.read


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
        Read everything again.
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
    sources = describe_sources(inputs, known.sources)
    wanted = _Wanted(recipes, sources, recreate)
    read: Mapping[str, tuple[str, ...]] = {}
    if wanted.plan(known):
        with Transaction(path, lock_timeout=lock_timeout) as transaction:
            # Another process may have done the work while this one waited for the lock.
            plan = wanted.plan(transaction.metadata)
            read = _carry_out(plan, wanted, transaction, step_bytes=step_bytes, progress=progress)
            transaction.change(wanted.name_sources)
    elif known.sources != sources:
        # Files have moved, at most: what can only be read serves as well without their new paths.
        with (
            suppress(ReadOnlyStoreError, StoreLockedError, DiskError),
            Transaction(path, lock_timeout=0) as transaction,
        ):
            transaction.change(wanted.name_sources)
    num_entries = sum(source.num_entries for source in sources)
    return Conversion(Path(path), num_entries, len(sources), read)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the user asked for: columns by recipe, and sources in order."""

    recipes: list[Recipe]
    sources: tuple[SourceRecord, ...]
    recreate: bool

    def plan(self, metadata: Metadata) -> dict[str, Pieces]:
        """Return the columns that must be written to a store, and what fills them."""
        recipes = {recipe.key: recipe.to_json() for recipe in self.recipes}
        for name in self.sources[0].metadata:
            recipes[name] = metadata_recipe(name, self.sources)
        return plan_columns(metadata, self.sources, recipes, recreate=self.recreate)

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)

    def to_read(self, plan: Mapping[str, Pieces]) -> list[list[Recipe]]:
        """Return, for each source, the recipes that need it."""
        return [
            [r for r in self.recipes if r.key in plan and plan[r.key][i] is None]
            for i in range(len(self.sources))
        ]


def _known(path: PathLike) -> Metadata:
    try:
        return read_metadata(path)
    except MissingFileError:
        return Metadata()


def _carry_out(
    plan: Mapping[str, Pieces],
    wanted: _Wanted,
    transaction: Transaction,
    *,
    step_bytes: int,
    progress: bool | None,
) -> dict[str, tuple[str, ...]]:
    """Write the columns of a plan and return the branches that were read, by file."""
    sources, to_read = wanted.sources, wanted.to_read(plan)
    types = _types(plan, wanted, to_read, transaction.metadata)
    kept = _open_kept(plan, transaction)
    read: dict[str, tuple[str, ...]] = {}
    parts = tuple((source.id, source.num_entries) for source in sources)
    for name in sources[0].metadata:
        if name in plan:
            write_metadata(transaction, name, sources)
    with ExitStack() as stack:
        writers: dict[str, ColumnWriter] = {}
        for recipe in wanted.recipes:
            if recipe.key in plan:
                writer = new_writer(transaction, recipe.key, types[recipe.key])
                writer.origin = Origin(recipe.to_json(), parts)
                writers[recipe.key] = stack.enter_context(writer)
        total = sum(s.num_entries for s, recipes in zip(sources, to_read, strict=True) if recipes)
        bar = stack.enter_context(Progress("converting", total, show=progress))
        for i, (source, recipes) in enumerate(zip(sources, to_read, strict=True)):
            for key, column in kept.items():
                entries = plan[key][i]
                if entries is not None:
                    for piece in kept_entries(column, entries):
                        fill(writers[key], piece)
            if recipes:
                bar.say(Path(source.path).name)
                branches = _branches(recipes)
                _read_source(source, recipes, writers, step_bytes=step_bytes, bar=bar)
                read[source.path] = branches
                logger.info("read %s of %s", ", ".join(branches), source.path)
    return read


def _types(
    plan: Mapping[str, Pieces],
    wanted: _Wanted,
    to_read: Sequence[Sequence[Recipe]],
    metadata: Metadata,
) -> dict[str, BranchType]:
    """Return the type of each column, on which all its files must agree."""
    types: dict[str, tuple[BranchType, str]] = {}
    for recipe in wanted.recipes:
        if any(piece is not None for piece in plan.get(recipe.key, ())):
            types[recipe.key] = (type_of_column(metadata.columns[recipe.key]), "the store")
    for source, recipes in zip(wanted.sources, to_read, strict=True):
        if not recipes:
            continue
        with TreeFile(source.path, source.tree) as file:
            branch_types = {branch: file.type_of(branch) for branch in _branches(recipes)}
        for recipe in recipes:
            found = recipe.type(branch_types)
            first, where = types.setdefault(recipe.key, (found, source.path))
            if found != first:
                message = (
                    f"{recipe.key!r} is {first} in {where!r} and {found} in {source.path!r}; "
                    "convert them into two stores, or make the files agree"
                )
                raise RootFileError(message)
    return {key: found for key, (found, _) in types.items()}


def _branches(recipes: Sequence[Recipe]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(branch for recipe in recipes for branch in recipe.branches))


def _open_kept(plan: Mapping[str, Pieces], transaction: Transaction) -> dict[str, StoredColumn]:
    """Open the columns of which entries are kept; nobody else can replace them meanwhile."""
    columns = transaction.metadata.columns
    return {
        key: open_column(transaction.directory, key, columns[key])
        for key, pieces in plan.items()
        if any(piece is not None for piece in pieces)
    }


def _read_source(
    source: SourceRecord,
    recipes: Sequence[Recipe],
    writers: Mapping[str, ColumnWriter],
    *,
    step_bytes: int,
    bar: Progress,
) -> None:
    num_read = 0
    with TreeFile(source.path, source.tree) as file:
        for chunk in file.iterate(_branches(recipes), step_bytes=step_bytes):
            for recipe in recipes:
                fill(writers[recipe.key], recipe.entries(chunk))
            num = len(next(iter(chunk.values())))
            num_read += num
            bar.advance(num)
    if num_read != source.num_entries:
        message = (
            f"{source.path!r} gave {num_read} of the {source.num_entries} entries of "
            f"{source.tree!r}; did it change while it was read? Run again"
        )
        raise RootFileError(message)
