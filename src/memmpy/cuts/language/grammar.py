r"""The grammar of cuts, with C++'s precedence.

``not`` has the precedence of Python, below comparisons; ``!`` that of C++.
The power binds tighter than a sign on its left, so ``-2**2`` is -4, in Python and in ROOT alike;
C++ has no power, and ROOT's ``^`` is one. Comparisons do not nest without parentheses: the grammar
takes a chain of them as one rule. Names may be those of ROOT's formulas, such as ``Sum$`` and
``TMath::Abs``; a name in backquotes is a key, whatever its characters.
"""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lark

__all__ = ["GRAMMAR", "KEYWORDS", "TEXT", "parser"]

#: Names that are no keys, unless they stand in backquotes.
KEYWORDS = frozenset({"and", "or", "not", "in", "true", "True", "false", "False", "pi"})

#: A text in quotes, as a regular expression: only its own quote ends it.
TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""

GRAMMAR = rf"""
?start: conditional
?conditional: disjunction
            | disjunction QUESTION conditional COLON conditional -> where
?disjunction: conjunction (("||" | "or") conjunction)*
?conjunction: negation (("&&" | "and") negation)*
?negation: NOT negation -> unary
         | bitwise_or
?bitwise_or: bitwise_and (BAR bitwise_and)*
?bitwise_and: comparison (AMPERSAND comparison)*
?comparison: shift (COMPARE shift)*
           | shift NOT? IN values -> membership
values: LPAR conditional ("," conditional)* ","? RPAR
      | LSQB conditional ("," conditional)* ","? RSQB
?shift: sum
      | shift SHIFT sum -> binary
?sum: product
    | sum SIGN product -> binary
?product: signed
        | product SCALE signed -> binary
?signed: power
       | (SIGN | FLIP) signed -> unary
?power: atom
      | atom POWER signed -> binary
?atom: INTEGER -> integer
     | REAL -> real
     | TEXT -> text
     | key
     | key (LSQB conditional RSQB)+ -> element
     | NAME LPAR (conditional ("," conditional)*)? RPAR -> call
     | AT key LPAR RPAR -> size
     | key AT SIZE -> size
     | LPAR conditional RPAR -> group
key: NAME | QUOTED

NOT: "not"
IN: "in"
BAR: "|"
AMPERSAND: "&"
SHIFT.2: /<<|>>/
COMPARE: /[=!<>]=|[<>]/
SIGN: /[+-]/
FLIP: /[!~]/
POWER.2: /\*\*|\^/
SCALE: /[*\/%]/
QUESTION: "?"
COLON: ":"
AT: "@"
SIZE.2: /\.size\s*\(\s*\)/
LPAR: "("
RPAR: ")"
LSQB: "["
RSQB: "]"
REAL.2: /([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/
INTEGER: /0[xX][0-9a-fA-F]+|[0-9]+/
TEXT: /{TEXT}/s
QUOTED: /`[^`]+`/
NAME: /[A-Za-z_][A-Za-z0-9_]*((\.|::)[A-Za-z_][A-Za-z0-9_]*)*\$?/

%ignore /[ \t\r\n\f]+/
"""


@functools.cache
def parser() -> "lark.Lark":
    """Return the parser; it is built on first use, since lark takes a while."""
    import lark

    return lark.Lark(GRAMMAR, parser="lalr", lexer="basic")
