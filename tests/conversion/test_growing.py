"""Columns that are being made."""

from pathlib import Path

import numpy as np
import pytest

from memmpy.conversion.growing import Growing, Slot
from memmpy.conversion.jobs import Job
from memmpy.conversion.plan import NewColumn
from memmpy.conversion.schema import layout_of
from memmpy.conversion.tasks import Filling, FillTask, FromMetadata, Span
from memmpy.errors import CorruptStoreError
from memmpy.inputs import BranchType
from memmpy.store import Unfinished

LISTS = BranchType("jagged", np.dtype(np.float32))


def test_what_another_column_holds_of_it_and_is_cut_short_is_named(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    unfinished.create()
    other = tmp_path / "other.npy"
    other.write_bytes(bytes(15))
    column = NewColumn("b", {}, layout_of(LISTS, key="b"), (None,), "", LISTS, 0)
    growing = Growing(column, [("id", 2)], unfinished, is_shared=False)
    growing.create()
    spans = {
        field.role: Span(str(other), 0, 2, 2 * field.row_bytes, 0) for field in column.layout.fields
    }
    growing.add(Slot(0, 0, Filling({}, spans)))
    with pytest.raises(CorruptStoreError, match=r"made of 'b' cannot be read again: .*; run again"):
        growing.finish()


def test_memory_that_columns_share_counts_once() -> None:
    offsets, content = np.arange(10), np.arange(3)
    fillings = [
        Filling({}, {}, {"content": content, "offsets": offsets}),
        Filling({}, {}, {"content": content + 1, "offsets": offsets}),
    ]
    slots = {str(i): Slot(0, 0, filling) for i, filling in enumerate(fillings)}
    job = Job(FillTask(0, FromMetadata(0, 0), (), None, is_durable=False), slots, 0)
    assert job.num_kept == 8 * (10 + 3 + 3)
