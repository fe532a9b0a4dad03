"""The reductions of lists: NumPy and compiled, against a loop in plain Python."""

import mmap
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.errors import ColumnError, CorruptStoreError
from memmpy.kernels import count_true, max_lists, min_lists, offsets_of, sum_lists
from tests.processes import run_python

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
INTEGERS = [dtype for dtype in DTYPES if dtype[0] in "iu"]
FLOATS = ["f2", "f4", "f8"]
COUNTS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 40)), max_size=12)

Reduce = Callable[..., np.ndarray]
Jagged = tuple[np.ndarray, np.ndarray]


@pytest.fixture(params=[False, True], ids=["numpy", "compiled"], scope="module")
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@st.composite
def jaggeds(draw: Any, dtypes: list[str]) -> Jagged:
    """Draw lists whose offsets may start anywhere, and whose content may go on behind them."""
    dtype = draw(st.sampled_from(dtypes))
    counts = np.array(draw(COUNTS), np.int64)
    num_behind = draw(st.sampled_from([0, 0, 1, 20]))
    # A fill makes long arrays cheap to draw.
    elements = hnp.from_dtype(np.dtype(dtype))
    content = draw(
        hnp.arrays(dtype, int(counts.sum()) + num_behind, elements=elements, fill=elements)
    )
    return content, offsets_of(counts) + draw(st.sampled_from([0, 3, 2**40]))


def lists_of(content: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    places = [int(offset) - int(offsets[0]) for offset in offsets]
    return [content[start:stop] for start, stop in pairwise(places)]


def add(items: np.ndarray) -> int | float:
    if items.dtype.kind == "f":
        total = 0.0
        for item in items.tolist():
            total += item
        return total
    num = sum(map(int, items)) % 2**64
    return num - 2**64 if num >= 2**63 and items.dtype != np.uint64 else num


def pick(items: np.ndarray, choose: Callable[[list[Any]], Any]) -> Any:
    numbers = [item for item in items.tolist() if item == item]
    if numbers:
        return choose(numbers)
    return float("nan") if len(items) else 0


ORACLES: list[tuple[Reduce, Callable[[np.ndarray], Any]]] = [
    (sum_lists, add),
    (min_lists, partial(pick, choose=min)),
    (max_lists, partial(pick, choose=max)),
]


@given(jagged=jaggeds(DTYPES))
def test_reductions_are_those_of_a_loop_over_each_list(compiled: bool, jagged: Jagged) -> None:
    lists = lists_of(*jagged)
    for reduce, oracle in ORACLES:
        reduced = reduce(*jagged, compiled=compiled)
        assert reduced.shape == (len(lists),)
        np.testing.assert_array_equal(reduced, [oracle(items) for items in lists] or reduced)


@given(jagged=jaggeds(["?"]))
def test_counts_are_those_of_a_loop_over_each_list(compiled: bool, jagged: Jagged) -> None:
    counts = count_true(*jagged, compiled=compiled)
    assert counts.dtype == np.int64
    assert counts.tolist() == [items.tolist().count(True) for items in lists_of(*jagged)]


@given(jagged=jaggeds(DTYPES))
def test_compiled_equals_numpy_in_values_and_dtype(jagged: Jagged) -> None:
    for reduce, _ in ORACLES:
        numpy, numba = (reduce(*jagged, compiled=compiled) for compiled in (False, True))
        assert numpy.dtype == numba.dtype
        np.testing.assert_array_equal(numpy, numba)


@pytest.mark.parametrize("reduce", [sum_lists, min_lists, max_lists])
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_have_the_dtype_promised(compiled: bool, reduce: Reduce, dtype: str) -> None:
    extreme = "f4" if dtype == "f2" else dtype
    total = "f8" if dtype in FLOATS else "u8" if dtype == "u8" else "i8"
    reduced = reduce(np.ones(2, dtype), np.array([0, 2]), compiled=compiled)
    assert reduced.dtype == np.dtype(total if reduce is sum_lists else extreme)


@pytest.mark.parametrize("length", range(41))
def test_a_list_of_any_length_stops_at_its_end(compiled: bool, length: int) -> None:
    # The neighbours would show in each result.
    content = np.full(length + 40, 100.0, np.float32)
    content[:20], content[20 : 20 + length] = -100, np.arange(length) + 1
    mask = np.ones(length + 40, np.bool_)
    offsets = np.array([0, 20, 20 + length, length + 40])
    assert sum_lists(content, offsets, compiled=compiled)[1] == length * (length + 1) / 2
    assert min_lists(content, offsets, compiled=compiled)[1] == min(length, 1)
    assert max_lists(content, offsets, compiled=compiled)[1] == length
    assert count_true(mask, offsets, compiled=compiled).tolist() == [20, length, 20]


@pytest.mark.parametrize("dtype", ["?", "i4", "f8"])
@pytest.mark.parametrize("reduce", [sum_lists, min_lists, max_lists])
def test_no_lists_and_lists_of_nothing_reduce(compiled: bool, reduce: Reduce, dtype: str) -> None:
    nothing = np.empty(0, dtype)
    assert reduce(nothing, np.array([5]), compiled=compiled).tolist() == []
    assert reduce(nothing, np.array([5, 5, 5]), compiled=compiled).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_reach_their_limits(compiled: bool, dtype: str) -> None:
    limits = np.iinfo(dtype)
    content = np.array([limits.max, limits.min, limits.max, limits.min], dtype)
    offsets = np.array([0, 1, 2, 4])
    low, high = limits.min, limits.max
    assert min_lists(content, offsets, compiled=compiled).tolist() == [high, low, low]
    assert max_lists(content, offsets, compiled=compiled).tolist() == [high, low, high]
    assert sum_lists(content, offsets, compiled=compiled).tolist() == [high, low, high + low]


def test_sums_wrap(compiled: bool) -> None:
    for dtype, total in (("i8", -2), ("u8", 2**64 - 2)):
        content = np.full(2, np.iinfo(np.int64).max).astype(dtype)
        assert sum_lists(content, np.array([0, 2]), compiled=compiled).tolist() == [total]
    most = np.full(2, np.iinfo(np.uint64).max)
    assert sum_lists(most, np.array([0, 2]), compiled=compiled).tolist() == [2**64 - 2]


@pytest.mark.parametrize("dtype", FLOATS)
def test_extremes_pass_over_nan_and_sums_do_not(compiled: bool, dtype: str) -> None:
    nan, inf = np.nan, np.inf
    content = np.array([nan, inf, nan, -inf, nan, nan, 1, nan, 2] + [nan] * 12, dtype)
    offsets = np.array([0, 2, 4, 6, 9, 21])
    least, most, total = (
        reduce(content, offsets, compiled=compiled) for reduce in (min_lists, max_lists, sum_lists)
    )
    np.testing.assert_array_equal(least, [inf, -inf, nan, 1, nan])
    np.testing.assert_array_equal(most, [inf, -inf, nan, 2, nan])
    assert np.isnan(total).all()


def test_floats_are_added_in_order_in_float64(compiled: bool) -> None:
    content = np.array([1e16, 1.0, 1.0, -1e16] * 5)
    (total,) = sum_lists(content, np.array([0, 20]), compiled=compiled)
    assert total == add(content)
    (total,) = sum_lists(np.array([2**24, 1], np.float32), np.array([0, 2]), compiled=compiled)
    assert total == 2**24 + 1


def test_a_slice_of_read_only_memory_maps_reduces(compiled: bool, tmp_path: Path) -> None:
    np.save(tmp_path / "content.npy", np.arange(100, dtype=np.float32))
    np.save(tmp_path / "offsets.npy", np.arange(0, 101, 10))
    content = np.load(tmp_path / "content.npy", mmap_mode="r")
    offsets = np.load(tmp_path / "offsets.npy", mmap_mode="r")[3:6]
    part = content[30:50]
    assert sum_lists(part, offsets, compiled=compiled).tolist() == [345, 445]
    assert min_lists(part, offsets, compiled=compiled).tolist() == [30, 40]
    assert max_lists(part, offsets, compiled=compiled).tolist() == [39, 49]
    assert count_true(part > 32, offsets, compiled=compiled).tolist() == [7, 10]


def test_arguments_stay_writable(compiled: bool) -> None:
    content, offsets = np.ones(3), np.array([0, 3])
    sum_lists(content, offsets, compiled=compiled)
    assert content.flags.writeable
    assert offsets.flags.writeable


@pytest.mark.parametrize("dtype", [">f4", ">i2", ">u8", ">i8"])
def test_strided_and_big_endian_content_reduces(compiled: bool, dtype: str) -> None:
    content = np.arange(1, 9).astype(dtype)[::2]
    offsets = np.array([0, 9, 1, 9, 4])[::2]
    assert sum_lists(content, offsets, compiled=compiled).tolist() == [1, 15]
    assert min_lists(content, offsets, compiled=compiled).tolist() == [1, 3]
    greatest = max_lists(content, offsets, compiled=compiled)
    assert greatest.tolist() == [1, 7]
    assert greatest.dtype.isnative
    assert count_true(content > 1, offsets, compiled=compiled).tolist() == [0, 3]


PAGES = """
import ctypes, mmap, sys
import numpy as np
from memmpy.kernels import count_true, max_lists, min_lists, sum_lists

size = mmap.PAGESIZE
pages = mmap.mmap(-1, 2 * size)
start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
libc = ctypes.CDLL(None, use_errno=True)
assert not libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(size), 0)
whole = np.frombuffer(pages, np.uint8)[:size]
whole[:] = 1
for num in range(20):
    offsets = np.array([0, num // 2, num, num])
    expected = [num // 2, num - num // 2, 0]
    mask = whole[size - num :].view(np.bool_)
    assert count_true(mask, offsets, compiled=True).tolist() == expected
    for dtype in (np.float32, np.int32, np.float64):
        content = whole.view(dtype)[size // np.dtype(dtype).itemsize - num :]
        content[:] = 1
        assert sum_lists(content, offsets, compiled=True).tolist() == expected
        content[:] = np.arange(num)
        assert max_lists(content, offsets, compiled=True).max() == max(num - 1, 0)
        assert min_lists(content, offsets, compiled=True)[0] == 0
        whole[:] = 1
print("read to the end")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(mmap, "PROT_READ"), reason="protects a page as POSIX does")
def test_nothing_behind_the_content_is_read() -> None:
    assert run_python(PAGES) == "read to the end\n"


@pytest.mark.parametrize(
    "offsets", [[0, 4], [0, 2, 1, 3], [0, -1, 2], [5, 3], [0, 2**62, 3], [-(2**63), 2**63 - 1]]
)
def test_offsets_that_cannot_be_are_an_error(compiled: bool, offsets: list[int]) -> None:
    for reduce in (sum_lists, min_lists, max_lists):
        with pytest.raises(CorruptStoreError, match=r"is damaged at entry .* its offsets say"):
            reduce(np.ones(3), np.array(offsets), compiled=compiled)
    with pytest.raises(CorruptStoreError, match="run `memmpy verify`"):
        count_true(np.ones(3, np.bool_), np.array(offsets), compiled=compiled)


@pytest.mark.parametrize(
    "content", [np.ones((2, 2)), np.ones(2, "c8"), np.ones(2, "M8[s]"), np.array(["a"])]
)
def test_content_that_is_not_numbers_is_an_error(content: np.ndarray) -> None:
    for reduce in (sum_lists, min_lists, max_lists):
        with pytest.raises(ColumnError, match="expected lists of bool, integers or floats"):
            reduce(content, np.array([0, 1]), compiled=False)


@pytest.mark.parametrize("offsets", [np.array([0.0]), np.zeros((1, 1), "i8"), np.empty(0, "i8")])
def test_offsets_that_are_not_int64_are_an_error(offsets: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="expected offsets of int64, one more than lists"):
        sum_lists(np.ones(2), offsets, compiled=False)


def test_counting_what_is_not_a_mask_is_an_error() -> None:
    content: Any = np.ones(2)
    with pytest.raises(ColumnError, match="expected a mask of bool, not of float64"):
        count_true(content, np.array([0, 2]), compiled=False)


SUM = """
import numpy as np
from memmpy.kernels import sum_lists
print(sum_lists(np.arange(4.0), np.array([0, 1, 4]), compiled=True).tolist())
"""


@pytest.mark.slow
def test_kernels_run_where_no_directory_can_keep_them() -> None:
    # Numba looks for a place in the directories of the source, the user and IPython.
    code = "import tempfile\ndef refuse(*args, **options): raise PermissionError(13, 'read-only')\n"
    code += "tempfile.TemporaryFile = refuse\n" + SUM
    code += "from memmpy.kernels.reductions_numba import _sum; print(_sum._cache)"
    out = run_python(code, NUMBA_CACHE_DIR="/dev/null/nowhere")
    assert out.startswith("[0.0, 6.0]\n")
    assert "NullCache" in out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_kernels_run_where_the_disk_is_full(tmp_path: Path) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    code += SUM
    assert run_python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[0.0, 6.0]\n"
    assert not list(tmp_path.rglob("*.nbc"))


THREADS = """
import sys, threading
import numpy as np
from memmpy.kernels import count_true, max_lists, sum_lists

sys.setswitchinterval(1e-5)
content, offsets = np.arange(6.0), np.array([0, 2, 2, 6])
barrier = threading.Barrier(4)
results = [None] * 4

def reduce(number):
    barrier.wait()
    results[number] = [
        sum_lists(content, offsets, compiled=True).tolist(),
        count_true(content > 0, offsets, compiled=True).tolist(),
        max_lists(content, offsets, compiled=True).tolist(),
    ]

threads = [threading.Thread(target=reduce, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert results == [[[1, 0, 14], [1, 0, 4], [1, 0, 5]]] * 4, results
"""


@pytest.mark.slow
def test_threads_may_be_the_first_to_call_together(tmp_path: Path) -> None:
    for _ in ("compiled", "loaded"):
        run_python(THREADS, NUMBA_CACHE_DIR=str(tmp_path))
