"""The tree of a cut: frozen nodes that know their place in the text, and how to walk them.

Nodes are built by the functions here, in one shape for one meaning: ``&``, ``|`` and ``~`` of
operands that can only be conditions become ``&&``, ``||`` and ``!``, and these hold all their
operands flat.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TypeVar

from memmpy.cuts.language.functions import FUNCTIONS
from memmpy.display import printable, shorten
from memmpy.errors import CutError

__all__ = [
    "COMPARISONS",
    "LOGICAL_OF",
    "MAX_DEPTH",
    "MAX_INDEX",
    "Alternative",
    "Binary",
    "Call",
    "Element",
    "Key",
    "Logical",
    "Loop",
    "Node",
    "Number",
    "Reduction",
    "Span",
    "Text",
    "Unary",
    "binary",
    "element",
    "fold",
    "has_numbers_only",
    "index_by_condition",
    "is_condition",
    "keys_in",
    "keys_of",
    "logical",
    "nodes_in",
    "number",
    "rebuild",
    "unary",
]

#: Levels of a tree, at most. A chain of ``&&`` or ``||`` is one level, whatever its length.
MAX_DEPTH = 200
#: Nodes of a tree, at most: aliases of aliases could make it grow exponentially.
MAX_SIZE = 1 << 18
#: The highest number of an element.
MAX_INDEX = (1 << 31) - 1
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
#: From bitwise to logical operators.
LOGICAL_OF = {"&": "&&", "|": "||"}

_Tree = TypeVar("_Tree")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text, half open: in that of an alias if `alias` is not empty, else the cut.

    At an unknown name, `names` are the aliases and constants that it may misspell.
    """

    text: str
    start: int
    stop: int
    alias: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shorten(self.text[self.start : self.stop], 60)

    def error(self, message: str, hint: str = "") -> CutError:
        """Return the error that points here."""
        where = f"in the alias {self.alias!r}: " if self.alias else ""
        stop = min(self.stop, self.start + CutError.MARGIN)
        message, hint = printable(where + message), printable(hint)
        return CutError(message, self.text, self.start, stop, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The base of all nodes; equal nodes may come from different places."""

    span: Span = field(compare=False, repr=False)
    operands: "tuple[Node, ...]" = ()
    depth: int = field(init=False, compare=False, repr=False)
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        depth = 1 + max((operand.depth for operand in self.operands), default=0)
        size = 1 + sum(operand.size for operand in self.operands)
        if depth > MAX_DEPTH:
            hint = "&& and || may have thousands of operands; other operators add a level each"
            raise self.span.error(f"the cut is nested deeper than {MAX_DEPTH} levels", hint)
        if size > MAX_SIZE:
            raise self.span.error(f"the cut has more than {MAX_SIZE} parts once aliases are put in")
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "size", size)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number: bool, int of 64 bits (signed or not) or float.

    1, 1.0 and true are not equal, nor are 0.0 and -0.0: they compute differently.
    """

    value: bool | int | float = field(compare=False)
    exact: tuple[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        Node.__post_init__(self)  # slots leave no cell for super()
        object.__setattr__(self, "exact", (type(self.value).__name__, repr(self.value)))


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A text in quotes, without them."""

    value: str


@dataclass(frozen=True, slots=True)
class Key(Node):
    """The name of a column, an alias or a constant."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of its operands."""

    name: str


@dataclass(frozen=True, slots=True)
class Element(Node):
    """``x[i][j]``: one element of each entry. The operands are the key, then the indices."""


@dataclass(frozen=True, slots=True)
class Reduction(Node):
    """One value of all elements of an entry: ``Sum$``, ``any``, ... of its operands."""

    name: str


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    """``Alt$(a, b)``: a where the entry has that element, else b."""


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """``Iteration$``, the number of an element, or ``Length$``, the number of elements."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """One of ``! ~ - +`` before its operand."""

    operator: str


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator between two operands; the power is ``**``."""

    operator: str


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """``&&`` or ``||`` between two or more operands, none of them the same operator again."""

    operator: str


def number(value: bool | float, span: Span) -> Number:
    """Return the node of a number; an integer of more than 64 bits becomes a float."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf if value > 0 else -math.inf
    return Number(value, span=span)


def unary(operator: str, operand: Node, span: Span) -> Node:
    """Return an operator before its operand; a sign before a number is part of the number."""
    match operand:
        case Number(value=bool()):
            pass
        case Number(value=value) if operator in {"-", "+"}:
            return number(-value if operator == "-" else value, span)
    plain = "!" if operator == "~" and is_condition(operand) else operator
    return Unary(plain, operands=(operand,), span=span)


def binary(operator: str, operands: Sequence[Node], span: Span) -> Node:
    """Return two operands joined; ``&`` and ``|`` of two conditions are ``&&`` and ``||``."""
    if operator in LOGICAL_OF and all(map(is_condition, operands)):
        return logical(LOGICAL_OF[operator], operands, span)
    return Binary(operator, operands=tuple(operands), span=span)


def logical(operator: str, operands: Iterable[Node], span: Span) -> Node:
    """Return any number of operands joined by ``&&`` or ``||``, flat."""
    flat: list[Node] = []
    for operand in operands:
        same = isinstance(operand, Logical) and operand.operator == operator
        flat.extend(operand.operands if same else (operand,))
    return Logical(operator, operands=tuple(flat), span=span)


def element(operands: Sequence[Node], span: Span) -> Element:
    """Return elements of a column: the key, then indices, each a number from 0 on or computed."""
    column, *indices = operands
    if not isinstance(column, Key):
        raise span.error("only elements of a column can be picked", "for example jet_pt[0]")
    for index in indices:
        if isinstance(index, Text):
            raise index.span.error("an index is a number", f"for example {column.span}[0]")
        if is_condition(index) and not isinstance(index, Number):
            raise index_by_condition(column, index)
        if isinstance(index, Number) and not (type(index.value) is int and index.value >= 0):
            hint = f"for the last element, write {column.span}[Length$({column.span}) - 1]"
            raise index.span.error("an index is 0 or a positive integer", hint)
        if isinstance(index, Number) and index.value > MAX_INDEX:
            raise index.span.error(f"no entry has more than {MAX_INDEX} elements")
    return Element(operands=tuple(operands), span=span)


def index_by_condition(column: Node, index: Node) -> CutError:
    """Return the error for ``x[x > 30]``, which in NumPy picks the elements that pass."""
    return index.span.error(
        f"an index is a number, and {index.span} is a condition",
        f"to pick by it, reduce: count({index.span}), Sum$({column.span} * ({index.span})), "
        f"MaxIf$({column.span}, {index.span})",
    )


def rebuild(node: Node, operands: Sequence[Node]) -> Node:
    """Return the node with other operands, in the one shape for its new meaning."""
    match node:
        case Element():
            return element(operands, node.span)
        case Unary(operator=operator):
            return unary(operator, operands[0], node.span)
        case Binary(operator=operator):
            return binary(operator, operands, node.span)
        case Logical(operator=operator):
            return logical(operator, operands, node.span)
        case _:
            return replace(node, operands=tuple(operands))


def is_condition(node: Node) -> bool:
    """Return whether a node can only be true or false, whatever the columns hold."""
    match node:
        case Number(value=value):
            return isinstance(value, bool)
        case Binary(operator=operator):
            return operator in COMPARISONS
        case Unary(operator=operator):
            return operator == "!"
        case Call(name="where", operands=(_, *choices)):
            return all(map(is_condition, choices))
        case Call(name=name):
            return FUNCTIONS[name].condition
        case Reduction(name=name):
            return name in {"any", "all"}
        case _:
            return isinstance(node, Logical)


def has_numbers_only(node: Element) -> bool:
    """Return whether every index of an element is written as a number."""
    return all(isinstance(index, Number) for index in node.operands[1:])


def fold(
    root: _Tree,
    visit: Callable[[_Tree, list[_Result]], _Result],
    operands: Callable[[_Tree], Sequence[_Tree]] = attrgetter("operands"),
) -> _Result:
    """Return `visit` of the root, from its results for the operands; without recursion."""
    results: list[_Result] = []
    pending = [(root, False)]
    while pending:
        node, is_ready = pending.pop()
        below = operands(node)
        if is_ready or not below:
            start = len(results) - len(below)
            results[start:] = [visit(node, results[start:])]
        else:
            pending.append((node, True))
            pending.extend((operand, False) for operand in reversed(below))
    return results[0]


def nodes_in(root: Node) -> Iterator[Node]:
    """Yield all nodes of a cut, from left to right, each before its operands."""
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(reversed(node.operands))
        yield node


def keys_in(root: Node) -> Iterator[Key]:
    """Yield each mention of a name in a cut, from left to right."""
    return (node for node in nodes_in(root) if isinstance(node, Key))


def keys_of(node: Node) -> frozenset[str]:
    """Return the names that a cut uses."""
    return frozenset(key.name for key in keys_in(node))
