"""Carries out the plan of a conversion: columns are filled from the store and from files."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.columns import (
    ColumnWriter,
    ReadText,
    StoredColumn,
    WriteJagged,
    WriteNested,
    WriteText,
    WriteVector,
    open_column,
)
from memmpy.errors import RootFileError
from memmpy.conversion.plan import Pieces, Wanted
from memmpy.conversion.progress import Progress
from memmpy.root.reading import TreeFile
from memmpy.conversion.recipe import Recipe, branches_of, metadata_recipe
from memmpy.inputs.types import BranchType
from memmpy.store import Origin, SourceRecord, Transaction, hash64, parts_of

__all__ = ["Filling"]

logger = logging.getLogger(__name__)

#: Entries of a column that are written at a time where no file sets the step.
STEP_SIZE = 1 << 16


@dataclass(frozen=True, slots=True)
class Filling:
    """A plan, and the transaction in which it is carried out.

    Parameters
    ----------
    plan : mapping of key to Pieces
        The columns to write, and what fills them.
    wanted : Wanted
        Their recipes, and the sources.
    types : mapping of key to BranchType
        What they hold.
    transaction : Transaction
        Of the store; open.
    """

    plan: Mapping[str, Pieces]
    wanted: Wanted
    types: Mapping[str, BranchType]
    transaction: Transaction

    def run(self, *, step_bytes: int, progress: bool | None) -> dict[str, tuple[str, ...]]:
        """Write the columns, and return the branches that were read, by file."""
        sources, to_read = self.wanted.sources, self.wanted.to_read(self.plan)
        for name in sources[0].metadata:
            if name in self.plan:
                self._write_metadata(name)
        kept = self._open_kept()
        total = sum(s.num_entries for s, recipes in zip(sources, to_read, strict=True) if recipes)
        read: dict[str, tuple[str, ...]] = {}
        with ExitStack() as stack:
            writers = {
                recipe.key: stack.enter_context(self._writer(recipe))
                for recipe in self.wanted.recipes
                if recipe.key in self.plan
            }
            bar = stack.enter_context(Progress("converting", total, show=progress))
            for i, (source, recipes) in enumerate(zip(sources, to_read, strict=True)):
                for key, column in kept.items():
                    for piece in _kept_entries(column, self.plan[key][i]):
                        _fill(writers[key], piece)
                if recipes:
                    _read(source, recipes, writers, step_bytes=step_bytes, bar=bar)
                    branches = branches_of(recipes)
                    read[source.path] = (*read.get(source.path, ()), *branches)
                    logger.info("read %s of %s", ", ".join(branches), source.path)
        return read

    def _writer(self, recipe: Recipe) -> ColumnWriter:
        """Return the writer of a column, which starts when it is entered."""
        path, key, held = self.transaction.directory, recipe.key, self.types[recipe.key]
        writer: ColumnWriter
        if held.kind == "text":
            writer = WriteText(path, key, transaction=self.transaction)
        elif held.kind == "nested":
            writer = WriteNested(path, key, type=held.type, transaction=self.transaction)
        else:
            write = WriteVector if held.kind == "vector" else WriteJagged
            dtype, shape = held.dtype, held.shape
            writer = write(path, key, dtype=dtype, shape=shape, transaction=self.transaction)
        writer.origin = Origin(recipe.to_json(), parts_of(self.wanted.sources))
        return writer

    def _open_kept(self) -> dict[str, StoredColumn]:
        """Open the columns of which entries are kept."""
        columns = self.transaction.metadata.columns
        return {
            key: open_column(self.transaction.directory, key, columns[key])
            for key, pieces in self.plan.items()
            if any(piece is not None for piece in pieces) and key in self.types
        }

    def _write_metadata(self, name: str) -> None:
        """Write what the user said of the files: for each entry, the hash of a text."""
        sources, path = self.wanted.sources, self.transaction.directory
        column = WriteVector(path, name, dtype=np.uint64, shape=(), transaction=self.transaction)
        column.origin = Origin(metadata_recipe(name, sources), parts_of(sources))
        column.details = {"hashed": True}
        with column:
            for source in sources:
                number = np.uint64(hash64(source.metadata[name]))
                for start in range(0, source.num_entries, STEP_SIZE):
                    column.extend(np.full(min(STEP_SIZE, source.num_entries - start), number))


def _read(
    source: SourceRecord,
    recipes: Sequence[Recipe],
    writers: Mapping[str, ColumnWriter],
    *,
    step_bytes: int,
    bar: Progress,
) -> None:
    """Fill columns with all entries of one source."""
    bar.say(Path(source.path).name)
    num_read = 0
    with TreeFile(source.path, source.tree) as file:
        for chunk in file.iterate(branches_of(recipes), step_bytes=step_bytes):
            for recipe in recipes:
                _fill(writers[recipe.key], recipe.entries(chunk))
            num = len(next(iter(chunk.values())))
            num_read += num
            bar.advance(num)
    if num_read != source.num_entries:
        message = (
            f"{source.path!r} gave {num_read} of the {source.num_entries} entries of "
            f"{source.tree!r}; did it change while it was read? Run again"
        )
        raise RootFileError(message)


def _fill(writer: ColumnWriter, values: Any) -> None:
    if isinstance(writer, WriteText):
        writer.extend_encoded(values)
    else:
        assert isinstance(writer, WriteVector | WriteJagged | WriteNested)
        writer.extend(values)


def _kept_entries(column: StoredColumn, entries: range | None) -> Iterator[Any]:
    """Yield entries of a column as `_fill` takes them, in steps."""
    encoded = column.encoded if isinstance(column, ReadText) else column
    kept = range(0) if entries is None else entries
    for start in range(kept.start, kept.stop, STEP_SIZE):
        yield encoded[start : min(start + STEP_SIZE, kept.stop)]
