from typing import Any

import numpy as np
import pytest

from memmpy.errors import LengthError, MissingKeyError
from memmpy.jagged import Jagged, Padding
from memmpy.skims import SkimRequest, pack_arrays

LISTS = Jagged(np.arange(6.0), np.array([0, 2, 2, 6]))
ARRAYS: dict[str, Any] = {"x": np.array([1.0, 2, 3]), "n": np.array([4, 5, 6]), "j": LISTS}


def request(**more: Any) -> SkimRequest:
    given: dict[str, Any] = {
        "keys": (), "padded": {}, "groups": {}, "dtypes": {}, "cut": None, "derived": {},
    }  # fmt: skip
    return SkimRequest(**{**given, **more})


def test_arrays_are_packed_in_their_order() -> None:
    rows, lists = pack_arrays(
        request(
            keys=("n", "j"),
            padded={"j": Padding(3, -1.0)},
            groups={"a": ("x", "n"), "b": ("j",)},
            dtypes={"a": np.dtype("f4")},
        ),
        {**ARRAYS, "more": np.ones(99)},
    )
    assert rows["_index"].tolist() == [0, 1, 2]
    assert rows["n"].tolist() == [4, 5, 6]
    assert rows["a"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert rows["a"].dtype == np.float32
    assert rows["b"][..., 0].tolist() == [[0, 1, -1], [-1, -1, -1], [2, 3, 4]]
    assert rows["b_mask"].sum(axis=1).tolist() == [2, 0, 3]
    assert [one.tolist() for one in lists["j"]] == [[0, 1], [], [2, 3, 4, 5]]


def test_more_rows_than_a_block_keep_their_order() -> None:
    x = np.arange(100_000.0)
    rows, lists = pack_arrays(
        request(keys=("x", "j")), {"x": x, "j": Jagged(x, np.arange(len(x) + 1))}
    )
    np.testing.assert_array_equal(rows["x"], x)
    np.testing.assert_array_equal(lists["j"].content, x)
    np.testing.assert_array_equal(lists["j"].counts, 1)


def test_no_entries_have_no_rows() -> None:
    rows, lists = pack_arrays(
        request(keys=("x", "j")),
        {"x": np.empty(0), "j": Jagged(np.empty(0), np.zeros(1, np.int64))},
    )
    assert len(rows) == 0
    assert len(lists["j"]) == 0


def test_a_missing_array_names_the_nearest() -> None:
    with pytest.raises(MissingKeyError, match="no array 'xx' was given; nearest: 'x'"):
        pack_arrays(request(keys=("xx",)), ARRAYS)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(LengthError, match=r"differ in length: .*'n': 3, 'x': 2"):
        pack_arrays(request(keys=("x", "n")), {**ARRAYS, "x": np.ones(2)})
