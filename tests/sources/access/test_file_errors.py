"""Tests of errors about input files."""

import pytest

from memmpy.errors import InputFileError, MissingKeyError, OptionError, RootFileError
from memmpy.sources import in_parentheses, missing_branch_error, reader_errors


@pytest.mark.parametrize("kind", [InputFileError, RootFileError])
def test_whatever_a_reader_raises_names_the_file(kind: type[InputFileError]) -> None:
    with (
        pytest.raises(kind, match=r"^'a\.root' is damaged: bad magic$") as caught,
        reader_errors("a.root", "is damaged", kind),
    ):
        raise ValueError("bad magic\nand much more")
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [OptionError("no"), MemoryError("no"), KeyboardInterrupt("no")])
def test_what_is_no_fault_of_the_file_is_left_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reader_errors("a.root", "is damaged"):
        raise error
    assert caught.value is error


def test_an_error_without_words_is_named_by_its_kind() -> None:
    with (
        pytest.raises(InputFileError, match="is damaged: AssertionError"),
        reader_errors("a", "is damaged"),
    ):
        raise AssertionError


def test_a_missing_branch_names_the_nearest() -> None:
    error = missing_branch_error("jet_ptt", "a.root:tree", ["met", "jet_pt"])
    assert isinstance(error, MissingKeyError)
    assert str(error) == "no branch 'jet_ptt' in 'a.root:tree'; nearest: 'jet_pt'"
    assert error.key == "jet_ptt"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], ""),
        (["a", "b"], " ('a', 'b')"),
        ([*"abcdefghijk"], " ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', ...)"),
    ],
)
def test_of_many_names_the_first_are_listed(names: list[str], shown: str) -> None:
    assert in_parentheses(names) == shown
