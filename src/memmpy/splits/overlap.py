"""Counts the events that two loaders share."""

import numpy as np

from memmpy.errors import OptionError, SplitError, argument_hints
from memmpy.kernels import Words
from memmpy.splits.provenance import rule_of, tickets_of_split
from memmpy.splits.split_loader import SplitLoader

__all__ = ["overlap"]


@argument_hints
def overlap(loader_a: SplitLoader, loader_b: SplitLoader) -> int:
    """Return the number of events that both loaders yield, in whole epochs and over all ranks.

    Entries with the same identity are one event. The call needs 8 bytes of memory per entry.

    Parameters
    ----------
    loader_a, loader_b : SplitLoader
        Loaders of stores, of skims or of their columns. Two stores must name events by the same
        columns, with the same seed.

    Raises
    ------
    SplitError
        If the loaders name events differently, or load bare arrays.

    Examples
    --------
    >>> memmpy.overlap(store.loader("train"), store.loader("test"))
    0
    """
    for loader in (loader_a, loader_b):
        given: object = loader
        if not isinstance(given, SplitLoader):
            raise OptionError(f"overlap compares two SplitLoader, got {given!r:.80}")
    rules = [rule_of(loader.split_data) for loader in (loader_a, loader_b)]
    if rules[0] != rules[1]:
        message = f"the loaders do not name events alike: {rules[0]} and {rules[1]}; "
        raise SplitError(f"{message}compare loaders of the same by= and seed=")
    common: Words = np.intersect1d(
        _unique_tickets(loader_a), _unique_tickets(loader_b), assume_unique=True
    )
    return len(common)


def _unique_tickets(loader: SplitLoader) -> Words:
    tickets = np.concatenate([np.empty(0, np.uint64), *tickets_of_split(loader.split_data)])
    tickets.sort()
    is_new = np.append(True, tickets[1:] != tickets[:-1])[: len(tickets)]
    unique: Words = tickets[is_new]
    return unique
