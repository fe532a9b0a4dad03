"""Tests of the tables of training sets on narrow terminals."""

import io

import pytest
from rich.console import Console

import memmpy
from tests.training.samples import Sample


def printed(result: object, width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(result)
    return file.getvalue()


@pytest.fixture
def data(sample: Sample) -> memmpy.TrainingSet:
    return sample.training_set(inputs={"kin": ["met", "pt_1", "log(met)"]}, scale="standard")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_word_and_no_number_is_broken(data: memmpy.TrainingSet, width: int) -> None:
    results = (data, data.fit(0).report(), data.histograms(), data.correlations(), data.balance())
    words = {word for result in results for word in printed(result, 200).split()}
    for result in results:
        text = printed(result, width)
        assert all(len(line) <= width for line in text.splitlines())
        table = [word for line in text.splitlines() for word in line.split() if "'" not in line]
        assert {*table} - {"─" * len(word) for word in table} <= words | {
            "no",
            "room",
            "for:",
            "negative,",
        }


def test_a_narrow_table_says_what_it_leaves_out(data: memmpy.TrainingSet) -> None:
    text = printed(data.fit(0).report(), 60)
    assert "no room for: negative, yield scale" in text
    assert "no room for" not in printed(data.fit(0).report(), 80)
