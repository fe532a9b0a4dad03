import sys
from typing import Any

import numpy as np
import pytest

from memmpy.errors import LengthError, OptionError
from memmpy.loaders import SimpleLoader


@pytest.mark.parametrize("num_threads", [0, 1, 4])
@pytest.mark.parametrize("batch_size", [1, 7, 100, 101])
def test_all_entries_come_in_order(batch_size: int, num_threads: int) -> None:
    data = {"x": np.arange(100) * 0.5, "y": np.arange(300).reshape(100, 3)}
    loader = SimpleLoader(data, batch_size, num_threads=num_threads)
    for _ in range(2):
        loaded = list(loader)
        assert len(loaded) == len(loader)
        assert set(loaded[0]) == {"x", "y", "_index"}
        for key, values in {**data, "_index": np.arange(100)}.items():
            assert np.array_equal(np.concatenate([batch[key] for batch in loaded]), values)


def test_the_short_batch_goes_only_if_asked() -> None:
    data = {"x": np.arange(10)}
    assert [len(batch["x"]) for batch in SimpleLoader(data, 4)] == [4, 4, 2]
    dropped = SimpleLoader(data, np.int64(4), drop_last=True)
    assert [len(batch["x"]) for batch in dropped] == [4, 4]
    assert len(dropped) == 2


def test_no_entries_make_no_batches() -> None:
    loader = SimpleLoader({"x": np.zeros((0, 3))})
    assert len(loader) == 0
    assert list(loader) == []


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"num_threads": -1},
        {"num_threads": 10**30},
        {"drop_last": 1},
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be"):
        SimpleLoader({"x": np.zeros(3)}, **options)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(LengthError, match="'x' and 'y' have 3 and 4 entries"):
        SimpleLoader({"x": np.zeros(3), "y": np.zeros(4)})


def test_its_repr_tells_what_it_hands_out() -> None:
    loader = SimpleLoader({"x": np.zeros(1000)}, 128)
    assert repr(loader) == "SimpleLoader(1,000 entries, 8 batches of 128)"


@pytest.mark.parametrize("batch_size", [101, 10**12, 2**62, sys.maxsize, 2**63, 10**30])
def test_a_batch_may_be_as_large_as_one_likes(batch_size: int) -> None:
    (batch,) = SimpleLoader({"x": np.zeros((100, 10), np.float32)}, batch_size)
    assert batch["x"].shape == (100, 10)


def test_repr_says_one_entry_and_one_batch() -> None:
    assert repr(SimpleLoader({"x": np.arange(1)}, 64)) == "SimpleLoader(1 entry, 1 batch of 64)"
