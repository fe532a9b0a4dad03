"""The state of a loader: what its order depends on, in a few texts that a checkpoint can keep."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xxhash

from memmpy.checks import check_integer, check_seed
from memmpy.columns import ReadJagged
from memmpy.errors import OptionError
from memmpy.jagged import Jagged
from memmpy.loaders import EpochChunks
from memmpy.order import MemberList
from memmpy.splits.split_data import LoaderSpec, SkimLike
from memmpy.typing import Array, Entries

__all__ = ["check_position", "loader_identity", "read_state"]

#: The number of entries that stand for all data.
_NUM_SAMPLES = 64
#: The names of what a state depends on, as an error has them.
_PARTS = {
    "batch_size": "batch size (of all ranks together)",
    "seed": "seed",
    "order": "order",
    "split": "split",
    "data": "data (another cut or scaling, other keys or files)",
}


def loader_identity(spec: LoaderSpec, chunks: EpochChunks) -> dict[str, str]:
    """Return the order, the split and a hash of the data of a loader; reads a few entries.

    Equal entries with equal values have an equal hash, on any machine.
    """
    shuffle, order = chunks.shuffle, str(chunks.shuffle.kind)
    if order == "blocks":
        order += f" {shuffle.block_rows} x {shuffle.window_blocks}"
    if spec.sampling is not None:
        order += f", {spec.sampling.to_json()}"
    num, data = len(chunks.gatherer), spec.split_data.data
    places = np.unique(np.linspace(0, max(0, num - 1), min(num, _NUM_SAMPLES)).astype(np.int64))
    entries = chunks.gatherer.entries(MemberList(places)) if num else places
    digest = xxhash.xxh64(f"{num} {spec.fit_options}".encode())
    if isinstance(data, SkimLike):
        lists = {f"list {name}": Jagged.mapped(*lists, name) for name, lists in data.lists.items()}
        columns: Mapping[str, Any] = {"": data.rows, "ticket": data.tickets, **lists}
    else:
        digest.update(entries.tobytes())
        columns = data
    for key in sorted(columns):
        column = columns[key]
        digest.update(f"{key} {getattr(column, 'dtype', '')} {len(column)}".encode())
        for values in _arrays_of(column, entries):
            digest.update(values.tobytes())
    return {"order": order, "split": str(spec.split_data), "data": digest.hexdigest()}


def _arrays_of(column: Any, entries: Entries) -> list[Array]:
    """Return the values of some entries: numbers, or lists of them, and none of other columns."""
    if isinstance(column, np.ndarray):
        values: Array = np.asarray(column)[entries]
        if values.dtype.hasobject:
            return []
        # NumPy does not copy the bytes between the fields of rows: they are any.
        return [values[name] for name in values.dtype.names or [...]]
    if isinstance(column, Jagged | ReadJagged):
        lists = column[entries]
        return [np.asarray(lists.content), np.asarray(lists.offsets)]
    return []


def read_state(state: object, expected: Mapping[str, Any]) -> tuple[int, int]:
    """Return the epoch and the position of a state.

    Parameters
    ----------
    state : mapping
        A state of a loader.
    expected : mapping
        The state that this loader has now.

    Raises
    ------
    OptionError
        If it is no state, or depends on something else than this loader.
    """
    if not isinstance(state, Mapping) or expected.keys() - state.keys():
        keys = ", ".join(map(repr, expected))
        raise OptionError(f"the state of a loader is a dict of {keys}, got {state!r:.200}")
    for name, words in _PARTS.items():
        if str(state[name]) != str(expected[name]):  # a checkpoint may have NumPy's numbers
            message = f"the state is that of another {words}: {state[name]!r}, not"
            raise OptionError(
                f"{message} {expected[name]!r}; begin a new training, or give the same"
            )
    position = check_integer("the position of a state", state["position"], minimum=0)
    return check_seed("the epoch of a state", state["epoch"]), position


def check_position(position: object, batch_size: int, *, num_batches: int) -> int:
    """Return a position of an epoch, which is the start of a batch or the end."""
    checked = check_integer("position", position, minimum=0)
    if checked % batch_size or checked > num_batches * batch_size:
        message = f"position {checked:,} is not the start of a batch: give a multiple of the batch "
        raise OptionError(f"{message}size {batch_size:,} up to {num_batches * batch_size:,}")
    return checked
