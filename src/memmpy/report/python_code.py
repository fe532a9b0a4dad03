"""Writes values and calls as Python, in lines of bounded length."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, final

import numpy as np

from memmpy.splits import Splits

__all__ = ["PythonCall", "PythonText", "code_of"]

#: Characters of a line that can be split.
_WIDTH = 79


@final
class PythonText(str):
    """Code that is written as it is, such as the name of a variable."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class PythonCall:
    """A call of a function.

    Parameters
    ----------
    function : str
        Its name, and what the result is assigned to.
    values : sequence of value
        The positional arguments.
    options : mapping of str to value
        The others.
    """

    function: str
    values: Sequence[object]
    options: Mapping[str, object]


def code_of(value: object, *, indent: int = 0, room: float = _WIDTH) -> str:
    """Return the code of a value, where all classes are names of memmpy.

    Parameters
    ----------
    value : value
        Numbers, texts, containers, values of memmpy, `PythonCall` or `PythonText`.
    indent : int
        The indent of the line on which it begins.
    room : float
        Characters that are free on this line.
    """
    start, items, end = _parts(value)
    line = ", ".join(name + code_of(one, room=math.inf) for name, one in items)
    comma = "," if isinstance(value, tuple) and len(items) == 1 else ""
    line = f"{start}{line}{comma}{end}"
    if not items or len(line) <= room:
        return line
    inner = indent + 4
    codes = [
        f"{name}{code_of(one, indent=inner, room=_WIDTH - inner - len(name) - 1)},"
        for name, one in items
    ]
    lines = codes if start[-1] == "(" and not isinstance(value, tuple) else _filled(codes, inner)
    return "\n".join([start, *(" " * inner + one for one in lines), " " * indent + end])


def _parts(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """Return what begins a value, its parts with their names, and what ends it."""
    if isinstance(value, PythonText):
        return str(value), [], ""
    if isinstance(value, Splits):
        return f"memmpy.{value}", [], ""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return f"float({str(value)!r})", [], ""
    if isinstance(value, Mapping):
        return "{", [(f"{key!r}: ", one) for key, one in value.items()], "}"
    if isinstance(value, list | tuple):
        start, end = "[]" if isinstance(value, list) else "()"
        return start, [("", one) for one in value], end
    if isinstance(value, PythonCall):
        items = [("", one) for one in value.values]
        items += [(f"{name}=", one) for name, one in value.options.items()]
        return f"{value.function}(", items, ")"
    if is_dataclass(value) and not isinstance(value, type):
        given = [(one.name, getattr(value, one.name)) for one in fields(value) if one.init]
        defaults = {one.name: _default_of(one) for one in fields(value)}
        options = {name: one for name, one in given if one != defaults[name]}
        return _parts(PythonCall(f"memmpy.{type(value).__name__}", [], options))
    return repr(value.item() if isinstance(value, np.generic) else value), [], ""


def _default_of(field: "Field[Any]") -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _filled(codes: Sequence[str], indent: int) -> Iterator[str]:
    """Yield codes in lines that hold several of them."""
    line = ""
    for code in codes:
        if line and ("\n" in code or indent + len(line) + len(code) + 1 > _WIDTH):
            yield line
            line = ""
        line = f"{line} {code}" if line else code
        if "\n" in code:
            yield line
            line = ""
    if line:
        yield line
