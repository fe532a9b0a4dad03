from pathlib import Path

import numpy as np
import pytest

from memmpy import SplitLoader, WriteVector, load_memmaps, skim

NUM = 20_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with WriteVector(path=tmp_path / "s", key="x") as column:
        column.extend(rng.random((NUM, 3), np.float32))
    with WriteVector(path=tmp_path / "s", key="n") as column:
        column.extend(np.arange(NUM))
    return tmp_path / "s"


def test_columns_are_explained(store: Path) -> None:
    loader = SplitLoader(load_memmaps(store), 100, num_threads=2)
    told = loader.explain().to_dict()
    assert told["num_entries"] == 16_000
    assert told["num_batches"] == 160
    assert told["num_threads"] == 2
    assert told["entry_bytes"] == 20
    assert told["total_bytes"] == 20 * NUM
    assert told["resident"] == 1
    assert (told["shuffle"], told["limit"]) == ("exact", "memory")
    assert told["measured_rate"] > 0
    assert told["expected_rate"] == pytest.approx(told["limit_rate"] / 20)


def test_a_skim_is_explained(store: Path) -> None:
    skimmed = skim(store, keys=["x", "n"])
    loader = SplitLoader(skimmed, 100, shuffle="blocks", block_rows=16, window_blocks=8)
    told = loader.explain().to_dict()
    assert (told["shuffle"], told["block_rows"], told["window_rows"]) == ("blocks", 16, 128)
    assert told["entry_bytes"] == skimmed.row_bytes
    assert told["why"] == "shuffle='blocks'"


def test_to_explain_uses_up_no_epoch(store: Path) -> None:
    loader = SplitLoader(load_memmaps(store), 100, seed=1)
    expected = next(iter(SplitLoader(load_memmaps(store), 100, seed=1)))["n"]
    loader.explain()
    assert next(iter(loader))["n"].tolist() == expected.tolist()


def test_an_explanation_prints_as_a_table(store: Path) -> None:
    found = SplitLoader(skim(store, keys=["x"]), 100).explain()
    for text in (str(found), repr(found)):
        assert "16,0" in text or "15,9" in text
        assert "all rows fit into a processor's cache" in text
        assert "of the limit" in text
    assert found._repr_html_().startswith("<table>")


def test_no_entries_are_explained() -> None:
    told = SplitLoader({"x": np.empty(0)}, 100).explain().to_dict()
    assert (told["num_entries"], told["measured_rate"], told["resident"]) == (0, 0, 1)
