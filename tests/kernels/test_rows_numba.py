"""Fields of packed rows: NumPy and compiled, against a loop in plain Python."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, OptionError
from memmpy.kernels import RowField
from memmpy.loaders.row_ranges import RowRanges
from memmpy.order import BlockOrder
from tests.kernels.kernels import spread_rows, take_rows

DTYPES = ["?", "i1", "u2", "f2", "i4", "f4", ">f4", "i8", "f8", "c8", "c16", "S3", "S5", "M8[s]"]
SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 2), (20,), (11, 8), (0,), (4, 0)]


@st.composite
def layouts(draw: st.DrawFn) -> tuple[np.ndarray, tuple[RowField, ...]]:
    """Draw rows of random bytes and fields in them, which may overlap and lie anywhere."""
    fields = []
    stop = 0
    for _ in range(draw(st.integers(0, 6))):
        dtype = np.dtype(draw(st.sampled_from(DTYPES)))
        shape = draw(st.sampled_from(SHAPES))
        field = RowField(draw(st.integers(0, 40)), dtype, shape)
        fields.append(field)
        stop = max(stop, field.offset + field.nbytes)
    row_bytes = (stop + 7) // 8 * 8 + draw(st.sampled_from([0, 0, 8, 64]))
    num = draw(st.one_of(st.integers(0, 5), st.integers(0, 700)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return random.integers(0, 256, (num, row_bytes), dtype=np.uint8), tuple(fields)


def outputs(num: int, fields: tuple[RowField, ...]) -> list[np.ndarray]:
    return [np.frombuffer(b"\x55" * (num * f.nbytes), np.uint8).copy() for f in fields]


def as_arrays(octets: list[np.ndarray], num: int, fields: tuple[RowField, ...]) -> list[np.ndarray]:
    return [
        array.view(f.dtype).reshape(num, *f.shape) for array, f in zip(octets, fields, strict=True)
    ]


def expected(rows: np.ndarray, entries: np.ndarray, fields: tuple[RowField, ...]) -> list[bytes]:
    return [
        b"".join(rows[entry, f.offset : f.offset + f.nbytes].tobytes() for entry in entries)
        for f in fields
    ]


@given(layout=layouts(), draw=st.data())
def test_taken_fields_are_the_bytes_of_their_rows(
    layout: tuple[np.ndarray, tuple[RowField, ...]], draw: st.DataObject
) -> None:
    rows, fields = layout
    num = draw.draw(st.integers(0, 300)) if len(rows) else 0
    random = np.random.default_rng(draw.draw(st.integers(0, 99)))
    entries = random.integers(0, max(len(rows), 1), num)
    octets = outputs(num, fields)
    out = as_arrays(octets, num, fields)
    take_rows(rows, entries, fields=fields, out=out)
    assert [array.tobytes() for array in octets] == expected(rows, entries, fields)


@given(layout=layouts(), draw=st.data())
def test_spread_fields_are_the_bytes_of_their_rows(
    layout: tuple[np.ndarray, tuple[RowField, ...]], draw: st.DataObject
) -> None:
    rows, fields = layout
    order = BlockOrder(
        len(rows),
        block_rows=draw.draw(st.integers(1, 400)),
        window_blocks=draw.draw(st.integers(1, 9)),
        key=draw.draw(st.integers(0, 99)),
    )
    for number in range(min(order.num_windows, 3)):
        window = order.windows(number, number + 1)
        places = window.places(compiled=False)
        octets = outputs(window.num_rows, fields)
        starts, counts = RowRanges([range(len(rows))]).blocks(window.starts, window.counts)
        spread_rows(
            rows,
            starts,
            counts=counts,
            places=places,
            fields=fields,
            out=as_arrays(octets, window.num_rows, fields),
        )
        read = np.concatenate([np.arange(s, s + c) for s, c in zip(starts, counts, strict=True)])
        entries = np.empty_like(read)
        entries[places] = read
        assert [array.tobytes() for array in octets] == expected(rows, entries, fields)


@pytest.mark.parametrize("size", range(1, 70))
def test_fields_of_any_size_stop_at_their_end(size: int) -> None:
    rows = np.random.default_rng(size).integers(0, 256, (300, 80), dtype=np.uint8)
    fields = (RowField(3, np.dtype(np.uint8), (size,)),)
    behind = np.full((301, size), 7, np.uint8)
    places = np.random.default_rng(1).permutation(300).astype(np.uint32)
    starts, counts = np.array([100, 0, 150]), np.array([50, 100, 150])
    spread_rows(
        rows,
        starts,
        counts=counts,
        places=places,
        fields=fields,
        out=[behind[:300]],
    )
    read = np.r_[100:150, 0:100, 150:300]
    assert np.array_equal(behind[:300][places], rows[read, 3 : 3 + size])
    assert (behind[300] == 7).all()
    take_rows(rows, np.arange(299, -1, -1), fields=fields, out=[behind[:300]])
    assert np.array_equal(behind[:300], rows[::-1, 3 : 3 + size])
    assert (behind[300] == 7).all()


def test_blocks_may_be_empty_repeat_and_reach_the_end() -> None:
    rows = np.arange(80, dtype=np.uint8).reshape(10, 8)
    field, out = RowField(0, np.dtype(np.uint8), ()), np.zeros(5, np.uint8)
    starts, counts = np.array([10, 8, 3, 9]), np.array([0, 2, 0, 3])
    counts[3] = 1
    spread_rows(
        rows,
        np.append(starts, [8]),
        counts=np.append(counts, [2]),
        places=np.array([4, 3, 2, 1, 0], np.uint32),
        fields=[field],
        out=[out],
    )
    assert out.tolist() == [72, 64, 72, 72, 64]


def test_rows_of_a_read_only_memory_map_are_taken(tmp_path: Path) -> None:
    np.save(
        tmp_path / "rows.npy", np.arange(2400, dtype=np.float32).reshape(200, 12).view(np.uint8)
    )
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")[50:]
    fields = [RowField(4, np.dtype(np.float32), (2,)), RowField(40, np.dtype(np.float32), ())]
    pair, last = np.empty((2, 2), np.float32), np.empty(2, np.float32)
    take_rows(rows, np.array([149, 0]), fields=fields, out=[pair, last])
    assert pair.tolist() == [[2389, 2390], [601, 602]]
    assert last.tolist() == [2398, 610]


def test_a_field_that_cannot_be_is_refused() -> None:
    with pytest.raises(ColumnError, match="Python objects"):
        RowField(0, np.dtype(object), ())
    for offset, shape in ((-1, ()), (0, (-1,))):
        with pytest.raises(OptionError, match="begins at byte 0 or later"):
            RowField(offset, np.dtype(np.int8), shape)


PAGES = """
import ctypes, mmap
import numpy as np
from memmpy.kernels import RowField, take_lists
from tests.kernels.kernels import spread_lists, spread_rows, take_rows

def guarded(num):
    size = mmap.PAGESIZE
    pages = mmap.mmap(-1, 2 * size)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    libc = ctypes.CDLL(None, use_errno=True)
    assert not libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(size), 0)
    return np.frombuffer(pages, np.uint8)[size - num : size]

for size in (1, 2, 3, 4, 7, 8, 12, 31, 32, 33, 80):
    row_bytes = (size + 7) // 8 * 8
    rows = guarded(9 * row_bytes).reshape(9, row_bytes)
    fields = [RowField(row_bytes - size, np.dtype(np.uint8), (size,))]
    out = guarded(9 * size).reshape(9, size)
    rows[:] = np.arange(1, 10)[:, None]
    take_rows(rows, np.arange(8, -1, -1), fields=fields, out=[out])
    assert (out == np.arange(9, 0, -1)[:, None]).all()
    places = np.arange(9, dtype=np.uint32)
    blocks = {"starts": np.array([0, 4]), "counts": np.array([4, 5]), "places": places}
    spread_rows(rows, fields=fields, out=[out], **blocks)
    assert (out == np.arange(1, 10)[:, None]).all()
    content = guarded(20 * size).reshape(20, size)
    content[:] = np.arange(20)[:, None]
    offsets = np.array([0, 1, 3, 3, 6, 10, 12, 13, 19, 20])
    for taken, _ in (take_lists(content, offsets, entries=np.arange(9), compiled=True),
                     spread_lists(content, offsets, **blocks)):
        assert (taken == content).all()
print("read to the end")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(mmap, "PROT_READ"), reason="protects a page as POSIX does")
def test_nothing_behind_rows_outputs_and_content_is_touched() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PAGES], check=False, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("read to the end\n", "")
