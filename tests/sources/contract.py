"""The tests that each file format must pass, as a class that the tests of a format subclass."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, MemmpyError, MissingKeyError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource, EventFile

Columns: TypeAlias = Mapping[str, Any]
#: Writes a file and returns it open.
Open: TypeAlias = Callable[..., EventFile]

#: Entries of a file, and of what is decoded together in it.
NUM, STEP = 100, 16

TYPES = {
    "number": ColumnType("vector", np.dtype(np.int64)),
    "is_good": ColumnType("vector", np.dtype(bool)),
    "met": ColumnType("vector", np.dtype(np.float32)),
    "matrix": ColumnType("vector", np.dtype(np.float64), (3,)),
    "jet_pt": ColumnType("jagged", np.dtype(np.float32)),
}


def make_columns(num: int) -> dict[str, Any]:
    """Return arrays, and lists as awkward has them, that tell their entry in each value."""
    number = np.arange(num)
    counts = number % 4
    content = np.arange(counts.sum(), dtype=np.float32) + np.float32(0.25)
    return {
        "number": number + (1 << 60),
        "is_good": number % 3 == 0,
        "met": (number / 8).astype(np.float32),
        "matrix": np.arange(num * 3.0).reshape(num, 3),
        "jet_pt": ak.unflatten(content, counts) if num else ak.values_astype([[0.0]], "f4")[:0],
    }


def assert_same(values: Any, expected: Any) -> None:
    """Check that a branch gave what was written, of the dtype and shape that was written."""
    if isinstance(expected, np.ndarray):
        assert values.dtype == expected.dtype
        assert values.dtype.isnative
        np.testing.assert_array_equal(values, expected, strict=True)
    else:
        assert values == Jagged.from_awkward(expected)


class EventFileContract(ABC):
    """Laws of an `EventFile`. A subclass says how a file of its kind is written and opened."""

    @abstractmethod
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        """Write a file of which `step` entries at a time are decoded together."""

    @abstractmethod
    def open(self, source: ByteSource) -> EventFile:
        """Open what `write` has written."""

    @pytest.fixture
    def make(self, tmp_path: Path, request: pytest.FixtureRequest) -> Open:
        """Return a function that writes a file and opens it until the end of the test."""

        def make(num: int = NUM, *, step: int = STEP) -> EventFile:
            path = tmp_path / "events"
            self.write(path, make_columns(num), step=step)
            file = self.open(ByteSource(str(path)))
            request.addfinalizer(file.close)
            return file

        return make

    def test_branches_are_named(self, make: Open) -> None:
        assert set(make().branches()) >= set(TYPES)

    def test_entries_are_counted(self, make: Open) -> None:
        assert make().num_entries == NUM

    def test_types_are_told(self, make: Open) -> None:
        file = make()
        assert {branch: file.type_of(branch) for branch in TYPES} == TYPES

    def test_all_that_was_written_is_read(self, make: Open) -> None:
        for branch, values in make().read([*TYPES], 0, NUM):
            assert_same(values, make_columns(NUM)[branch])

    def test_branches_come_in_the_order_that_was_asked_for(self, make: Open) -> None:
        names = ["jet_pt", "number", "matrix", "met"]
        assert [name for name, _ in make().read(names, 0, NUM)] == names

    @pytest.mark.parametrize("num", [0, NUM])
    def test_what_can_be_decoded_is_not_refused(self, make: Open, num: int) -> None:
        file = make(num)
        for branch in TYPES:
            file.try_decoding(branch)

    def test_no_branches_give_nothing(self, make: Open) -> None:
        assert list(make().read([], 0, NUM)) == []

    @pytest.mark.parametrize(
        "ask",
        [
            lambda file, name: file.type_of(name),
            lambda file, name: file.sizes_of(name),
            lambda file, name: file.stored_type(name),
            lambda file, name: file.boundaries([name]),
            lambda file, name: list(file.read([name], 0, 1)),
        ],
        ids=["type_of", "sizes_of", "stored_type", "boundaries", "read"],
    )
    def test_a_missing_branch_names_the_nearest(
        self, make: Open, ask: Callable[[EventFile, str], Any]
    ) -> None:
        file = make()
        message = rf"no branch 'jet_ptt' in {re.escape(repr(file.where))}; nearest: .*'jet_pt'"
        with pytest.raises(MissingKeyError, match=message):
            ask(file, "jet_ptt")

    def test_sizes_are_about_those_of_the_arrays(self, make: Open) -> None:
        stored, decoded = make().sizes_of("matrix")
        assert stored > 0
        assert decoded == pytest.approx(NUM * 24, rel=0.5)

    def test_the_sizes_of_all_branches_are_those_of_the_arrays(self, make: Open) -> None:
        arrays = [ak.to_numpy(ak.flatten(c, axis=None)) for c in make_columns(NUM).values()]
        stored, decoded = make().sizes()
        assert stored > 0
        assert sum(array.nbytes for array in arrays) * 0.5 < decoded < 30_000

    def test_the_stored_type_of_a_number_is_named(self, make: Open) -> None:
        assert make().stored_type("number") in {"int64_t", "std::int64_t", "int64"}

    @pytest.mark.parametrize("branches", [[], ["number"], ["met", "jet_pt"], [*TYPES]])
    @pytest.mark.parametrize("num", [0, 1, STEP, NUM])
    def test_boundaries_ascend_from_the_first_entry_to_the_last(
        self, make: Open, num: int, branches: list[str]
    ) -> None:
        edges = make(num).boundaries(branches)
        assert edges.dtype == np.int64
        assert (edges[0], edges[-1]) == (0, num)
        assert bool((np.diff(edges) > 0).all())

    def test_reading_from_edge_to_edge_gives_all_entries_once(self, make: Open) -> None:
        file = make()
        edges = file.boundaries([*TYPES]).tolist()
        pieces = [dict(file.read([*TYPES], *span)) for span in pairwise(edges)]
        for branch, expected in make_columns(NUM).items():
            if branch == "jet_pt":
                found = np.concatenate([piece[branch].content for piece in pieces])
                expected = ak.to_numpy(ak.flatten(expected))  # noqa: PLW2901
            else:
                found = np.concatenate([piece[branch] for piece in pieces])
            assert_same(found, expected)

    # Both are right: a file is only read, and each kind draws for itself.
    @settings(suppress_health_check=[*HealthCheck])
    @given(data=st.data(), num=st.integers(1, 40), step=st.integers(1, 20))
    def test_any_range_is_that_of_the_whole(
        self, make: Open, data: st.DataObject, num: int, step: int
    ) -> None:
        start = data.draw(st.integers(0, num))
        stop = data.draw(st.integers(start, num))
        with closing(make(num, step=step)) as file:
            for branch, values in file.read([*TYPES], start, stop):
                assert_same(values, make_columns(num)[branch][start:stop])

    def test_several_threads_read_at_once(self, make: Open) -> None:
        file, columns = make(1000), make_columns(1000)

        def read(start: int) -> None:
            for branch in TYPES:
                file.type_of(branch)
                file.sizes_of(branch)
            file.boundaries([*TYPES])
            for branch, values in file.read([*TYPES], start, start + 50):
                assert_same(values, columns[branch][start : start + 50])

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(read, range(0, 950, 10)))

    def test_a_tree_without_entries_gives_empty_arrays(self, make: Open) -> None:
        file = make(0)
        assert file.num_entries == 0
        assert {branch: file.type_of(branch) for branch in TYPES} == TYPES
        for branch, values in file.read([*TYPES], 0, 0):
            assert_same(values, make_columns(0)[branch])

    def test_equal_content_has_one_uuid_of_32_digits(self, make: Open, tmp_path: Path) -> None:
        uuid = make().uuid
        with closing(self.open(ByteSource(str(tmp_path / "events")))) as again:
            assert again.uuid == uuid
        assert re.fullmatch("[0-9a-f]{32}", uuid)

    def test_the_uuid_is_the_same_whatever_is_read(self, make: Open) -> None:
        file = make()
        uuids = {file.uuid}
        for branch in TYPES:
            list(file.read([branch], 0, NUM))
            uuids.add(file.uuid)
        assert len(uuids) == 1

    def test_the_file_and_what_is_read_of_it_are_named(self, make: Open, tmp_path: Path) -> None:
        file = make()
        names = [str((tmp_path / "events").resolve()), file.tree]
        assert file.where == ":".join(filter(None, names))

    def test_what_was_read_outlives_the_file(self, make: Open) -> None:
        with closing(make()) as file:
            found = dict(file.read([*TYPES], 0, NUM))
        for branch, values in found.items():
            assert_same(values, make_columns(NUM)[branch])

    def test_a_file_may_be_closed_twice(self, make: Open) -> None:
        file = make()
        file.close()
        file.close()

    def test_a_closed_file_cannot_be_read(self, make: Open) -> None:
        file = make()
        file.type_of("number")
        file.close()
        with pytest.raises(MemmpyError):
            list(file.read(["number"], 0, NUM))

    def test_the_source_is_closed_with_the_file(self, tmp_path: Path) -> None:
        self.write(tmp_path / "events", make_columns(NUM), step=STEP)
        source = ByteSource(str(tmp_path / "events"))
        self.open(source).close()
        with pytest.raises(InputFileError, match="is closed"):
            source.read(0, 1)

    @pytest.mark.parametrize("content", [b"", b"root", b"PAR1", b"\x89HDF\r\n\x1a\n", bytes(2000)])
    def test_a_file_that_cannot_be_opened_is_named_and_closed(
        self, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "events").write_bytes(content)
        source = ByteSource(str(tmp_path / "events"))
        with pytest.raises(InputFileError, match=r"events'"):
            self.open(source)
        with pytest.raises(InputFileError, match="is closed"):
            source.read(0, 0)
