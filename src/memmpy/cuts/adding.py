"""Columns computed from other columns of a store, and kept in it."""

from collections.abc import Mapping
from typing import Any

from memmpy.columns import Jagged, WriteJagged, WriteVector, open_columns
from memmpy.cuts.compute import prepared, read_cut
from memmpy.cuts.evaluation import check_keys, computed, warn_of
from memmpy.cuts.language import LANGUAGE, Constant, keys_of, normal
from memmpy.cuts.steps import STEP_SIZE, inputs_of, threads_of
from memmpy.errors import OptionError
from memmpy.store import Metadata, Transaction, read_metadata
from memmpy.typing import Array, PathLike

__all__ = ["add_column"]


def add_column(
    path: PathLike,
    key: str,
    expression: str,
    *,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
    recreate: bool,
    num_threads: int | None,
) -> None:
    """Write the values of an expression into a store, unless they are there already.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        The new column.
    expression : str
        Of columns of the store.
    aliases, constants : mapping, optional
        As `compute_cut_batched` takes them.
    recreate : bool
        Whether to compute again what is there, and to replace a column that was not computed.
    num_threads : int, optional
        Threads that compute; all cores where not given.

    Raises
    ------
    CutError
        If the expression cannot be understood or computed.
    OptionError
        If there is such a column that was not computed, or the expression uses it.
    """
    node = read_cut(expression, aliases=aliases, constants=constants)
    threads, names = threads_of(num_threads), sorted(keys_of(node))
    if key in names:
        raise OptionError(f"{key!r} would be computed from itself; take another key")
    meaning = {"normal": normal(node), "language": LANGUAGE}
    if not recreate and _is_there(read_metadata(path), key, meaning):
        return
    with Transaction(path) as transaction:
        metadata = transaction.metadata
        check_keys(node, metadata.current_keys())
        snapshot = open_columns(path, names or None)
        inputs = inputs_of(snapshot, [node], {})
        program, notes = prepared(node, inputs), set[str]()

        def values(start: int, stop: int) -> Array | Jagged:
            columns = inputs.values(start, stop)
            return computed(program, columns, num_entries=stop - start, notes=notes)

        with _writer(path, key, values(0, 0), transaction) as column:
            made_of = {name: metadata.columns[name].fingerprint for name in names}
            column.details = {"computed": {**meaning, "expression": expression, "made_of": made_of}}
            for piece in inputs.run(values, step_size=STEP_SIZE, num_threads=threads):
                column.extend(piece)
    warn_of(notes)


def _is_there(metadata: Metadata, key: str, meaning: Mapping[str, Any]) -> bool:
    """Whether a store has a column of these values.

    Raises
    ------
    OptionError
        If it has another one of that key, which was not computed.
    """
    column = metadata.columns.get(key)
    if column is None:
        return False
    held = column.details.get("computed")
    if held is None:
        message = f"column {key!r} of the store was not computed and would be lost; "
        raise OptionError(f"{message}take another key, or replace it (recreate=True)")
    return meaning.items() <= held.items() and key in metadata.current_keys()


def _writer(
    path: PathLike, key: str, nothing: Array | Jagged, transaction: Transaction
) -> WriteVector | WriteJagged:
    """Return the writer of a column that holds such values."""
    if isinstance(nothing, Jagged):
        shape = nothing.content.shape[1:]
        return WriteJagged(path, key, dtype=nothing.dtype, shape=shape, transaction=transaction)
    shape = nothing.shape[1:]
    return WriteVector(path, key, dtype=nothing.dtype, shape=shape, transaction=transaction)
