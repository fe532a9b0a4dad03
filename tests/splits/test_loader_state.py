from pathlib import Path

import numpy as np

import memmpy
from memmpy import SplitLoader, WriteVector


def test_equal_rows_have_an_equal_state_whatever_is_between_their_fields(tmp_path: Path) -> None:
    for key, dtype in (("a", np.bool_), ("b", np.float64), ("c", np.int16)):
        with WriteVector(tmp_path / "s.mmpy", key) as file:
            file.extend(np.arange(50).astype(dtype))
    skim = memmpy.open(tmp_path / "s.mmpy").skim(keys=["a", "b", "c"])
    assert sum(skim.rows.dtype[name].itemsize for name in "abc") < skim.rows.dtype.itemsize
    states = []
    for fill in range(20):
        used = np.full((50, skim.rows.dtype.itemsize), fill, np.uint8)  # memory that is used again
        del used
        states.append(memmpy.SplitLoader(skim, split="all").state_dict())
    assert states == states[:1] * 20


def test_a_state_may_have_numbers_and_texts_of_numpy() -> None:
    loader = SplitLoader({"x": np.arange(100)}, 10)
    given = {name: np.array(value)[()] for name, value in loader.state_at(2, 3).items()}
    assert {type(value).__module__ for value in given.values()} == {"numpy"}
    loader.load_state_dict(given)
    assert loader.state_dict() == loader.state_at(2, 3)
