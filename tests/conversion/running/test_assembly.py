"""Tests of the assembly of columns."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.columns import ColumnType
from memmpy.conversion.planning.plan import NewColumn
from memmpy.conversion.planning.schema import layout_of
from memmpy.conversion.running.assembly import (
    ColumnAssembly,
    FinishedOffsets,
    SharedGroups,
    Slot,
)
from memmpy.conversion.running.jobs import FillJob
from memmpy.conversion.running.read_tasks import (
    FileSpan,
    FillTask,
    MetadataInput,
    PlaceResult,
    PlaceTask,
    SlotData,
)
from memmpy.conversion.running.worker import run_task
from memmpy.errors import CorruptStoreError
from memmpy.store import RandomAccessArray, Unfinished, checksum

LISTS = ColumnType("jagged", np.dtype(np.float32))
#: Lists of each kind of slot: how long they are.
LENGTHS = {"x": [1, 0, 2], "y": [2, 1, 0]}
KEYS = ["a", "b", "c", "d"]


def new_column(key: str, unfinished: Unfinished, num_entries: int) -> ColumnAssembly:
    column = NewColumn(key, {}, layout_of(LISTS, key=key), (None,), "", LISTS, 0)
    growing = ColumnAssembly(column, [("id", num_entries)], unfinished, is_shared=False)
    growing.create()
    return growing


def test_what_another_column_holds_of_it_and_is_cut_short_is_named(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    unfinished.create()
    other = tmp_path / "other.npy"
    other.write_bytes(bytes(15))
    growing = new_column("b", unfinished, 2)
    spans = {
        field.role: FileSpan(str(other), 0, 2, 2 * field.row_bytes, 0)
        for field in growing.column.layout.fields
    }
    growing.add(Slot(0, 0, SlotData({}, spans)))
    with pytest.raises(CorruptStoreError, match=r"data of 'b' cannot be read back: .*; run again"):
        growing.finish(FinishedOffsets())


def array_of(path: Path, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> RandomAccessArray:
    array = RandomAccessArray(str(path), rows.dtype, (), "a", is_shared=False)
    array.create()
    array.write(0, rows)
    return array


@pytest.mark.parametrize("num", [1, 3, 1 << 15, (1 << 15) + 1, 200_000])
def test_offsets_with_the_same_checksum_are_shared_only_if_all_rows_are_equal(
    tmp_path: Path, num: int
) -> None:
    rows = np.arange(num)
    others = np.append(rows[:-1], rows[-1] + 1)
    first, equal = array_of(tmp_path / "1", rows), array_of(tmp_path / "2", rows)
    other, like_it = array_of(tmp_path / "3", others), array_of(tmp_path / "4", others)
    offsets = FinishedOffsets()
    found = [offsets.first_equal(a, num, crc=7) for a in (first, first, equal, other, like_it)]
    assert found == [first, first, first, other, other]
    assert offsets.first_equal(equal, num, crc=8) == equal
    assert offsets.first_equal(equal, num - 1, crc=7) == equal


def test_memory_that_columns_share_counts_once() -> None:
    offsets, content = np.arange(10), np.arange(3)
    data = [
        SlotData({}, {}, {"content": content, "offsets": offsets}),
        SlotData({}, {}, {"content": content + 1, "offsets": offsets}),
    ]
    slots = {str(i): Slot(0, 0, data) for i, data in enumerate(data)}
    job = FillJob(FillTask(0, MetadataInput({}, 0), (), None, is_durable=False), slots, 0)
    assert job.num_kept == 8 * (10 + 3 + 3)


#: Of each slot, by key: which of its tasks fills it, and with what.
Slots: TypeAlias = list[dict[str, tuple[int, str]]]


def grow(folder: Path, slots: Slots, tasks: list[int], keys: list[str]) -> set[str]:
    """Make columns, tasks and keys in some order; check them and return the arrays of offsets.

    Task 1 of slot 3 is number 7.
    """
    unfinished = Unfinished(folder)
    unfinished.create()
    columns = {key: new_column(key, unfinished, 3 * len(slots)) for key in keys}
    jobs: dict[int, dict[str, Slot]] = {number: {} for number in tasks}
    for i, filled in enumerate(slots):
        in_memory = {task: np.cumsum(LENGTHS[task[1]]) for task in filled.values()}
        for key in keys:
            arrays = {"content": np.zeros(3, np.float32), "offsets": in_memory[filled[key]]}
            data = SlotData({"node0": 3, "node0.0": 3}, {}, arrays)
            slot = Slot(2 * i + filled[key][0], 3 * i, data)
            columns[key].add(slot)
            jobs[slot.task][key] = slot
    for growing in columns.values():
        assert len(list(growing.advance())) == len(slots)
    for number, job in jobs.items():
        shared: SharedGroups = {}
        for key, slot in job.items():
            columns[key].join_groups(slot, shared)
        copies = tuple(copy for key, slot in job.items() for copy in columns[key].copies(slot))
        placed = run_task(PlaceTask(number, copies))
        assert isinstance(placed, PlaceResult)
        for key, slot in job.items():
            columns[key].place(slot, placed.spans[key])
    offsets = FinishedOffsets()
    finished = {key: growing.finish(offsets) for key, growing in columns.items()}
    for key, built in finished.items():
        found = np.load(built.files["offsets"])
        lengths = [length for filled in slots for length in LENGTHS[filled[key][1]]]
        assert np.array_equal(found, [0, *np.cumsum(lengths)])
        assert built.arrays["offsets"].checksum == checksum(found)
    return {built.files["offsets"] for built in finished.values()}


of_slot = st.fixed_dictionaries(
    {key: st.tuples(st.integers(0, 1), st.sampled_from("xy")) for key in KEYS}
)


@given(
    slots=st.lists(of_slot, min_size=1, max_size=4),
    keys=st.permutations(KEYS),
    order=st.permutations(range(8)),
)
def test_whatever_order_tasks_come_in_the_offsets_are_right_and_all_that_is_alike_is_shared(
    slots: Slots, keys: list[str], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tasks = [number for number in order if number < 2 * len(slots)]
    files = grow(tmp_path_factory.mktemp("store"), slots, tasks, keys)
    different = {tuple(filled[key][1] for filled in slots) for key in KEYS}
    assert len(files) == len(different)


def test_columns_that_leave_an_array_together_may_have_come_to_it_by_different_tasks(
    tmp_path: Path,
) -> None:
    """``b`` and ``c`` leave that of ``a`` with the last slot; then another task fills ``b``."""
    slots: Slots = [
        {"a": (0, "x"), "b": (0, "x"), "c": (0, "x")},
        {"a": (0, "x"), "b": (1, "y"), "c": (0, "x")},
        {"a": (0, "y"), "b": (0, "x"), "c": (0, "x")},
    ]
    assert len(grow(tmp_path, slots, [0, 2, 4, 3], ["a", "b", "c"])) == 3
