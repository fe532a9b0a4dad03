"""Text to tree, and the errors in the user's words."""

import contextlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memmpy.cuts import Binary, Call, Key, Logical, Node, Number, Text, Unary, normal, parse
from memmpy.cuts.expression import MAX_LENGTH
from memmpy.errors import CutError, OptionError


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nJets >= 6 & nBTags_77 >= 2", "(nJets >= 6) && (nBTags_77 >= 2)"),
        ("a || b && c", "a || (b && c)"),
        ("not a == b and c", "(!(a == b)) && c"),
        ("!a == b", "(!a) == b"),
        ("not a & b", "!(a & b)"),
        ("a | b & c", "a | (b & c)"),
        ("a & b == c", "a & (b == c)"),
        ("a + b < c", "(a + b) < c"),
        ("a << 2 & c", "(a << 2) & c"),
        ("a << 2 * c", "a << (2 * c)"),
        ("a + b * c % d", "a + ((b * c) % d)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("-2**2", "-(2**2)"),
        ("-a^2", "-(a^2)"),
        ("2**-a", "2**(-a)"),
        ("2**3**2", "2**(3**2)"),
        ("~a + b", "(~a) + b"),
        ("- - a", "-(-a)"),
        ("min(a, b + c) > 1", "(min(a, (b + c))) > 1"),
        ("not not a", "!(!a)"),
        ("(a > 1) == (b > 1)", "((a > 1)) == ((b > 1))"),
    ],
)
def test_operators_bind_as_in_cpp_and_not_as_in_python(text: str, full: str) -> None:
    assert parse(text) == parse(full)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a && b", "a and b"),
        ("a || b", "a or b"),
        ("!(a > b)", "not a > b"),
        ("a > 1 & b > 1", "a > 1 && b > 1"),
        ("a > 1 | b > 1", "a > 1 || b > 1"),
        ("~(a > 1)", "!(a > 1)"),
        ("a ^ b", "a ** b"),
        ("true && True", "True and true"),
        ("p == 'ttH'", 'p == "ttH"'),
        ("a\n  &&\tb", "a&&b"),
        ("a and (b and (c and d))", "a && b && c && d"),
        ("(a > 1 & b > 1) & isnan(c)", "a > 1 && b > 1 && isnan(c)"),
        ("0x10 + a", "16 + a"),
    ],
)
def test_spelling_leaves_no_trace(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", Number),
        ("true", Number),
        ("'ttH'", Text),
        ("AnalysisJetsAuxDyn.pt", Key),
        ("android", Key),
        ("notable", Key),
        ("abs(a)", Call),
        ("!a", Unary),
        ("a & b", Binary),
        ("a & b == c", Binary),
        ("a && b", Logical),
    ],
)
def test_each_kind_of_node_has_its_class(text: str, kind: type[Node]) -> None:
    assert type(parse(text)) is kind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6),
        ("0", 0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -(2.0**63)),
        ("1e3", 1e3),
        (".5", 0.5),
        ("5.", 5.0),
        ("5.e-1", 0.5),
        ("0xff", 255),
        ("+7", 7),
        ("1" + "0" * 400, float("inf")),
        ("true", True),
        ("False", False),
    ],
)
def test_numbers_have_value_and_type(text: str, value: float) -> None:
    node = parse(text)
    assert isinstance(node, Number)
    assert (node.value, type(node.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'ttH'", "ttH"),
        ('"ttH"', "ttH"),
        (r"'it\'s'", "it's"),
        (r'"a\"b"', 'a"b'),
        (r"'a\\b'", "a\\b"),
        ("''", ""),
        ("'t\u0304 (b)'", "t\u0304 (b)"),
        ("'a && b'", "a && b"),
    ],
)
def test_texts_take_any_character_and_escaped_quotes(text: str, value: str) -> None:
    node = parse(text)
    assert isinstance(node, Text)
    assert node.value == value


def test_a_node_knows_its_place_in_the_text() -> None:
    node = parse(" (a + b) * c")
    left, right = node.operands
    assert [str(part.span) for part in (node, left, right)] == ["(a + b) * c", "(a + b)", "c"]


OPERAND = "a number, a text, a key or '('"
END = "an operator or the end"
CLOSE = "an operator or ')'"
CHAIN = "a chain of comparisons means one thing in C++ and another in Python"
PARENTHESES = "put parentheses around what belongs together"
SHIFT = "ROOT does not bind << and >> as C++ and Python do"
SPECIAL = "ROOT's special names, such as Sum$ and Entry$, are not known here"
TERNARY = "instead of c ? a : b, write (c && a) || (!c && b)"
ESCAPE = r"write \\ for a backslash"

#: A cut with its place in marks, the message, how the hint begins.
REFUSED = [
    ("«»", "the cut is empty", "to let every entry pass, write true"),
    ("« \n»", "the cut is empty", "to let every entry pass, write true"),
    ("a +«»", f"the cut ends too early; expected {OPERAND}", ""),
    ("(a«»", f"the cut ends too early; expected {CLOSE}", ""),
    ("a «b»", f"unexpected 'b'; expected {END}", ""),
    ("abs(a «c»)", f"unexpected 'c'; expected {CLOSE}", ""),
    ("a && «==» b", f"unexpected '=='; expected {OPERAND}", ""),
    ("a«)»", f"unexpected ')'; expected {END}", ""),
    ("a «=» b", "'=' has no meaning here", "to compare, write =="),
    ("a ==«=» b", "'=' has no meaning here", "to compare, write =="),
    ("a «=»> b", "'=' has no meaning here", "'at least' is written >= and 'at most' <="),
    ("a <«>» b", f"unexpected '>'; expected {OPERAND}", ""),
    ("«20 < pt < 50»", CHAIN, "write 20 < pt && pt < 50"),
    ("x || «a == b == c»", CHAIN, "write a == b && b == c"),
    ("«a < b == c»", CHAIN, "write a < b && b == c"),
    ("«flags & 4 == 4»", "C++ reads flags & (4 == 4), but Python binds & tighter", PARENTHESES),
    (
        "x && «4 == flags | 4»",
        "C++ reads (4 == flags) | 4, but Python binds | tighter",
        PARENTHESES,
    ),
    ("«2^3^2»", "ROOT reads a^b^c from the left, Python from the right", PARENTHESES),
    ("b || «!a^2»", "ROOT reads !a^b as (!a)^b, though a power binds first", PARENTHESES),
    ("«2^-3^2»", "ROOT reads a^b^c from the left, Python from the right", PARENTHESES),
    ("b && «a >> 2 == 1»", SHIFT, PARENTHESES),
    ("«1 << 2 << a»", SHIFT, PARENTHESES),
    ("«1 + a << 2»", SHIFT, PARENTHESES),
    ("a & «not» b", f"unexpected 'not'; expected {OPERAND}", "write ! here, or put"),
    ("a «AND» b", f"unexpected 'AND'; expected {END}", "the words are and, or, not"),
    ("a «in» (1, 2)", f"unexpected 'in'; expected {END}", "write a == 1 || a == 2"),
    ("a «is» b", f"unexpected 'is'; expected {END}", "to compare, write =="),
    ("pt«[»0] > 5", "'[' has no meaning here", "elements cannot be picked: an entry passes"),
    ("c «?» a : b", "'?' has no meaning here", TERNARY),
    ("a «if» c else b", f"unexpected 'if'; expected {END}", TERNARY),
    ("Sum«$»(pt) > 5", "'$' has no meaning here", SPECIAL),
    ("«@»jets > 5", "'@' has no meaning here", "ROOT's @, the size of a collection"),
    ("TMath«:»:Abs(x)", "':' has no meaning here", "functions have no namespace"),
    ("(float) «x»", f"unexpected 'x'; expected {END}", "casts are not needed"),
    ("a «\u2265» 2", "'\u2265' has no meaning here", "write >=, <= or !="),
    ("a «\u2212» 2", "'\u2212' has no meaning here", "write the minus of the keyboard"),
    ("p == «\u2018»a\u2019", "'\u2018' has no meaning here", "write the quotes of the"),
    ("p == «'»ttH", '"\'" has no meaning here', "the text has no closing quote"),
    ("p == 't«\\n»'", r"'\\n' is no escape", ESCAPE),
    ("a == «010»", "010 would be octal in C++", "write 10 for the decimal number"),
    ("a«;» b", "';' has no meaning here", "a cut is one expression"),
    ("«squrt»(a) > 2", "no function 'squrt'; nearest: 'sqrt'", ""),
    ("«np.abs»(a)", "no function 'np.abs'; nearest: 'abs', 'fabs'", "write abs(...)"),
    ("«x.tofile»('f')", "no function 'x.tofile'", "a cut is data: it has no methods"),
    ("a > «abs()»", "abs takes 1 argument, not 0", ""),
    ("a > «atan2(b)»", "atan2 takes 2 arguments, not 1", ""),
    ("«min(a)» > 1", "min takes at least 2 arguments, not 1", ""),
]


@pytest.mark.parametrize(("marked", "message", "hint"), REFUSED)
def test_an_error_says_what_where_and_the_way_out(marked: str, message: str, hint: str) -> None:
    before, place, after = re.split("[«»]", marked)
    with pytest.raises(CutError) as caught:
        parse(before + place + after)
    error = caught.value
    assert error.message == message
    assert error.hint.startswith(hint)
    assert bool(error.hint) == bool(hint)
    assert (error.start, error.stop) == (len(before), len(before + place))


def test_an_error_shows_the_text_with_carets() -> None:
    with pytest.raises(CutError) as caught:
        parse("nJets >= 6 && 20 < pt < 50")
    assert str(caught.value).splitlines()[1:] == [
        "  nJets >= 6 && 20 < pt < 50",
        "                ^^^^^^^^^^^^",
        "write 20 < pt && pt < 50",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "().__class__",
        "().__class__.__bases__[0]",
        "__import__('os')",
        "__import__('os').system('true')",
        "x.tofile('f')",
        "lambda: x",
        "f'{x}'",
        "`ls`",
        "a\0b",
        "\ud800",
        "\u00e9 > 1",
        "a # b",
        "open('f')",
        "x := 1",
        "[1]",
        "{1}",
        "exec('x')",
    ],
)
def test_what_is_code_is_refused(text: str) -> None:
    with pytest.raises(CutError):
        parse(text)


def test_an_attribute_is_but_the_name_of_a_key() -> None:
    assert parse("x.__class__") == parse("(x.__class__)")
    assert isinstance(parse("x.__class__"), Key)


DEEP = "the cut is nested deeper than 200 levels"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 10_000 + "a" + ")" * 10_000, DEEP),
        ("(" * MAX_LENGTH, DEEP),
        ("!" * 10_000 + "a", DEEP),
        ("-" * (MAX_LENGTH - 1) + "a", DEEP),
        ("not " * 10_000 + "a", DEEP),
        ("+".join("a" * 10_000), DEEP),
        ("**".join("a" * 10_000), DEEP),
        ("&".join("a" * 10_000), DEEP),
        ("abs(" * 300 + "a" + ")" * 300, DEEP),
        ("a" * (MAX_LENGTH + 1), "the cut has 65,537 characters; at most 65,536 are read"),
        ("a && " * 200_000, "the cut has 1,000,000 characters; at most 65,536 are read"),
        ("!" * MAX_LENGTH, f"the cut ends too early; expected {OPERAND}"),
        ("<".join("a" * 10_000), CHAIN),
    ],
)
def test_what_is_too_much_is_refused(text: str, message: str) -> None:
    with pytest.raises(CutError) as caught:
        parse(text)
    assert caught.value.message == message
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("joint", ["||", " or ", "|"])
def test_thousands_of_alternatives_are_one_level(joint: str) -> None:
    node = parse(joint.join(f"run=={run}" for run in range(5_000)))
    assert isinstance(node, Logical)
    assert (len(node.operands), node.depth) == (5_000, 3)


def test_two_hundred_levels_are_read() -> None:
    assert parse("(" * 200 + "a" + ")" * 200) == parse("a")
    assert parse("+".join("a" * 200)).depth == 200


def test_parentheses_in_a_text_do_not_count() -> None:
    assert isinstance(parse(f"p == '{'(' * 300}'"), Binary)


@pytest.mark.parametrize("value", [None, 6, b"a > 1", ["a"], parse("a")])
def test_a_cut_is_a_text(value: object) -> None:
    with pytest.raises(OptionError, match="a cut is a text such as 'nJets >= 6', not"):
        parse(value)  # type: ignore[arg-type]


PIECES = st.sampled_from(
    [
        *(
            "a",
            "b.c",
            "abs(",
            "min(",
            "(",
            ")",
            ",",
            "1",
            "2.5",
            "0x1",
            "07",
            "'x'",
            '"',
            "'",
            "\\",
        ),
        *("+", "-", "*", "/", "%", "**", "^", "<<", ">>", "<", "<=", "==", "!=", "=", "!", "~"),
        *("&", "|", "&&", "||", "and", "or", "not", "true", "in"),
        *("[", "]", "?", ":", "$", "@", " ", "\n", "\0", "\u00e9"),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join)))
@example("\x1f")
@example("a\u2028b")
def test_any_text_is_a_cut_or_a_cut_error(text: str) -> None:
    with contextlib.suppress(CutError):
        assert normal(parse(text))


@given(st.lists(PIECES).map(" ".join))
def test_any_cut_error_points_into_the_text(text: str) -> None:
    try:
        parse(text)
    except CutError as caught:
        error = caught
    else:
        return
    assert 0 <= error.start <= error.stop <= len(text)
    assert "^" in str(error)
