"""Random cuts of a few columns, and random entries of these columns."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from memmpy.cuts import Key, Node
from memmpy.cuts.evaluation import ColumnLike, HashedText
from memmpy.cuts.evaluation.operands import ListSlice
from memmpy.cuts.language import Alternative, Call, Element, Loop, Reduction, Span, Text
from memmpy.cuts.language.tree import COMPARISONS, binary, is_condition, logical, number, unary
from tests.cuts.oracle import Column

__all__ = ["Columns", "columns", "columns_of", "trees"]

T = TypeVar("T")
SPAN = Span("", 0, 0)
Columns = Mapping[str, Column]

FLOATS = [0.0, -0.0, 0.5, -1.5, 2.0, 3.0, 0.1, 2.0**53, 1e300, np.inf, -np.inf, np.nan]
INTEGERS = [*range(-3, 6), 2**31 - 1, -(2**31)]
NATURALS = [*range(4), 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1]
TABLE = {2**63 + 7: "ttH", 12: "ttbb", 13: "it's"}

#: By name: the type, and which lists have as many elements as each other; 3 for a fixed number.
FLAT = {"flag": "?", "n": "i4", "event.number": "u8", "met": "f4", "weight": "f8"}
LISTS = {"jet_pt": ("f4", "jet"), "jet_n": ("u8", "jet"), "jet_tag": ("?", "jet")} | {
    "my mu": ("f8", "mu"),
    "mu_q": ("i1", "mu"),
    "p4": ("f8", 3),
}
VALUES = {"?": [False, True], "i1": range(-3, 4), "i4": INTEGERS, "u8": NATURALS}


def values_of(dtype: str) -> Sequence[Any]:
    if dtype in VALUES:
        return VALUES[dtype]
    with np.errstate(over="ignore"):
        return [float(np.dtype(dtype).type(value)) for value in FLOATS]


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    """Return entries, from none to five, of all columns."""
    num = draw(st.integers(0, 5))
    counts = {
        name: draw(st.lists(st.integers(0, 3), min_size=num, max_size=num))
        for name in ("jet", "mu")
    }
    found: dict[str, Column] = {}
    for name, dtype in FLAT.items():
        entries = st.lists(st.sampled_from(values_of(dtype)), min_size=num, max_size=num)
        found[name] = Column(draw(entries), np.dtype(dtype))
    for name, (dtype, like) in LISTS.items():
        lengths = counts.get(str(like), [3] * num)
        value = st.sampled_from(values_of(dtype))
        lists = [draw(st.lists(value, min_size=size, max_size=size)) for size in lengths]
        found[name] = Column(lists, np.dtype(dtype), is_list=True, is_fixed=like == 3)
    texts = st.lists(st.sampled_from([*TABLE.values()]), min_size=num, max_size=num)
    found["process"] = Column(draw(texts), None)
    return found


def columns_of(table: Columns, start: int, stop: int) -> dict[str, ColumnLike]:
    """Return some entries as a program takes them; lists are slices of all entries."""
    hashes = {text: code for code, text in TABLE.items()}
    result: dict[str, ColumnLike] = {}
    for name, column in table.items():
        entries = column.entries[start:stop]
        if column.dtype is None:
            codes = np.array([hashes[text] for text in entries], np.uint64)
            result[name] = HashedText(codes, TABLE)
        elif not column.is_list:
            result[name] = np.array(entries, column.dtype)
        elif column.is_fixed:
            result[name] = np.array(entries, column.dtype).reshape(-1, 3)
        else:
            offsets = np.cumsum([0, *map(len, column.entries)], dtype=np.int64)
            content = np.array([*itertools.chain.from_iterable(entries)], column.dtype)
            result[name] = ListSlice(content, offsets[start : stop + 1])
    return result


@st.composite
def trees(draw: st.DrawFn) -> Node:
    """Return whole cuts."""
    grower = Grower(draw, depth=draw(st.integers(1, 4)))
    return grower.condition() if draw(st.booleans()) else grower.number()


@dataclass(frozen=True)
class Grower:
    """Grows trees of some depth.

    Attributes
    ----------
    has_lists, has_indices
        Whether lists and computed indices may stand at this place.
    """

    draw: st.DrawFn
    depth: int
    has_lists: bool = True
    has_indices: bool = True

    def one_of(self, *values: T) -> T:
        return self.draw(st.sampled_from(values))

    def grow(self, *ways: Callable[["Grower"], Node]) -> Node:
        """Return a tree that is grown in one of some ways, and less deep."""
        return self.one_of(*ways)(replace(self, depth=self.depth - 1))

    @property
    def inner(self) -> "Grower":
        """What grows within a reduction: a formula of its own."""
        return replace(self, has_lists=True)

    def any_number(self) -> Node:
        return self.one_of(self.number, self.integer, self.condition)()

    def number(self) -> Node:
        """Return a tree of any numbers."""
        if self.depth <= 0:
            constants = [0, 1, -2, 0.5, 2.0, -1.5, 1e300, False, math.pi]
            return self.one_of(*self.keys("biuf"), *map(constant, constants))
        return self.grow(
            Grower.number,
            Grower.integer,
            Grower.natural,
            lambda x: x.element("biuf"),
            lambda x: x.element("biuf"),
            lambda x: pair(x.one_of(*"+-*/%"), x.number(), x.any_number()),
            lambda x: pair(x.one_of(*"+-*/%"), x.any_number(), x.number()),
            lambda x: pair("**", x.number(), constant(x.one_of(0, 1, 2, 3, 0.5, True))),
            lambda x: unary(x.one_of(*"-+!"), x.any_number(), SPAN),
            lambda x: call(x.one_of(*REAL), x.any_number()),
            lambda x: call(x.one_of(*OF_TWO), x.number(), x.any_number()),
            lambda x: call(x.one_of("min", "max"), x.number(), x.number(), x.number()),
            lambda x: call("where", x.any_number(), x.any_number(), x.any_number()),
            lambda x: reduction(x.one_of("Sum$", "Min$", "Max$", "Length$"), x.inner.any_number()),
            lambda x: reduction(
                x.one_of("MinIf$", "MaxIf$"), x.inner.any_number(), x.inner.any_number()
            ),
            lambda x: reduction(x.one_of(*REDUCTIONS), x.inner.element("biuf")),
            Grower.alternative,
            Grower.alternative,
        )

    def integer(self) -> Node:
        """Return a tree of bool or of what is computed in int64, for operators of bits."""
        if self.depth <= 0:
            constants = [0, 1, 2, 5, -3, 2**53 + 1, True]
            return self.one_of(*self.keys("bi"), *map(constant, constants))
        loops = [lambda _: Loop("Iteration$", span=SPAN), lambda _: Loop("Length$", span=SPAN)]
        return self.grow(
            Grower.integer,
            *(loops if self.has_lists else []),
            lambda x: replace(x, has_indices=False).element("bi"),
            lambda x: pair(x.one_of(*BITS), x.integer(), x.integer()),
            lambda x: pair(x.one_of(*BITS), x.condition(), x.integer()),
            lambda x: unary(x.one_of(*"-+~!"), x.integer(), SPAN),
            lambda x: call(x.one_of(*CASTS), x.any_number()),
            lambda x: call(x.one_of("min", "max"), x.integer(), x.integer()),
            lambda x: reduction(x.one_of("Sum$", "Length$"), x.inner.condition()),
            lambda x: reduction("count", x.one_of(key("jet_tag"), key("flag"))),
        )

    def natural(self) -> Node:
        """Return a tree of uint64."""
        if self.depth <= 0:
            return self.one_of(*self.keys("u"), constant(2**63), constant(2**64 - 1))
        return self.grow(
            Grower.natural,
            lambda x: call("uint64", x.any_number()),
            lambda x: unary(x.one_of(*"+~"), x.natural(), SPAN),
            lambda x: pair(
                x.one_of(*UNSIGNED_BITS), x.natural(), constant(x.one_of(0, 1, 7, 2**63))
            ),
            lambda x: pair(x.one_of(*UNSIGNED_BITS), x.natural(), x.natural()),
            lambda x: pair(x.one_of("&", "|"), x.natural(), x.integer()),
            lambda x: pair("<<", x.natural(), x.integer()),
            lambda x: reduction(x.one_of("Sum$", "Max$"), x.inner.natural()),
        )

    def condition(self) -> Node:
        """Return a tree that is true or false."""
        if self.depth <= 0:
            return pair(self.one_of(*SIGNS), self.number(), self.number())
        return self.grow(
            Grower.condition,
            lambda x: pair(x.one_of(*SIGNS), x.any_number(), x.number()),
            lambda x: pair(x.one_of("==", "!="), *x.draw(st.permutations([PROCESS, x.text()]))),
            lambda x: x.chain(),
            lambda x: x.membership(x.number(), x.number),
            lambda x: x.membership(PROCESS, x.text),
            lambda x: pair(x.one_of("&", "|"), x.condition(), x.condition()),
            lambda x: unary("!", x.any_number(), SPAN),
            lambda x: unary("~", x.condition(), SPAN),
            lambda x: x.junction(),
            lambda x: x.junction(),
            lambda x: call("where", x.any_number(), x.condition(), x.condition()),
            lambda x: reduction(x.one_of("any", "all"), x.inner.any_number()),
        )

    def keys(self, kinds: str) -> list[Node]:
        """Return the columns whose dtype is of some kinds."""
        lists = {name: dtype for name, (dtype, _) in LISTS.items()} if self.has_lists else {}
        every = FLAT | lists
        return [key(name) for name, dtype in every.items() if np.dtype(dtype).kind in kinds]

    def element(self, kinds: str) -> Node:
        """Return an element picked by number, or by value."""
        names = [name for name, (dtype, _) in LISTS.items() if np.dtype(dtype).kind in kinds]
        index = constant(self.one_of(0, 1, 2))
        if self.has_indices and self.one_of(True, False):
            index = pair("+", self.any_number(), constant(0))  # an index is no condition
        return Element(operands=(key(self.one_of(*names)), index), span=SPAN)

    def alternative(self) -> Node:
        primary = replace(self, has_indices=False).number()
        other = replace(self, has_lists=False).any_number()
        return Alternative(operands=(primary, other), span=SPAN)

    def chain(self) -> Node:
        """Return ``a < b <= c``."""
        operands = [self.number() for _ in range(self.one_of(3, 4))]
        pairs = itertools.pairwise(operands)
        return logical("&&", [pair(self.one_of(*SIGNS), *sides) for sides in pairs], SPAN)

    def membership(self, left: Node, value: Callable[[], Node]) -> Node:
        """Return ``left in (value, value)``."""
        same = [pair("==", left, value()) for _ in range(self.one_of(2, 3))]
        return logical("||", same, SPAN)

    def junction(self) -> Node:
        """Return operands joined by ``&&`` or ``||``."""
        operands = [self.any_number() for _ in range(self.one_of(2, 3, 4))]
        return logical(self.one_of("&&", "||"), operands, SPAN)

    def text(self) -> Node:
        return Text(self.one_of(*TABLE.values(), "tth", 'a "\\'), span=SPAN)


SIGNS = sorted(COMPARISONS)
BITS = ["+", "-", "*", "%", "&", "|", "<<", ">>"]
#: A difference of uint64 is a float.
UNSIGNED_BITS = [sign for sign in BITS if sign != "-"]
CASTS = ["bool", "int8", "uint8", "int32", "uint32", "int64", "sign", "isodd"]
REAL = [
    *("fabs", "sqrt", "floor", "ceil", "trunc", "rint", "round", "abs", "sq", "phi_mpi_pi"),
    *("float32", "float64", "int", "int16", "uint16", "iseven", "isnan", "isinf", "isfinite"),
]
REDUCTIONS = ["Sum$", "Min$", "Max$", "Length$", "any", "all"]
OF_TWO = ["hypot", "fmod", "min", "max", "copysign"]


def key(name: str) -> Node:
    return Key(name, span=SPAN)


PROCESS = key("process")


def constant(value: bool | float) -> Node:
    return number(value, SPAN)


def pair(sign: str, left: Node, right: Node) -> Node:
    return binary(sign, (left, right), SPAN)


def call(name: str, *operands: Node) -> Node:
    return Call(name, operands=operands, span=SPAN)


def reduction(name: str, *operands: Node) -> Node:
    plain = "Sum$" if name == "count" and is_condition(operands[0]) else name
    return Reduction(plain, operands=operands, span=SPAN)
