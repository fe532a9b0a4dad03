"""The Python calls that make a store, its computed columns and a training set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from memmpy.splits import Splits
from memmpy.store import Metadata, SourceRecord, tree_name
from memmpy.training import TRAINING_DEFAULTS, TrainingSet

__all__ = ["call_lines", "code_of", "code_of_store", "code_of_training"]

#: Files that a call names, at most.
_MAX_FILES = 40
#: Characters of a line.
_WIDTH = 88


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
        lines += ["files = [", *map(_indented, _files(metadata.sources)), "]"]
        lines += call_lines("memmpy.convert", ["files", repr(name)], _conversion(metadata))
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
    return "\n".join(call_lines("data = store.training_set", [], options))


def code_of(value: object) -> str:
    """Return the code of a value, where all classes are names of memmpy."""
    if isinstance(value, Splits):
        return f"memmpy.{value}"
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {code_of(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        inner = ", ".join(map(code_of, value))
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    if is_dataclass(value) and not isinstance(value, type):
        options = [
            f"{one.name}={code_of(getattr(value, one.name))}"
            for one in fields(value)
            if one.init and getattr(value, one.name) != one.default
        ]
        return f"memmpy.{type(value).__name__}({', '.join(options)})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _files(sources: Sequence[SourceRecord]) -> Iterator[str]:
    for source in sources[:_MAX_FILES]:
        values = [repr(source.path), repr(tree_name(source))]
        options: dict[str, Any] = {
            "metadata": {**source.metadata, **source.numbers.values},
            "totals": source.numbers.totals,
            "friends": {one.name: one.path for one in source.friends},
            "entry_start": source.tree_start,
        }
        if source.tree_stop != source.tree_entries:
            options["entry_stop"] = source.tree_stop
        values += [f"{name}={code_of(value)}" for name, value in options.items() if value]
        yield f"memmpy.RFileConfig({', '.join(values)}),"
    if len(sources) > _MAX_FILES:
        yield f"# and {len(sources) - _MAX_FILES:,} more files"


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


def call_lines(function: str, values: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Return the lines of a call: one line if it is short, else one for each argument.

    Parameters
    ----------
    function : str
        The name of the function, and what its result is assigned to.
    values : sequence of str
        The code of its positional arguments.
    options : mapping of str to value
        Its other arguments.
    """
    short = ", ".join([*values, *(f"{name}={code_of(value)}" for name, value in options.items())])
    if len(function) + len(short) + 2 <= _WIDTH:
        return [f"{function}({short})"]
    lines = [f"{function}(", *(f"    {value}," for value in values)]
    for name, value in options.items():
        text = f"    {name}={code_of(value)},"
        if len(text) <= _WIDTH or not isinstance(value, Mapping | list | tuple):
            lines.append(text)
            continue
        opening, closing = "[]"
        items = [code_of(one) for one in value]
        if isinstance(value, Mapping):
            opening, closing = "{}"
            items = [f"{key!r}: {code_of(one)}" for key, one in value.items()]
        lines += [f"    {name}={opening}", *_filled(items, indent=8), f"    {closing},"]
    return [*lines, ")"]


def _filled(items: Any, *, indent: int) -> Iterator[str]:
    """Yield items with commas in lines of bounded length."""
    line = " " * indent
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH and line.strip():
            yield line.rstrip()
            line = " " * indent
        line += f"{item}, "
    yield line.rstrip()


def _indented(line: str) -> str:
    return f"    {line}"
