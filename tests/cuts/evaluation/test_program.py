"""Tests of cuts on columns, against NumPy."""

import operator
import pickle
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Jagged
from memmpy.cuts import normal_form, parse, to_program
from memmpy.cuts.evaluation import ColumnLike, HashedText, check_keys, evaluate, passes
from memmpy.cuts.language import Logical, Unary
from memmpy.errors import CutError, LengthError
from memmpy.typing import Array

COLUMNS: dict[str, Array] = {
    "a": np.array([0, 1, 2, 3, -4], np.int32),
    "b": np.array([0.5, 1, np.nan, -2, 3], np.float32),
    "c.d": np.array([1, 0, 1, 0, 1], np.bool_),
}


def test_the_cut_of_the_readme() -> None:
    columns = {"nJets": np.array([6, 5, 7]), "nBTags_77": np.array([2, 4, 1])}
    mask = passes(parse("nJets >= 6 & nBTags_77 >= 2"), columns, num_entries=3)
    assert mask.tolist() == [True, False, False]


@pytest.mark.parametrize("text", ["1", "true", "2 > 1", "0.5", "!0", "-1"])
def test_a_cut_without_keys_holds_for_all_entries(text: str) -> None:
    assert passes(parse(text), {}, num_entries=3).tolist() == [True] * 3
    assert passes(parse(f"!({text})"), {}, num_entries=2).tolist() == [False] * 2


def test_a_program_runs_on_one_range_after_another() -> None:
    program = to_program(parse("a > 1 && b > 0"))
    assert program.keys == {"a", "b"}
    for start in (0, 2, 4):
        part = {key: column[start : start + 2] for key, column in COLUMNS.items()}
        expected = (part["a"] > 1) & (part["b"] > 0)
        mask = passes(program, part, num_entries=len(expected))
        np.testing.assert_array_equal(mask, expected)


def test_a_program_travels_to_other_processes() -> None:
    program = pickle.loads(pickle.dumps(to_program(parse("a > 1 && b > 0"))))
    assert passes(program, COLUMNS, num_entries=5).sum() == 0


def test_a_mask_is_the_callers_own() -> None:
    flag = np.array([True, False])
    passes(parse("flag"), {"flag": flag}, num_entries=2)[:] = False
    assert flag.tolist() == [True, False]


@pytest.mark.slow
def test_thousands_of_alternatives_are_evaluated() -> None:
    text = " || ".join(f"run == {run}" for run in range(2_000))
    runs = np.array([1_999, 2_000, 0])
    assert passes(parse(text), {"run": runs}, num_entries=3).tolist() == [True, False, True]


def test_a_key_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(CutError) as caught:
        evaluate(parse("nJets > 5 && jet_ptt > 2"), {"nJets": np.ones(1), "jet_pt": np.ones(1)})
    assert str(caught.value).splitlines() == [
        "no key 'jet_ptt'; nearest: 'jet_pt'",
        "  nJets > 5 && jet_ptt > 2",
        "               ^^^^^^^",
    ]


def test_keys_can_be_checked_beforehand() -> None:
    check_keys(parse("a + b > 1"), ["a", "b", "c"])
    with pytest.raises(CutError, match="no key 'b'"):
        check_keys(parse("a + b > 1"), ["a"])


def test_the_number_of_entries_must_be_right() -> None:
    with pytest.raises(LengthError, match="the columns of the cut have 5 entries, not 4"):
        passes(parse("a"), COLUMNS, num_entries=4)


@pytest.mark.parametrize(
    ("text", "symbol", "place"),
    [
        ("a > 1 & b", "&", "b"),
        ("b | a", "|", "b"),
        ("a << b", "<<", "b"),
        ("1 >> 0.5", ">>", "0.5"),
        ("~b", "~", "b"),
        ("a & (a / 2)", "&", "(a / 2)"),
    ],
)
def test_operators_on_bits_refuse_floats(text: str, symbol: str, place: str) -> None:
    with pytest.raises(CutError) as caught:
        evaluate(parse(text), COLUMNS)
    error = caught.value
    assert error.message == f"{symbol} is for integers and conditions, and {place} is a float"
    assert error.hint == "to combine conditions, compare first: met > 50"
    assert text[error.start : error.stop] == place


#: A cut in C++'s and in Python's spelling, and its value in NumPy.
Spelt = tuple[str, str, Array]
WIDE = {"a": np.int64, "b": np.float64, "c.d": np.int64}


def binary(symbol: str, apply: Callable[[Array, Array], Array]) -> Callable[[Spelt, Spelt], Spelt]:
    def join(left: Spelt, right: Spelt) -> Spelt:
        with np.errstate(all="ignore"):
            value = apply(left[2], right[2])
        return f"({left[0]} {symbol} {right[0]})", f"( {left[1]}{symbol}{right[1]})", value

    return join


def true(values: Array) -> Array:
    return np.not_equal(values, 0)


def divided(left: Array, right: Array) -> Array:
    """Divide as ROOT does."""
    return np.where(np.equal(right, 0), 0.0, np.true_divide(left, right))


def remainder(left: Array, right: Array) -> Array:
    """Return what is left of integers, as in C++; of what is divided by zero, nothing."""
    whole, by = (np.nan_to_num(side).astype(np.int64) for side in (left, right))
    return np.where(np.equal(by, 0), 0, np.fmod(whole, by))


def leaves() -> st.SearchStrategy[Spelt]:
    keys = [(key, key, column.astype(WIDE[key])) for key, column in COLUMNS.items()]
    literals = st.integers(0, 5) | st.floats(0, 5, allow_subnormal=False)
    return st.sampled_from(keys) | literals.map(lambda x: (repr(x), f" {x!r}", np.asarray(x)))


def numbers(conditions: st.SearchStrategy[Spelt] | None = None) -> st.SearchStrategy[Spelt]:
    table: dict[str, Callable[[Array, Array], Array]] = {
        "+": np.add,
        "-": np.subtract,
        "*": np.multiply,
        "/": divided,
        "%": remainder,
    }

    def extend(below: st.SearchStrategy[Spelt]) -> st.SearchStrategy[Spelt]:
        pairs = [st.builds(binary(symbol, apply), below, below) for symbol, apply in table.items()]
        negative = below.map(lambda x: (f"(-{x[0]})", f"(- {x[1]})", np.negative(x[2])))
        root = below.map(lambda x: (f"sqrt({x[0]})", f"sqrt( {x[1]} )", quiet_sqrt(x[2])))
        return st.one_of(*pairs, negative, root)

    return st.recursive(leaves(), extend, max_leaves=6)


def quiet_sqrt(values: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt(values, dtype=np.float64))


def comparisons() -> st.SearchStrategy[Spelt]:
    table = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    return st.one_of(
        *(st.builds(binary(symbol, apply), numbers(), numbers()) for symbol, apply in table.items())
    )


def conditions() -> st.SearchStrategy[Spelt]:
    def extend(below: st.SearchStrategy[Spelt]) -> st.SearchStrategy[Spelt]:
        def joined(cpp: str, python: str, apply: np.ufunc) -> st.SearchStrategy[Spelt]:
            return st.lists(below, min_size=2, max_size=4).map(
                lambda terms: (
                    f"({cpp.join(term[0] for term in terms)})",
                    f"({python.join(term[1] for term in reversed(terms))})",
                    apply.reduce(np.broadcast_arrays(*(true(term[2]) for term in terms))),
                )
            )

        inverse = below.map(lambda x: (f"!{x[0]}", f"(not {x[1]})", ~true(x[2])))
        flipped = below.map(lambda x: (f"~{x[0]}", f"(not {x[1]})", ~true(x[2])))
        return st.one_of(
            joined("&&", " and ", np.logical_and),
            joined(" || ", " or ", np.logical_or),
            joined(" & ", " and ", np.logical_and),
            joined("|", " or ", np.logical_or),
            inverse,
            flipped,
        )

    return st.recursive(comparisons(), extend, max_leaves=8)


@pytest.mark.slow
@given(conditions())
def test_both_spellings_mean_what_numpy_means_and_share_a_normal_form(spelt: Spelt) -> None:
    cpp, python, expected = spelt
    wanted = np.broadcast_to(expected, 5)
    for text in (cpp, python, normal_form(parse(cpp))):
        np.testing.assert_array_equal(passes(parse(text), COLUMNS, num_entries=5), wanted)
    assert normal_form(parse(cpp)) == normal_form(parse(python))


@given(numbers())
def test_numbers_are_what_numpy_computes_in_64_bits(spelt: Spelt) -> None:
    cpp, python, expected = spelt
    for text in (cpp, python, normal_form(parse(cpp))):
        result = evaluate(parse(text), COLUMNS).content
        np.testing.assert_array_equal(np.broadcast_to(result, 5), np.broadcast_to(expected, 5))


def test_conditions_have_the_same_tree_in_both_spellings() -> None:
    node = parse("~(a > 1) & (b > 1 | a == 2)")
    assert isinstance(node, Logical)
    assert isinstance(node.operands[0], Unary)
    assert node == parse("not a > 1 and (b > 1 or a == 2)")


def test_a_text_without_quotes_brings_a_hint() -> None:
    with pytest.raises(CutError, match="no key 'ttH'") as caught:
        check_keys(parse("process == ttH"), ["process"])
    assert caught.value.hint == "a text is written in quotes: 'ttH'"


@pytest.mark.parametrize(
    ("text", "known", "texts", "hint"),
    [
        ("process == ttH", ["process", "n"], ["process"], "'ttH'"),
        ("ttH != process", ["process", "n"], ["process"], "'ttH'"),
        ("n > 1 && process in (ttH, ttbb)", ["process", "n"], ["process"], "'ttH'"),
        ("ttH == proces", ["process"], ["process"], "'ttH'"),
        ("n == m", ["process", "n"], ["process"], ""),
        ("process > ttH", ["process"], ["process"], ""),
        ("process == 'ttbb' && ttH", ["process"], ["process"], ""),
        ("nJets == nJetz", ["nJets"], None, ""),
        ("process == ttH", ["process"], None, "'ttH'"),
    ],
)
def test_quotes_are_advised_beside_text_alone(
    text: str, known: list[str], texts: list[str] | None, hint: str
) -> None:
    with pytest.raises(CutError) as caught:
        check_keys(parse(text), known, texts=texts)
    assert caught.value.hint == (f"a text is written in quotes: {hint}" if hint else "")


@pytest.mark.parametrize(("text", "is_advised"), [("process == ttH", True), ("n == ttH", False)])
def test_the_columns_say_where_quotes_are_missing(text: str, is_advised: bool) -> None:
    columns: dict[str, ColumnLike] = {
        "n": np.arange(2),
        "process": HashedText(np.zeros(2, np.uint64), {0: "ttH"}),
    }
    with pytest.raises(CutError, match="no key 'ttH'") as caught:
        evaluate(parse(text), columns)
    assert bool(caught.value.hint) == is_advised


def test_a_stale_key_is_said_to_be_stale() -> None:
    with pytest.raises(CutError, match=r"column 'HT' in 's' is stale: add it again"):
        check_keys(parse("HT > 1"), ["pt"], stale={"HT": "add it again"}, where=" in 's'")


def test_many_reductions_keep_no_elements() -> None:
    columns = {"j": Jagged(np.ones(1_000_000), np.arange(0, 1_000_001, 10))}
    cut = " && ".join(f"Sum$(j * {i}) > 0" for i in range(1, 31))
    program = to_program(parse(cut))
    tracemalloc.start()
    program(columns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * columns["j"].content.nbytes


def test_many_operands_of_max_keep_two() -> None:
    columns = {"x": np.ones(1_000_000)}
    program = to_program(parse(f"max({', '.join(f'x + {i}' for i in range(50))}) > 0"))
    tracemalloc.start()
    program(columns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * columns["x"].nbytes
