"""The Python calls that make a store, its computed columns and a training set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memmpy.report.python_code import PythonCall, PythonText, code_of
from memmpy.store import Metadata, SourceRecord, tree_name
from memmpy.training import TRAINING_DEFAULTS, TrainingSet

__all__ = ["code_of_store", "code_of_training"]

#: Files that a call names, at most.
_MAX_FILES = 40


def code_of_store(metadata: Metadata, name: str) -> str:
    """Return calls that make the columns of a store, equal ones if the files are the same.

    Columns that the user wrote are left out, with a comment.

    Parameters
    ----------
    metadata : Metadata
        The metadata of the store.
    name : str
        The path of the store, as the calls name it.
    """
    lines = ["import memmpy", ""]
    if metadata.sources:
        lines += ["files = [", *_files(metadata.sources), "]"]
        values = [PythonText("files"), name]
        lines.append(code_of(PythonCall("memmpy.convert", values, _conversion(metadata))))
    written = [
        key for key, one in metadata.columns.items() if one.origin is None and not one.computed
    ]
    if written:
        lines += ["", f"# written by hand: {', '.join(map(repr, written))}"]
    lines += ["", f"store = memmpy.open({name!r})"]
    lines += [
        f"store.add({key!r}, {one.computed.expression!r})"
        for key, one in metadata.columns.items()
        if one.computed is not None
    ]
    return "\n".join(lines)


def code_of_training(data: TrainingSet) -> str:
    """Return the call that makes a training set of a store."""
    options: dict[str, Any] = {"inputs": data.request.inputs}
    for name, default in TRAINING_DEFAULTS.items():
        value = getattr(data.request, name)
        is_empty = isinstance(value, Mapping | tuple | list) and not value
        if value != default and not (is_empty and not default):
            options[name] = value
    options["splits"] = data.splits
    return code_of(PythonCall("data = store.training_set", [], options))


def _files(sources: Sequence[SourceRecord]) -> Iterator[str]:
    for source in sources[:_MAX_FILES]:
        values = [source.path, tree_name(source)]
        options: dict[str, Any] = {
            "metadata": {**source.metadata, **source.numbers.values},
            "totals": source.numbers.totals,
            "friends": {one.name: one.path for one in source.friends},
            "entry_start": source.tree_start,
        }
        if source.tree_stop != source.tree_entries:
            options["entry_stop"] = source.tree_stop
        given = {name: value for name, value in options.items() if value}
        call = PythonCall("memmpy.RFileConfig", values, given)
        yield f"    {code_of(call, indent=4, room=math.inf)},"
    if len(sources) > _MAX_FILES:
        yield f"    # and {len(sources) - _MAX_FILES:,} more files"


def _conversion(metadata: Metadata) -> dict[str, Any]:
    keys, padded, aliases, dtypes = [], {}, {}, {}
    for key, column in metadata.columns.items():
        if column.origin is None or column.origin.is_metadata:
            continue
        spec = column.origin.spec
        name = spec["branch"] if "branch" in spec else spec["expression"]
        if spec.get("mask") or "padding" not in spec:
            keys.append(key)
        else:
            length, fill = spec["padding"]
            padded[key] = (int(length), float(fill))
        if name != key and not spec.get("mask"):
            aliases[key] = name
        if "dtype" in spec and not spec.get("mask"):
            dtypes[key] = spec["dtype"].lstrip("<|")
    options = {"keys": keys, "keys_padded": padded, "aliases": aliases, "dtype": dtypes}
    return {name: value for name, value in options.items() if value or name == "keys"}
