"""Tests of totals of one file, in all formats, against sums of NumPy and Python."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from memmpy.conversion.planning.totals import parse_total, read_total
from memmpy.errors import CutError, InputFileError, MissingKeyError, OptionError, RootFileError
from memmpy.sources import describe

WEIGHTS = np.random.default_rng(1).normal(0, 1e10, 10_000)
COUNTS = np.arange(10_000) % 3
LISTS = ak.unflatten(np.arange(COUNTS.sum(), dtype=np.float32) / 7, COUNTS)
LARGE = np.full(5, 2**62 + 1)


def total_of(path: Path, text: str, *, step_bytes: int = 10_000, missing: Any = None) -> float:
    status = describe(str(path))
    return read_total(
        parse_total("n", text),
        status.path,
        status.state,
        missing=missing or {},
        step_bytes=step_bytes,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("totals") / "file.root"
    with uproot.recreate(path) as file:
        types = {"w": "float64", "w32": "float32", "lists": "var * float32"}
        tree = file.mktree("Runs", types)
        for start in range(0, 10_000, 2_500):  # four baskets
            step = slice(start, start + 2_500)
            w = WEIGHTS[step]
            tree.extend({"w": w, "w32": w.astype(np.float32), "lists": LISTS[step]})
        file["large"] = {"n": LARGE, "u": LARGE.astype(np.uint64) * 2, "b": np.arange(5) % 2 == 0}
        file["bad"] = {"nan": np.array([1.0, np.nan]), "inf": np.array([1.0, np.inf])}
        file["matrix"] = {"m": np.arange(12.0).reshape(4, 3)}
        file.mktree("empty", {"w": "float64"})
        ntuple = ak.Array({"w": WEIGHTS[:100], "n": np.arange(100)})
        file.mkrntuple("ntuple", ntuple.layout.form).extend(ntuple)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("law")


@pytest.mark.parametrize("step_bytes", [1, 10_000, 1 << 30])
def test_floats_are_summed_exactly_whatever_the_steps(root: Path, step_bytes: int) -> None:
    assert total_of(root, "Runs:w", step_bytes=step_bytes) == math.fsum(WEIGHTS)


@given(numbers=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30))
def test_a_sum_is_that_of_fractions_rounded_once(numbers: list[float], folder: Path) -> None:
    path = folder / f"{uuid4()}.root"
    with uproot.recreate(path) as file:
        file["t"] = {"x": np.array(numbers)}
    assert total_of(path, "t:x") == float(sum(map(Fraction, numbers)))


def test_float32_is_computed_in_float64(root: Path) -> None:
    products = WEIGHTS.astype(np.float32).astype(np.float64) * 0.1
    assert total_of(root, "Runs:w32 * 0.1") == math.fsum(products)


def test_integers_are_summed_exactly(root: Path) -> None:
    assert total_of(root, "large:n") == float(5 * (2**62 + 1))
    assert total_of(root, "large:u") == float(5 * (2**63 + 2))
    assert total_of(root, "large:b") == 3.0


def test_all_elements_of_lists_are_summed(root: Path) -> None:
    flat = ak.to_numpy(ak.flatten(LISTS)).astype(np.float64)
    assert total_of(root, "Runs:lists") == math.fsum(flat)
    assert total_of(root, "matrix:m") == 66.0


def test_an_index_takes_one_element_where_there_is_one(root: Path) -> None:
    second = ak.to_numpy(LISTS[ak.num(LISTS) > 1][:, 1]).astype(np.float64)
    assert total_of(root, "Runs:lists[1]") == math.fsum(second)
    assert total_of(root, "matrix:m[1]") == 22.0


def test_a_condition_counts_entries(root: Path) -> None:
    assert total_of(root, "Runs:w > 0 && w32 < 1e9") == np.sum(
        (WEIGHTS > 0) & (WEIGHTS.astype(np.float32) < 1e9)
    )


def test_a_constant_counts_entries(root: Path) -> None:
    assert total_of(root, "Runs:1") == 10_000
    assert total_of(root, "empty:1") == 0


def test_an_empty_tree_gives_zero(root: Path) -> None:
    assert total_of(root, "empty:w") == 0.0


def test_an_rntuple_is_summed(root: Path) -> None:
    assert total_of(root, "ntuple:w") == math.fsum(WEIGHTS[:100])
    assert total_of(root, "ntuple:n * 2") == 9_900


def test_parquet_and_hdf5_are_summed(tmp_path: Path) -> None:
    pq.write_table(pa.table({"w": WEIGHTS}), tmp_path / "a.parquet")
    assert total_of(tmp_path / "a.parquet", ":w") == math.fsum(WEIGHTS)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events/met"] = np.zeros(3)
        file["runs/w"] = WEIGHTS
    assert total_of(tmp_path / "a.h5", "runs:w") == math.fsum(WEIGHTS)


def test_fills_replace_missing_values(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, None, 3]}), tmp_path / "a.parquet")
    assert total_of(tmp_path / "a.parquet", ":n", missing={"n": 10}) == 14


def test_the_cache_key_changes_with_what_the_sum_depends_on() -> None:
    total = parse_total("n", "t:x + y")
    keys = [total.cache_key(missing) for missing in ({}, {"x": 1}, {"x": True}, {"x": 2})]
    assert len(set(keys)) == 4
    assert total.cache_key({"z": 1}) == total.cache_key({})


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("Run:w", RootFileError, r"no tree 'Run' in .*nearest: 'Runs'"),
        ("Runs:w33", MissingKeyError, r"no branch 'w33' in .*Runs;1'; nearest: 'w32'"),
        ("bad:nan", InputFileError, r"the total 'bad:nan' is nan in .*; leave such values out"),
        ("bad:inf", InputFileError, "the total 'bad:inf' is inf in"),
        ("hist[1]", RootFileError, "no histogram 'hist' in .*: it has no histogram at all"),
        ("Runs[1]", RootFileError, r"'Runs' of .* is a TTree, not a histogram of one dimension"),
    ],
)
def test_what_is_missing_is_named(
    text: str, error: type[Exception], message: str, root: Path
) -> None:
    with pytest.raises(error, match=message):
        total_of(root, text)


def test_values_that_are_not_finite_can_be_left_out(root: Path) -> None:
    assert total_of(root, "bad:where(isfinite(nan), nan, 0)") == 1.0


def test_text_cannot_be_summed(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["a", "b"]}), tmp_path / "a.parquet")
    with pytest.raises(OptionError, match=r"the total ':x' cannot sum 'x' of .*: it is text"):
        total_of(tmp_path / "a.parquet", ":x")
    with pytest.raises(CutError):
        parse_total("n", "t:'text'")


def test_a_tree_of_a_parquet_file_and_a_histogram_elsewhere_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "a.parquet")
    with pytest.raises(InputFileError, match="a Parquet file is one table; give no tree"):
        total_of(tmp_path / "a.parquet", "Runs:x")
    with pytest.raises(InputFileError, match="is not a ROOT file, so it has no histogram 'h'"):
        total_of(tmp_path / "a.parquet", "h[1]")
