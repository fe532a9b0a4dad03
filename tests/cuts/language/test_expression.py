"""Tests of parsing, and of errors in the user's words."""

import re

import pytest

from memmpy.cuts import Key, Node, parse
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
from memmpy.cuts.language.expression import MAX_LENGTH
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
        ("2**-(3**2)", "2**(-(3**2))"),
        ("~a + b", "(~a) + b"),
        ("- - a", "-(-a)"),
        ("min(a, b + c) > 1", "(min(a, (b + c))) > 1"),
        ("not not a", "!(!a)"),
        ("(a > 1) == (b > 1)", "((a > 1)) == ((b > 1))"),
        ("a || b ? c : d ? e : f", "(a || b) ? c : (d ? e : f)"),
        ("a ? b ? c : d : e", "a ? (b ? c : d) : e"),
        ("a + b in (c + 1, 2) or d", "((a + b) in (c + 1, 2)) || d"),
        ("not a in (1, 2)", "!(a in (1, 2))"),
        ("-x[0]**2", "-((x[0])**2)"),
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
        ("c ? a : b", "where(c, a, b)"),
        ("20 < a < 50", "20 < a and a < 50"),
        ("a < b == c >= d", "a < b and b == c and c >= d"),
        ("a in (1, 2.5)", "a == 1 || a == 2.5"),
        ("p in ['x', \"y\",]", "p == 'x' || p == 'y'"),
        ("p in ('x',)", "p == 'x'"),
        ("a not in (1, 2)", "!(a == 1 || a == 2)"),
        ("Sum$(x)", "sum(x)"),
        ("Sum$(x > 1)", "count(x > 1)"),
        ("Min$(x)", "min(x)"),
        ("Max$(x)", "TMath::Max(x)"),
        ("Length$(x)", "len(x)"),
        ("@x.size()", "len(x)"),
        ("x@.size()", "x.size()"),
        ("@a.b.size()", "len(a.b)"),
        ("`a b`@.size()", "len(`a b`)"),
        ("`x`", "x"),
        ("TMath::Abs(a)", "std::abs(a)"),
        ("TMath::Power(a, 2)", "pow(a, 2)"),
        ("TMath::Pi()", "pi"),
        ("int(a) + double(b)", "Int_t(a) + float64(b)"),
        ("x[ (0) ]", "x[0]"),
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
        ("c ? a : b", Call),
        ("x[0]", Element),
        ("any(x)", Reduction),
        ("min(x)", Reduction),
        ("min(x, y)", Call),
        ("Alt$(x, 1)", Alternative),
        ("Iteration$", Loop),
        ("Length$", Loop),
        ("Length$(x)", Reduction),
        ("`a + b`", Key),
        ("`true`", Key),
        ("`x[0]`", Key),
        ("`Sum$(x)`", Key),
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
    ("a & «not» b", f"unexpected 'not'; expected {OPERAND}", "write ! here, or put"),
    ("a «AND» b", f"unexpected 'AND'; expected {END}", "the words are and, or, not"),
    ("a «is» b", f"unexpected 'is'; expected {END}", "to compare, write =="),
    ("c ? a «b»", "unexpected 'b'; expected an operator or ':'", ""),
    ("a «if» c else b", f"unexpected 'if'; expected {END}", "write c ? a : b, or where(c, a, b)"),
    ("pt[0«:»2]", "unexpected ':'; expected an operator or ']'", ""),
    ("pt[«:»2]", f"unexpected ':'; expected {OPERAND}", "jet_pt[0] is one element, jet_pt are"),
    ("pt[«]» > 2", f"unexpected ']'; expected {OPERAND}", "jet_pt[0] is one element, jet_pt are"),
    ("a in «b»", "unexpected 'b'; expected values in parentheses", "for example process in ('ttH'"),
    ("@jets «>» 5", "unexpected '>'; expected '('", "the size of a collection is @jet_pt.size()"),
    ("TMath«:»Abs(x)", f"unexpected ':'; expected {END}", "namespaces have two colons"),
    ("(a + b)«[»0]", f"unexpected '['; expected {END}", "an element is picked from a column"),
    ("a «$» b", "'$' has no meaning here", "ROOT's special names end in $"),
    ("«`»a", "'`' has no meaning here", "the name has no closing backquote"),
    ("(float) «x»", f"unexpected 'x'; expected {END}", "a cast is written like a call: int(x)"),
    ("a «\u2265» 2", "'\u2265' has no meaning here", "write >=, <= or !="),
    ("a «\u2212» 2", "'\u2212' has no meaning here", "write the minus of the keyboard"),
    ("p == «\u2018»a\u2019", "'\u2018' has no meaning here", "write the quotes of the"),
    ("p == «'»ttH", '"\'" has no meaning here', "the text has no closing quote"),
    ("a«;» b", "';' has no meaning here", "a cut is one expression"),
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
        "a\0b",
        "\ud800",
        "\u00e9 > 1",
        "a # b",
        "open('f')",
        "x := 1",
        "x[0].y",
        "x[open('f')]",
        "(x)[0]",
        "[x for x in y]",
        "x if y else z",
        "x.size().real",
        "@x.tofile()",
        "`x`()",
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
LIMIT = f"at most {MAX_LENGTH:,} are read"


@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 10_000 + "a" + ")" * 10_000, DEEP),
        ("(" * MAX_LENGTH, DEEP),
        ("!" * 10_000 + "a", DEEP),
        ("-" * (MAX_LENGTH - 1) + "a", DEEP),
        ("not " * 5_000 + "a", DEEP),
        ("+".join("a" * 5_000), DEEP),
        ("*".join("a" * 10_000), DEEP),
        ("a?b:" * 5_000 + "c", DEEP),
        ("[" * 10_000, DEEP),
        ("Sum$(" * 300 + "a" + ")" * 300, DEEP),
        ("&".join("a" * 10_000), DEEP),
        ("abs(" * 300 + "a" + ")" * 300, DEEP),
        ("a" * (MAX_LENGTH + 1), f"the cut has {MAX_LENGTH + 1:,} characters; {LIMIT}"),
        ("a && " * 200_000, f"the cut has 1,000,000 characters; {LIMIT}"),
        ("!" * MAX_LENGTH, f"the cut ends too early; expected {OPERAND}"),
    ],
)
def test_what_is_too_much_is_refused(text: str, message: str) -> None:
    with pytest.raises(CutError) as caught:
        parse(text)
    assert caught.value.message == message
    assert len(str(caught.value)) < 500


@pytest.mark.slow_together
@pytest.mark.parametrize("joint", ["||", " or ", "|"])
def test_thousands_of_alternatives_are_one_level(joint: str) -> None:
    node = parse(joint.join(f"run=={run}" for run in range(2_000)))
    assert isinstance(node, Logical)
    assert (len(node.operands), node.depth) == (2_000, 3)


@pytest.mark.slow
def test_thousands_of_comparisons_in_a_chain_are_one_level() -> None:
    node = parse("<".join("a" * 5_000))
    assert (len(node.operands), node.depth) == (4_999, 3)


@pytest.mark.slow
def test_thousands_of_values_are_one_level() -> None:
    node = parse(f"run in ({','.join(map(str, range(5_000)))})")
    assert (len(node.operands), node.depth) == (5_000, 3)


def test_two_hundred_levels_are_read() -> None:
    assert parse("(" * 200 + "a" + ")" * 200) == parse("a")
    assert parse("+".join("a" * 200)).depth == 200


def test_parentheses_in_a_text_do_not_count() -> None:
    assert isinstance(parse(f"p == '{'(' * 300}'"), Binary)


@pytest.mark.parametrize("value", [None, 6, b"a > 1", ["a"], parse("a")])
def test_a_cut_is_a_text(value: object) -> None:
    with pytest.raises(OptionError, match="a cut or a weight is a text such as 'nJets >= 6', not"):
        parse(value)  # type: ignore[arg-type]
