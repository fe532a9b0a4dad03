"""Tests of cuts that the grammar allows and memmpy refuses, and of their hints."""

import re

import pytest

from memmpy.cuts import parse, substitute
from memmpy.errors import CutError

PARENTHESES = "put parentheses around what belongs together"
SHIFT = "<< and >> have another precedence in ROOT than in C++ and Python"
POWER = "ROOT reads a^b^c and a**b**c from the left, Python from the right"
SCALE = "ROOT reads a % b {0} c as a % (b {0} c), C++ and Python as (a % b) {0} c"
CHAIN = "C++ reads (20 < pt) < 50, Python (20 < pt) and (pt < 50), and this is C++'s spelling"
INDEX = "an index is 0 or a positive integer"
LAST = "for the last element, write pt[Length$(pt) - 1]"
ESCAPE = r"write \\ for a backslash"
ENTRY = "an entry's number is not a property of the event: loaders split by tickets"
METHODS = "a cut is data: it has no methods"

#: A cut with its place in marks, the message, the hint.
REFUSED = [
    # Numbers, texts and names
    ("a == «010»", "010 would be octal in C++", "write 10 for the decimal number"),
    ("a == «000»", "000 would be octal in C++", "write 0 for the decimal number"),
    (r"p == 't«\n»'", r"'\\n' is no escape", ESCAPE),
    ("«Sum$» > 5", "Sum$ is a function", "write Sum$(...)"),
    ("a > «Alt$»", "Alt$ is a function", "write Alt$(...)"),
    ("«Entry$» > 5", "no special name 'Entry$'", ENTRY),
    ("«LocalEntry$» > 5", "no special name 'LocalEntry$'", ENTRY),
    (
        "a < «Entries$»",
        "no special name 'Entries$'",
        "the number of entries is that of the store, len(store[key])",
    ),
    ("«Itteration$» > 1", "no special name 'Itteration$'; nearest: 'Iteration$'", ""),
    ("a > «TMath::Pi»", "no constant 'TMath::Pi'", "write TMath::Pi()"),
    ("a == «ROOT::kTRUE»", "no constant 'ROOT::kTRUE'", "write true, false or the number"),
    # Elements
    ("pt[«-1»] > 5", INDEX, LAST),
    ("pt[0][«1.5»] > 5", INDEX, LAST),
    ("pt[«true»] > 5", INDEX, LAST),
    ("pt[«'a'»] > 5", "an index is a number", "for example pt[0]"),
    ("pt[«2147483648»] > 5", "no entry has more than 2147483647 elements", ""),
    ("«pi[0]» > 5", "only elements of a column can be picked", "for example jet_pt[0]"),
    ("«Length$[0]» > 5", "only elements of a column can be picked", "for example jet_pt[0]"),
    # Functions
    ("«squrt»(a) > 2", "no function 'squrt'; nearest: 'sqrt', 'square', 'short'", ""),
    ("«np.abs»(a)", "no function 'np.abs'; nearest: 'abs', 'fabs'", "write abs(...)"),
    ("«np.sum»(a)", "no function 'np.sum'; nearest: 'sum'", "write sum(...)"),
    ("«ABS»(a)", "no function 'ABS'; nearest: 'abs'", "write abs(...)"),
    ("«x.tofile»('f')", "no function 'x.tofile'", METHODS),
    ("a > «abs()»", "abs takes 1 argument, not 0", ""),
    ("a > «atan2(b)»", "atan2 takes 2 arguments, not 1", ""),
    ("«where(a, b)» > 1", "where takes 3 arguments, not 2", ""),
    ("«max()» > 1", "max takes at least 2 arguments, not 0", ""),
    ("«TMath::Pi(2)» > 1", "TMath::Pi takes no arguments, not 1", ""),
    ("«Alt$(a)» > 1", "Alt$ takes 2 arguments, not 1", ""),
    ("«MinIf$(a)» > 1", "MinIf$ takes 2 arguments, not 1", ""),
    ("«any(a, b)»", "any takes 1 argument, not 2", ""),
    ("«Iteration$»() > 1", "no function 'Iteration$'", "write Iteration$"),
    ("«@jets.front()» > 5", "of a collection, only its size is known", "write @jet_pt.size()"),
    ("«@jets()» > 5", "of a collection, only its size is known", "write @jet_pt.size()"),
    (
        "Alt$(2 * «pt[i - 1]», 0) > 5",
        "Alt$ takes elements picked by a number",
        "write i - 1 < Length$(pt) ? pt[i - 1] : ...",
    ),
    # Chains
    ("x || «20 < pt < 50»", CHAIN, "write 20 < pt && pt < 50"),
    ("«20 < pt < 50» && p == 'and'", CHAIN, "write 20 < pt && pt < 50"),
    ("«20 < pt < 50 < x» or pt^2", CHAIN, "write 20 < pt && pt < 50"),
    ("«20 < pt < 50» and Sum$(x)", CHAIN, "write 20 < pt && pt < 50"),
    ("«20 < pt < 50» and TMath::Pi()", CHAIN, "write 20 < pt && pt < 50"),
    ("!x and «20 < pt < 50»", CHAIN, "write 20 < pt && pt < 50"),
    ("c ? «20 < pt < 50» : 0", CHAIN, "write 20 < pt && pt < 50"),
    # Two readings
    ("«flags & 4 == 4»", "C++ reads flags & (4 == 4), but Python binds & tighter", PARENTHESES),
    (
        "x && «4 == flags | 4»",
        "C++ reads (4 == flags) | 4, but Python binds | tighter",
        PARENTHESES,
    ),
    ("«2^3^2»", POWER, PARENTHESES),
    ("«2**3**2»", POWER, PARENTHESES),
    ("«2^-3^2»", POWER, PARENTHESES),
    ("b || «!a^2»", "ROOT reads !a^b as (!a)^b, though a power binds first", PARENTHESES),
    ("1 + «7 % 4 * 2»", SCALE.format("*"), PARENTHESES),
    ("«7 % 4 / 2»", SCALE.format("/"), PARENTHESES),
    ("b && «a >> 2 == 1»", SHIFT, PARENTHESES),
    ("«1 << 2 << a»", SHIFT, PARENTHESES),
    ("«1 + a << 2»", SHIFT, PARENTHESES),
    (
        "x || «!nJets >= 6»",
        "C++ reads (!nJets) >= 6, which compares 0 or 1 with 6",
        "write !(nJets >= 6)",
    ),
    ("«!a == 2»", "C++ reads (!a) == 2, which compares 0 or 1 with 2", "write !(a == 2)"),
]


@pytest.mark.parametrize(("marked", "message", "hint"), REFUSED)
def test_an_error_says_what_where_and_the_way_out(marked: str, message: str, hint: str) -> None:
    before, place, after = re.split("[«»]", marked)
    with pytest.raises(CutError) as caught:
        parse(before + place + after)
    error = caught.value
    assert (error.message, error.hint) == (message, hint)
    assert (error.start, error.stop) == (len(before), len(before + place))


@pytest.mark.parametrize(
    "text",
    [
        "2^(3^2)",
        "(2**3)**2",
        "2**-a",
        "(7 % 4) * 2",
        "7 * 4 % 2",
        "7 % 4 % 2",
        "1 + 7 % 4",
        "(1 << 2) + a",
        "1 << (2 + a)",
        "1 << 2 * a",
        "(a >> 2) == 1",
        "(flags & 4) == 4",
        "flags & (4 == 4)",
        "n >= 6 & good",
        "flags & mask == a",
        "(!n) >= 6",
        "!n == 1",
        "!n != 0",
        "!n == m",
        "not n >= 6",
        "!(a^2)",
    ],
)
def test_what_has_one_reading_is_read(text: str) -> None:
    assert parse(f"({text})") == parse(text)


@pytest.mark.parametrize(
    "rest",
    [
        "a and b or not c",
        "p == '&& $ ! ?'",
        "`x && $y` > 2",
        "a != b",
        "where(a, b, c) > sum(x)",
        "(a & b) == 4",
        "x[0]**2 in (1, 2)",
    ],
)
def test_pythons_spelling_has_chains(rest: str) -> None:
    assert parse(f"20 < pt < 50 and {rest}") == parse(f"20 < pt and pt < 50 and {rest}")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (-1, INDEX),
        (1.5, INDEX),
        (True, INDEX),
        (float("nan"), INDEX),
        ("a", "an index is a number"),
        (10**19, "no entry has more than 2147483647 elements"),
    ],
)
def test_an_index_that_is_a_constant_is_refused_as_one_that_is_written(
    index: float | str, message: str
) -> None:
    with pytest.raises(CutError) as caught:
        substitute(parse("x[k]"), constants={"k": index})
    assert caught.value.message == message


@pytest.mark.parametrize("alias", ["x * 2", "x[1]", "3", "'text'"])
def test_elements_of_an_alias_that_is_no_column_are_refused(alias: str) -> None:
    with pytest.raises(CutError, match="only elements of a column can be picked"):
        substitute(parse("y[0]"), aliases={"y": alias})


def test_elements_of_an_alias_that_is_a_column_are_picked() -> None:
    assert substitute(parse("y[0]"), aliases={"y": "x"}) == parse("x[0]")


@pytest.mark.parametrize("cut", ["pt[pt > 30]", "pt[!n]", "pt[any(pt)]"])
def test_an_index_that_is_a_condition_is_refused(cut: str) -> None:
    with pytest.raises(CutError, match=r"an index is a number, and .* is a condition") as caught:
        parse(f"sum({cut}) > 300")
    assert caught.value.hint.startswith("to pick by it, reduce: count(")
