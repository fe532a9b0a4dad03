import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memmpy.kernels import RowField
from memmpy.loaders.row_segments import segments_of

DTYPES = st.sampled_from([np.int8, np.float16, np.float32, np.int64, np.bool_, np.complex128])
SHAPES = st.sampled_from([(), (), (), (3,), (2, 2)])


@given(st.lists(st.tuples(DTYPES, SHAPES), min_size=1, max_size=8), st.integers(0, 5))
def test_the_segments_of_a_row_hold_each_field_once(fields: list[tuple], num: int) -> None:
    names = [f"f{i}" for i in range(len(fields))]
    layout = np.dtype([(n, *field) for n, field in zip(names, fields, strict=True)], align=True)
    size = -(-layout.itemsize // 8) * 8
    spec = {name: layout.fields[name][:2] for name in names}  # type: ignore[index]
    found = {n: RowField(offset, dtype.base, dtype.shape) for n, (dtype, offset) in spec.items()}
    rows = np.random.default_rng(0).integers(0, 2, (num, size), np.uint8)
    segments = segments_of(found)
    views: dict[str, np.ndarray] = {}
    for segment in segments:
        start = segment.octets.offset
        assert start + segment.octets.nbytes <= size
        views |= segment.views(rows[:, start : start + segment.octets.nbytes].copy())
    assert sorted(views) == names
    for name, field in found.items():
        octets = rows[:, field.offset : field.offset + field.nbytes]
        assert views[name].dtype == field.dtype
        assert views[name].shape == (num, *field.shape)
        assert views[name].tobytes() == octets.tobytes()
        assert views[name].flags.aligned
        assert views[name].flags.c_contiguous or not field.shape


def test_numbers_that_lie_together_are_one_segment() -> None:
    f4, i8 = np.dtype(np.float32), np.dtype(np.int64)
    fields = {"n": RowField(0, i8, ()), "x": RowField(8, f4, ()), "v": RowField(12, f4, (5,))}
    numbers, array = sorted(segments_of(fields), key=lambda segment: segment.octets.offset)
    assert (numbers.octets.nbytes, set(numbers.keys)) == (16, {"n", "x"})
    assert (array.octets.offset, array.octets.nbytes) == (12, 20)
