"""Records which events a model was trained on, as JSON."""

import platform
from collections.abc import Iterator
from typing import Any

import numpy as np

from memmpy._version import __version__
from memmpy.errors import MemmpyError, SplitError
from memmpy.kernels import Words, mix64
from memmpy.loaders import steps_of
from memmpy.order import TICKET_VERSION
from memmpy.splits.split_data import LoaderSpec, SkimLike, SplitData
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import hash_text, read_metadata

__all__ = ["provenance_of", "rule_of", "tickets_of_split"]

#: Entries per step.
_STEP_SIZE = 1 << 18


def provenance_of(spec: LoaderSpec, *, order: str) -> dict[str, Any]:
    """Return a description of a loader as JSON values; see `SplitLoader.provenance`.

    Parameters
    ----------
    spec : LoaderSpec
        The data, the entries and the options of the loader.
    order : str
        The kind of its shuffle.
    """
    split_data, options = spec.split_data, spec.options
    num, total = 0, np.uint64(0)
    for drawn in tickets_of_split(split_data):
        num += len(drawn)
        with np.errstate(over="ignore"):
            total += mix64(drawn).sum(dtype=np.uint64)
    return {
        "versions": {
            "memmpy": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "tickets": TICKET_VERSION,
        },
        "store": None if split_data.path is None else str(split_data.path),
        "files": _files(split_data),
        "splits": None if split_data.splits is None else split_data.splits.to_json(),
        "fractions": None if split_data.fractions is None else [*map(float, split_data.fractions)],
        "split_seed": None if split_data.fractions is None else split_data.split_seed,
        "split": split_data.split,
        "fold": split_data.fold,
        "cut": split_data.cut,
        "events": {"num": num, "hash": hash_text(int(total))}
        if split_data.rule is not None
        else None,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "shuffle": order,
        "sampling": None if spec.sampling is None else spec.sampling.to_json(),
    }


def tickets_of_split(split_data: SplitData) -> Iterator[Words]:
    """Yield the tickets of the entries that a loader hands out, in steps; none for bare arrays."""
    if isinstance(split_data.data, SkimLike):
        tickets = split_data.data.tickets
        for rows in steps_of(split_data.rows(split_data.data), _STEP_SIZE):
            yield np.asarray(tickets[rows.start : rows.stop])
    elif split_data.tickets is not None:
        members = split_data.members(max(map(len, split_data.data.values())), ascending=False)
        for start in range(0, len(members), _STEP_SIZE):
            positions = np.arange(start, min(start + _STEP_SIZE, len(members)))
            yield split_data.tickets(members.entries(positions, compiled=False))


def rule_of(split_data: SplitData) -> TicketRule:
    """Return the rule of the tickets of `tickets_of_split`.

    Raises
    ------
    SplitError
        If the data is bare arrays, which have no rule.
    """
    if split_data.rule is None:
        raise SplitError("bare arrays do not name their events: load from a store or a skim")
    return split_data.rule


def _files(split_data: SplitData) -> list[dict[str, Any]]:
    if split_data.path is None:
        return []
    try:
        sources = read_metadata(split_data.path).sources
    except MemmpyError:  # the store was removed
        return []
    return [
        {
            "path": source.path,
            "uuid": source.uuid,
            "tree": source.tree,
            "tree_start": source.tree_start,
            "tree_stop": source.tree_stop,
        }
        for source in sources
    ]
