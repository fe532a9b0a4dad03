"""Write a tree as text, in the words of C++ or Python, in one of many ways."""

import itertools
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from memmpy.cuts import Key, Node
from memmpy.cuts.language import (
    Alternative,
    Binary,
    Call,
    Element,
    Logical,
    Loop,
    Number,
    Reduction,
    Text,
    Unary,
)
from memmpy.cuts.language.grammar import KEYWORDS
from memmpy.cuts.language.tree import COMPARISONS, is_condition

__all__ = ["spelled"]

#: How tight operators bind, the tightest last.
WHERE, OR, AND, NOT, BITS_OR, BITS_AND, COMPARISON, SHIFT, SUM, PRODUCT, SIGN, POWER, ATOM = range(
    13
)
LEVELS = {
    "||": OR,
    "&&": AND,
    "|": BITS_OR,
    "&": BITS_AND,
    **dict.fromkeys(COMPARISONS, COMPARISON),
    **dict.fromkeys(("<<", ">>"), SHIFT),
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "%": PRODUCT,
    "**": POWER,
}
CPP_CALLS = {
    "abs": ["TMath::Abs", "std::abs"],
    "sqrt": ["TMath::Sqrt", "std::sqrt"],
    "min": ["TMath::Min", "std::min"],
    "max": ["TMath::Max", "std::max"],
    "rint": ["TMath::Nint"],
    "sq": ["TMath::Sq"],
    "hypot": ["TMath::Hypot"],
    "isodd": ["TMath::Odd"],
    "copysign": ["TMath::Sign"],
    "phi_mpi_pi": ["TVector2::Phi_mpi_pi"],
    "int": ["Int_t"],
    "float64": ["double", "Double_t"],
    "float32": ["float", "Float_t"],
    "uint64": ["ULong64_t"],
}
PYTHON_CALLS = {
    "abs": ["absolute"],
    "sq": ["square"],
    "min": ["minimum"],
    "max": ["maximum"],
    "int64": ["long"],
}
PYTHON_REDUCTIONS = {"Sum$": "sum", "Min$": "min", "Max$": "max", "Length$": "len"}
WORDY = re.compile(r"[\w.$]")

#: Its level, and its tokens.
Spelt = tuple[int, list[str]]


def spelled(node: Node, *, is_python: bool, seed: int) -> str:
    """Return a text that means the tree."""
    return Speller(is_python, random.Random(seed), not is_python or has_specials(node)).text(node)


def has_specials(node: Node) -> bool:
    """Whether Python has no words for it."""
    here = isinstance(node, Alternative | Loop) or (
        isinstance(node, Reduction) and node.name in {"MinIf$", "MaxIf$"}
    )
    return here or any(map(has_specials, node.operands))


@dataclass
class Speller:
    """Writes trees; `is_cpp` if the text will have spelling that only C++ has."""

    is_python: bool
    random: random.Random
    is_cpp: bool

    def text(self, node: Node) -> str:
        tokens = self.at(node, WHERE)
        spaces = ["", "", " ", "  ", "\t", " \n"]
        parts = tokens[:1]
        for one, other in itertools.pairwise(tokens):
            space = self.random.choice(spaces)
            if not space and WORDY.match(one[-1]) and WORDY.match(other[0]):
                space = " "
            parts += [space, other]
        return "".join(parts)

    def at(self, node: Node, level: int, *, bare: bool = True) -> list[str]:
        """Return tokens that can stand where operators of a level or tighter ones can."""
        own, tokens = self.spelt(node)
        if own < level or (not bare and own < ATOM) or self.random.random() < 0.1:
            return ["(", *tokens, ")"]
        return tokens

    def spelt(self, node: Node) -> Spelt:
        match node:
            case Number(value=value):
                text = self.number(value)
                return (SIGN, ["-", text[1:]]) if text[0] == "-" else (ATOM, self.pi(text, value))
            case Text(value=value):
                return ATOM, [self.quoted(value)]
            case Key(name=name):
                return ATOM, [self.key(name)]
            case Element(operands=(key, index)):
                return ATOM, [self.key(key), "[", *self.at(index, WHERE), "]"]
            case Loop(name=name):
                return ATOM, [name]
            case Reduction():
                return ATOM, self.reduction(node)
            case Alternative():
                return ATOM, ["Alt$", *self.arguments(node)]
            case Call(name="where") if not self.is_python and self.random.random() < 0.7:
                first, second, third = node.operands
                tokens = [*self.at(first, OR), "?", *self.at(second, WHERE)]
                return WHERE, [*tokens, ":", *self.at(third, WHERE)]
            case Call(name=name):
                others = (PYTHON_CALLS if self.is_python else CPP_CALLS).get(name, [])
                return ATOM, [self.random.choice([name, *others]), *self.arguments(node)]
            case Unary():
                return self.unary(node)
            case Binary():
                return self.binary(node)
            case Logical():
                return self.logical(node)
        raise NotImplementedError(type(node))

    def number(self, value: bool | float) -> str:
        if isinstance(value, bool):
            return str(value) if self.is_python else str(value).lower()
        if isinstance(value, int) and value >= 0 and self.random.random() < 0.2:
            return hex(value)
        return repr(value)

    def pi(self, text: str, value: float) -> list[str]:
        if value != math.pi or self.random.random() < 0.3:
            return [text]
        return ["pi"] if self.is_python else ["TMath::Pi", "(", ")"]

    def quoted(self, value: str) -> str:
        quote = self.random.choice("'\"")
        return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote

    def key(self, key: str | Node) -> str:
        name = key.name if isinstance(key, Key) else str(key)
        plain = re.fullmatch(r"[A-Za-z_][\w.]*", name) and name not in KEYWORDS
        return f"`{name}`" if not plain or self.random.random() < 0.1 else name

    def arguments(self, node: Node) -> list[str]:
        tokens = ["("]
        for operand in node.operands:
            tokens += [*self.at(operand, WHERE), ","]
        return [*tokens[:-1], ")"]

    def reduction(self, node: Reduction) -> list[str]:
        name, operand = node.name, node.operands[0]
        if name == "Length$" and isinstance(operand, Key) and self.random.random() < 0.5:
            plain = re.fullmatch(r"[A-Za-z_][\w.]*", operand.name)
            if self.is_python and plain:
                return [f"{operand.name}.size", "(", ")"]
            if not self.is_python and plain and self.random.random() < 0.5:
                return ["@", f"{operand.name}.size", "(", ")"]
            if not self.is_python:
                return [self.key(operand), "@", ".size()"]
        names = [PYTHON_REDUCTIONS.get(name, name)]
        if name == "Sum$" and is_condition(operand):
            names.append("count")
        if not self.is_python:
            names.append(name)
        return [self.random.choice(names), *self.arguments(node)]

    def unary(self, node: Unary) -> Spelt:
        sign, (operand,) = node.operator, node.operands
        found = self.membership(operand) if sign == "!" else None
        if found is not None:
            left, values = found
            return COMPARISON, [*left, "not", "in", *values]
        if sign == "!" and (self.is_python or self.random.random() < 0.3):
            return NOT, ["not", *self.at(operand, NOT)]
        if sign == "!" and is_condition(operand) and self.random.random() < 0.3:
            sign = "~"
        is_power = isinstance(operand, Binary) and operand.operator == "**"
        return SIGN, [sign, *self.at(operand, SIGN, bare=sign != "!" or not is_power)]

    def binary(self, node: Binary) -> Spelt:
        sign, (left, right) = node.operator, node.operands
        level = LEVELS[sign]
        symbol = "^" if sign == "**" and not self.is_python and self.random.random() < 0.7 else sign
        can_be_in = sign == "==" and self.is_python and not isinstance(right, Key)
        if can_be_in and self.random.random() < 0.2:
            return COMPARISON, [*self.at(left, SUM), "in", "(", *self.at(right, WHERE), ",", ")"]
        bare = [True, True]
        if level == POWER:
            levels, bare = [ATOM, SIGN], [True, not is_power(right)]
        elif level == SHIFT:
            levels = [PRODUCT, PRODUCT]
        elif level == COMPARISON:
            levels, bare = [SUM, SUM], [not isinstance(left, Unary), True]
        elif level in {BITS_OR, BITS_AND}:
            is_plain = not any(isinstance(side, Number) for side in node.operands)
            levels = [level, level + 1] if is_plain else [SHIFT, SHIFT]
            bare = [not isinstance(side, Logical) for side in node.operands]
        else:
            levels = [level, level + 1]
            bare = [sign == "%" or not (isinstance(left, Binary) and left.operator == "%"), True]
        first, second = map(self.operand, node.operands, levels, bare)
        return level, [*first, symbol, *second]

    def operand(self, node: Node, level: int, bare: bool) -> list[str]:
        return self.at(node, level, bare=bare)

    def logical(self, node: Logical) -> Spelt:
        sign, operands = node.operator, node.operands
        links = self.links(node)
        if links is not None and self.random.random() < 0.8:
            tokens = self.link(links[0].operands[0])
            for link in links:
                tokens += [link.operator, *self.link(link.operands[1])]
            return COMPARISON, tokens
        found = self.membership(node)
        if found is not None:
            return COMPARISON, [*found[0], "in", *found[1]]
        level, word = LEVELS[sign], {"&&": "and", "||": "or"}[sign]
        if all(map(is_condition, operands)) and not self.is_python and self.random.random() < 0.4:
            level, words = LEVELS[sign[0]], [sign[0]]
        else:
            words = [word] if self.is_python else [word, sign]
        tokens = self.at(operands[0], level + 1)
        for operand in operands[1:]:
            tokens += [self.random.choice(words), *self.at(operand, level + 1)]
        return level, tokens

    def link(self, node: Node) -> list[str]:
        return self.at(node, SUM, bare=not isinstance(node, Unary))

    def links(self, node: Logical) -> Sequence[Binary] | None:
        """Return the comparisons that can be written as a chain."""
        links = [x for x in node.operands if isinstance(x, Binary) and x.operator in COMPARISONS]
        is_chain = all(a.operands[1] == b.operands[0] for a, b in itertools.pairwise(links))
        if self.is_cpp or node.operator != "&&" or len(links) < len(node.operands):
            return None
        return links if is_chain else None

    def membership(self, node: Node) -> tuple[list[str], list[str]] | None:
        """Return both sides of ``in``, if it can be written so."""
        same = [
            x.operands
            for x in node.operands
            if isinstance(x, Binary) and x.operator == "==" and not isinstance(x.operands[1], Key)
        ]
        is_or = isinstance(node, Logical) and node.operator == "||"
        if not self.is_python or not is_or or len(same) < len(node.operands):
            return None
        if len({left for left, _ in same}) > 1 or self.random.random() < 0.3:
            return None
        tokens: list[str] = []
        for _, right in same:
            tokens += [*self.at(right, WHERE), ","]
        opening, closing = self.random.choice([("(", ")"), ("[", "]")])
        return self.at(same[0][0], SUM), [opening, *tokens[:-1], closing]


def is_power(node: Node) -> bool:
    """Whether a power stands at the right end of a node."""
    operand = node.operands[0] if isinstance(node, Unary) else node
    return isinstance(operand, Binary) and operand.operator == "**"
