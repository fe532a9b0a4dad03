"""Tests that rows are scaled alike by the kernel that copies them, by NumPy, and by `Fit.apply`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Jagged, Objects, Splits, TrainingSet, WriteJagged, WriteVector
from memmpy.kernels import BYTES_MOVED
from memmpy.training import Fit

NUM = 100_000
KEYS = [f"x{number}" for number in range(11)]


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    random = np.random.default_rng(7)
    arrays: dict[str, Any] = {"event": np.arange(NUM)}
    for key in KEYS:
        values = random.normal(2.0, 3.0, NUM).astype(np.float32)
        values[random.random(NUM) < 0.1] = np.nan
        values[5] = np.inf
        arrays[key] = values
    offsets = np.append(0, np.cumsum(random.integers(0, 6, NUM)))
    for key in ("pt", "eta"):
        arrays[key] = Jagged(random.normal(size=offsets[-1]).astype(np.float32), offsets)
    return arrays


@pytest.fixture(scope="module")
def store(columns: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scaled") / "data.mmpy"
    for key, values in columns.items():
        if isinstance(values, Jagged):
            with WriteJagged(path, key, dtype=values.dtype) as lists:
                lists.extend(values)
        else:
            with WriteVector(path, key) as column:
                column.extend(values)
    return path


def training_set(path: Path, fill: float | None) -> TrainingSet:
    return memmpy.open(
        path
    ).training_set(
        inputs={
            "wide": KEYS,  # 11 float32: two moves that overlap
            "narrow": ["x1", "x2"],  # less than a move
            "move": KEYS[:8],
            "double": KEYS[:9],
            "objects": Objects(["pt", "eta"], length=5),
            "lists": Objects(["pt", "eta"]),
        },
        scale="standard",
        fill=fill,
        dtype={"double": "float64"},
        splits=Splits(by=("event",)),
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*cuts off:memmpy.errors.ConversionWarning")
@pytest.mark.parametrize("fill", [0.0, -3.0, None])
@pytest.mark.parametrize("shuffle", ["exact", "blocks", False])
def test_all_ways_give_the_same_bits(
    store: Path, columns: dict[str, Any], fill: float | None, shuffle: Any
) -> None:
    data = training_set(store, fill)
    fit: Fit = data.fit()
    expected = fit.apply(columns)
    loader = data.loader("train", shuffle=shuffle, num_threads=0, batch_size=1000)
    assert data.skim.rows.nbytes > BYTES_MOVED  # so that the kernels run
    names = ["wide", "narrow", "move", "double", "objects", "objects_mask"]
    num = 0
    batch: dict[str, Any]
    for batch in loader:
        entries = batch["_index"]
        num += len(entries)
        for name in names:
            assert batch[name].tobytes() == np.asarray(expected[name])[entries].tobytes()
        lists = expected["lists"]
        assert isinstance(lists, Jagged)
        assert batch["lists"].content.tobytes() == lists[entries].content.tobytes()
    assert num == loader.num_entries > 0
