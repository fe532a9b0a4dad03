"""Finds the columns that usually name an event, where the user names none."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from memmpy.store import SourceRecord, process_of, tree_name

__all__ = ["NAMING", "USUAL_COLUMNS", "Naming", "find_naming", "variations_of"]

#: The names of ATLAS and CMS for the parts of an event's name, in order; the event number is last.
#: A file has at most one name for each part.
NAMING: Sequence[Sequence[str]] = (
    ("mcChannelNumber", "EventInfoAuxDyn.mcChannelNumber", "process"),
    ("year",),
    ("runNumber", "EventInfoAuxDyn.runNumber", "run"),
    ("luminosityBlock",),
    ("eventNumber", "EventInfoAuxDyn.eventNumber", "event"),
)
#: All these columns.
USUAL_COLUMNS = tuple(name for names in NAMING for name in names)


@dataclass(frozen=True, slots=True)
class Naming:
    """The usual columns of files or of a store.

    Parameters
    ----------
    by : tuple of str or None
        The columns that name an event; None where there is no event number.
    floats : tuple of str
        Event numbers that are floats, and so name no event.
    unread : tuple of str
        Columns that name an event in all files of a store, but are missing in the store.
    """

    by: tuple[str, ...] | None
    floats: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def find_naming(dtype_kind: Callable[[str], str | None]) -> Naming:
    """Return the columns that name an event.

    Parameters
    ----------
    dtype_kind : callable
        Maps the name of a column to the kind of its dtype (NumPy's letter); to None if there is no
        such column with one number per entry.
    """
    columns = [next((n for n in names if dtype_kind(n) in {"i", "u"}), None) for names in NAMING]
    floats = tuple(name for name in NAMING[-1] if dtype_kind(name) == "f")
    if columns[-1] is None:
        return Naming(None, floats)
    return Naming(tuple(name for name in columns if name is not None))


def variations_of(sources: Iterable[SourceRecord]) -> tuple[str, list[str]] | None:
    """Return a file with several trees in a store, and the trees; None if there is no such file.

    Trees of one file are variations of the same events, and a copy of a file counts as the same
    file. Files of one process with several values of the metadata ``variation`` count likewise.
    """
    sources = list(sources)
    variations: dict[str, set[str]] = {}
    for source in sources:
        names = variations.setdefault(json.dumps(dict(process_of(source))), set())
        names |= {source.metadata["variation"]} if "variation" in source.metadata else set()
    for source in sources:
        names = variations[json.dumps(dict(process_of(source)))]
        if len(names) > 1:
            return source.path, sorted(names)
    trees: dict[str, tuple[str, set[str]]] = {}
    for source in sources:
        _, names = trees.setdefault(source.uuid, (source.path, set()))
        names.add(tree_name(source))
    several = ((path, sorted(names)) for path, names in trees.values() if len(names) > 1)
    return next(several, None)
