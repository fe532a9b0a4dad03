"""Tests of how the demos print."""

import io

import numpy as np
import pytest
from rich.console import Console

from memmpy import Jagged
from memmpy.demo.steps import batch_table, print_code, print_sentence

PATH = "/a-long/folder-with/many-names_" + 50 * "x" + ".root"
SENTENCE = f"Takes the first 30 of 1,494 branches of {PATH} that hold numbers, and [b]no others."


def printed(width: int, *, is_terminal: bool) -> str:
    file = io.StringIO()
    print_sentence(Console(file=file, width=width, force_terminal=is_terminal), SENTENCE)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_a_terminal_gets_lines_that_break_between_words_alone(width: int) -> None:
    lines = printed(width, is_terminal=True).splitlines()
    assert [word for line in lines for word in line.split(" ")] == SENTENCE.split(" ")
    assert all(len(line) <= width for line in lines if PATH not in line)


def test_a_file_gets_one_line() -> None:
    assert printed(60, is_terminal=False) == f"{SENTENCE}\n"


def test_code_stays_as_it_is() -> None:
    file, code = io.StringIO(), f"x = [\n    '{PATH}',\n]"
    print_code(Console(file=file, width=40, force_terminal=True), "In Python:", code)
    assert file.getvalue() == f"\nIn Python:\n\n{code}\n"


def test_a_batch_is_a_table_of_dtypes_and_shapes() -> None:
    lists = Jagged(np.zeros(3, np.float32), np.array([0, 2, 3]))
    batch = {"jets": np.zeros((2, 5, 3), np.float32), "_index": np.arange(2), "pt": lists}
    lines = batch_table({**batch, "name": ["a", "b"]}, "A batch:").to_text().splitlines()
    assert [line.split(maxsplit=1) for line in lines[3:]] == [
        ["jets", "float32            (2, 5, 3)"],
        ["_index", "int64              (2,)"],
        ["pt", "lists of float32   (2,)"],
        ["name", "list               (2,)"],
    ]
