"""Describe the events that a loader hands out, as JSON values and as tickets."""

import platform
from collections.abc import Iterator
from typing import Any

import numpy as np

from memmpy._version import __version__
from memmpy.errors import MemmpyError, SplitError
from memmpy.kernels import Words, mix64
from memmpy.loaders import LoaderOptions
from memmpy.order import TICKET_VERSION
from memmpy.splits.loader_entries import Choice, SkimLike
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import hash_text, read_metadata

__all__ = ["provenance_of", "rule_of", "tickets_of_choice"]

#: Entries per step.
_CHUNK = 1 << 18


def provenance_of(choice: Choice, options: LoaderOptions, *, order: str) -> dict[str, Any]:
    """Return a description of a loader as JSON values; see `SplitLoader.provenance`.

    Parameters
    ----------
    choice : Choice
        What is handed out.
    options : LoaderOptions
        How.
    order : str
        How it is shuffled.
    """
    num, total = 0, np.uint64(0)
    for drawn in tickets_of_choice(choice):
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
        "store": None if choice.path is None else str(choice.path),
        "files": _files(choice),
        "splits": None if choice.splits is None else choice.splits.to_json(),
        "fractions": None if choice.fractions is None else [*map(float, choice.fractions)],
        "split_seed": choice.split_seed if choice.fractions is not None else None,
        "split": choice.split,
        "fold": choice.fold,
        "cut": choice.cut,
        "events": {"num": num, "hash": hash_text(int(total))} if choice.rule is not None else None,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "shuffle": order,
    }


def tickets_of_choice(choice: Choice) -> Iterator[Words]:
    """Yield the tickets of the entries that a loader hands out, in steps; none for bare arrays."""
    if isinstance(choice.data, SkimLike):
        tickets = choice.data.tickets
        for rows in choice.rows(choice.data):
            for start in range(rows.start, rows.stop, _CHUNK):
                yield np.asarray(tickets[start : min(start + _CHUNK, rows.stop)])
    elif choice.tickets is not None:
        members = choice.members(max(map(len, choice.data.values())), ascending=False)
        for start in range(0, len(members), _CHUNK):
            positions = np.arange(start, min(start + _CHUNK, len(members)))
            yield choice.tickets(members.entries(positions, compiled=False))


def rule_of(choice: Choice) -> TicketRule:
    """Return the rule of the tickets of `tickets_of_choice`.

    Raises
    ------
    SplitError
        If the data is bare arrays, which have no rule.
    """
    if choice.rule is None:
        raise SplitError("bare arrays do not name their events: load from a store or a skim")
    return choice.rule


def _files(choice: Choice) -> list[dict[str, Any]]:
    if choice.path is None:
        return []
    try:
        sources = read_metadata(choice.path).sources
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
