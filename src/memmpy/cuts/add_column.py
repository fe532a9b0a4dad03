"""Computes a column from other columns of a store, and writes it into the store."""

from collections.abc import Collection, Mapping
from typing import Any

from memmpy.columns import Snapshot, WriteJagged, WriteVector, open_columns
from memmpy.cuts.compute import check_stored, columns_used, prepare, read_cut
from memmpy.cuts.evaluation import compute_column
from memmpy.cuts.inputs import STEP_SIZE, inputs_of
from memmpy.cuts.language import LANGUAGE, Constant, Node, normal_form
from memmpy.errors import OptionError, warn_of
from memmpy.jagged import Jagged
from memmpy.parallel import check_threads
from memmpy.store import Computed, Metadata, Transaction, read_metadata
from memmpy.typing import Array, PathLike

__all__ = ["add_column", "recompute_column"]


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
    """Write the values of an expression into a store, unless it has them.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        The new column.
    expression : str
        An expression of columns of the store.
    aliases, constants : mapping, optional
        See `compute_cut_batched`.
    recreate : bool
        Compute the column even if the store has it, and replace one that was not computed.
    num_threads : int, optional
        See `compute_cut_batched`.

    Raises
    ------
    CutError
        If the expression cannot be understood or computed.
    OptionError
        If the key is that of a column that was not computed, or the expression uses it.
    """
    node = read_cut(expression, aliases=aliases, constants=constants)
    threads = check_threads(num_threads)
    meaning, metadata = normal_form(node), read_metadata(path)
    names = columns_used(node, metadata)
    _check_no_cycle(metadata, key, names)
    if not recreate and _is_stored(metadata, key, meaning):
        return
    with Transaction(path) as transaction:
        metadata = transaction.metadata
        names = columns_used(node, metadata)
        _check_no_cycle(metadata, key, names)
        check_stored(node, metadata.current_keys(), path=path, metadata=metadata)
        fingerprints = {name: metadata.columns[name].fingerprint for name in names}
        details = Computed(expression, meaning, LANGUAGE, fingerprints).to_details()
        notes = _write(open_columns(path, names or None), node, key, details, transaction, threads)
        warn_of(notes)  # before the commit: as an error, it leaves the store as it was


def recompute_column(path: PathLike, key: str, expression: str, *, target: PathLike) -> None:
    """Write the values of an expression of columns of one store into another.

    Parameters
    ----------
    path, key, expression
        See `add_column`.
    target : path-like
        The other store.
    """
    node = read_cut(expression, aliases=None, constants=None)
    snapshot = open_columns(path, columns_used(node, read_metadata(path)) or None)
    with Transaction(target) as transaction:
        _write(snapshot, node, key, {}, transaction, check_threads(None))


def _write(
    snapshot: Snapshot,
    node: Node,
    key: str,
    details: Mapping[str, Any],
    transaction: Transaction,
    num_threads: int,
) -> frozenset[str]:
    """Write the values of an expression, and return the warnings."""
    inputs = inputs_of(snapshot, [node], {})
    program, notes = prepare(node, inputs)

    def compute(start: int, stop: int) -> tuple[Array | Jagged, frozenset[str]]:
        return compute_column(program, inputs.slices(start, stop), num_entries=stop - start)

    empty, _ = compute(0, 0)
    with _writer(key, empty, transaction) as column:
        column.details = details
        for values, more in inputs.map(compute, step_size=STEP_SIZE, num_threads=num_threads):
            column.extend(values)
            notes |= more
    return notes


def _check_no_cycle(metadata: Metadata, key: str, names: Collection[str]) -> None:
    """Raise an `OptionError` if a column would be computed from itself, through others or not."""
    seen, pending = set[str](), list(names)
    while pending:
        name = pending.pop()
        if name == key:
            through = "" if key in names else f", through {', '.join(map(repr, names))}"
            message = f"{key!r} would be computed from itself{through}; take another key"
            raise OptionError(message)
        column = metadata.columns.get(name)
        if column is not None and column.computed is not None and name not in seen:
            seen.add(name)
            pending += column.computed.made_of


def _is_stored(metadata: Metadata, key: str, meaning: str) -> bool:
    """Return whether a store has the column with these values.

    Raises
    ------
    OptionError
        If it has a column of that key that was not computed.
    """
    column = metadata.columns.get(key)
    if column is None:
        return False
    computed = column.computed
    if computed is None:
        message = f"column {key!r} of the store was not computed and would be lost; "
        raise OptionError(f"{message}take another key, or replace it (recreate=True)")
    is_same = (computed.normal, computed.language) == (meaning, LANGUAGE)
    return is_same and key in metadata.current_keys()


def _writer(key: str, empty: Array | Jagged, transaction: Transaction) -> WriteVector | WriteJagged:
    """Return the writer of a column for values of the type and shape of `empty`."""
    path = transaction.directory
    if isinstance(empty, Jagged):
        shape = empty.content.shape[1:]
        return WriteJagged(path, key, dtype=empty.dtype, shape=shape, transaction=transaction)
    shape = empty.shape[1:]
    return WriteVector(path, key, dtype=empty.dtype, shape=shape, transaction=transaction)
