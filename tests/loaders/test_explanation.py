from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import Shuffle, SplitLoader, WriteJagged, WriteVector, load_memmaps, skim

NUM = 20_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with WriteVector(path=tmp_path / "s", key="x") as column:
        column.extend(rng.random((NUM, 3), np.float32))
    with WriteVector(path=tmp_path / "s", key="n") as column:
        column.extend(np.arange(NUM))
    return tmp_path / "s"


@pytest.mark.slow
def test_columns_are_explained(store: Path) -> None:
    loader = SplitLoader(load_memmaps(store), 100, split="train", num_threads=2)
    told = loader.explain().to_dict()
    assert told["split"] == "'train' of (0.8, 0.1, 0.1)"
    assert told["num_entries"] == 16_000
    assert told["num_batches"] == 160
    assert told["num_threads"] == 2
    assert told["entry_bytes"] == 20
    assert told["total_bytes"] == 20 * NUM
    assert told["resident"] == 1
    assert (told["shuffle"], told["limit"]) == ("exact", "memory")
    assert told["measured_rate"] > 0
    assert told["expected_rate"] == pytest.approx(told["limit_rate"] / 20)


@pytest.mark.slow
def test_a_skim_is_explained(store: Path) -> None:
    skimmed = skim(store, keys=["x", "n"])
    loader = SplitLoader(skimmed, 100, shuffle=Shuffle("blocks", 16, 8))
    told = loader.explain().to_dict()
    assert (told["shuffle"], told["block_rows"], told["window_rows"]) == ("blocks", 16, 128)
    assert told["entry_bytes"] == skimmed.row_bytes
    assert told["why"] == "shuffle='blocks'"


@pytest.mark.slow
def test_to_explain_uses_up_no_epoch(store: Path) -> None:
    loader = SplitLoader(load_memmaps(store), 100, seed=1)
    expected = next(iter(SplitLoader(load_memmaps(store), 100, seed=1)))["n"]
    loader.explain()
    assert next(iter(loader))["n"].tolist() == expected.tolist()


@pytest.mark.slow
def test_an_explanation_prints_as_a_table(store: Path) -> None:
    found = SplitLoader(skim(store, keys=["x"]), 100, split="train").explain()
    for text in (str(found), repr(found)):
        assert "'train', Splits(by='file')" in text
        assert "16,0" in text or "15,9" in text
        assert "all rows fit into a processor's cache" in text
        assert "of the limit" in text
        assert text.endswith(found.sentence)
    assert found._repr_html_().count("<table>") == 1


@pytest.mark.parametrize(
    ("num", "rate", "limit_rate", "sentence"),
    [
        (
            3_200_000,
            8e7,
            1e9,
            "an epoch of 3,200,000 entries takes 0.04 s to load, at 80.0 % of the",
        ),
        (3_200_000, 8e7, None, "an epoch of 3,200,000 entries takes 0.04 s to load"),
        (1, 1000, None, "an epoch of 1 entry takes 1 ms to load"),
        (0, 0, 1e9, ""),
    ],
)
def test_the_sentence_says_how_long_an_epoch_takes(
    num: int, rate: float, limit_rate: float | None, sentence: str
) -> None:
    found = SplitLoader({"x": Opaque()}, 100).explain()
    expected = None if limit_rate is None else limit_rate / 10
    found = replace(found, num_entries=num, measured_rate=rate, expected_rate=expected)
    rest = "" if expected is None or not num else " rate of a copy from memory"
    assert found.sentence == sentence + rest


def test_no_entries_are_explained() -> None:
    found = SplitLoader({"x": np.empty(0)}, 100).explain()
    told = found.to_dict()
    assert (told["num_entries"], told["measured_rate"], told["resident"]) == (0, 0, 1)
    assert found.sentence == ""


@pytest.mark.slow
def test_lists_are_held_against_a_copy_of_their_arrays(tmp_path: Path) -> None:
    with WriteJagged(path=tmp_path / "s", key="x") as column:
        column.extend([np.arange(i % 5, dtype=np.float32) for i in range(1000)])
    found = SplitLoader(load_memmaps(tmp_path / "s"), 100).explain()
    assert found.total_bytes == 2000 * 4 + 1001 * 8
    assert found.limit_rate is not None
    assert "of the limit" in str(found)


class Opaque:
    """A column that tells nothing of where it lies."""

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: Any) -> Any:
        return np.arange(1000)[index]


def test_data_of_unknown_place_has_no_limit() -> None:
    found = SplitLoader({"x": Opaque()}, 100).explain()
    assert (found.limit_rate, found.expected_rate, found.share) == (None, None, None)
    assert found.measured_rate > 0
    assert "limit" not in str(found)


@pytest.mark.parametrize(
    "column",
    [
        np.array([None, "a"] * 500),
        np.ma.array(np.arange(1000), mask=np.arange(1000) % 2 == 0),
        np.asfortranarray(np.ones((1000, 3))),
        np.arange(1000)[::-1],
    ],
    ids=["objects", "masked", "fortran", "reversed"],
)
def test_columns_that_are_no_plain_array_are_explained(column: Any) -> None:
    assert SplitLoader({"x": column}, 100).explain().measured_rate > 0
