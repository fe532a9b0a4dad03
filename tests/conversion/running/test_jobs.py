"""Tests of the jobs of a plan."""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from memmpy import convert, plan_conversion
from memmpy.conversion.running.assembly import ColumnAssembly
from memmpy.conversion.running.jobs import FillJob, list_jobs, with_outputs
from memmpy.conversion.running.read_tasks import ColumnInput
from memmpy.store import PartWriter, Unfinished, parts_of, read_metadata

#: What is copied of the store in one go.
COPY_BYTES = 1 << 26


def jobs_of_padding(folder: Path, length: int) -> list[FillJob]:
    """Return the jobs that pad 200 short lists that the store has."""
    with uproot.recreate(folder / "f.root") as file:
        file["t"] = {"a": ak.unflatten(np.arange(200.0), 1)}
    store = folder / "s"
    convert(folder / "f.root", store, keys={"a"})
    plan = plan_conversion(
        folder / "f.root",
        store,
        keys=set(),
        keys_padded={"p": (length, 0.0)},
        aliases={"p": "a"},
    )
    parts, unfinished = parts_of(plan.target.sources), Unfinished(store)
    columns = {c.key: ColumnAssembly(c, parts, unfinished, is_shared=False) for c in plan.columns}
    return list_jobs(
        plan,
        read_metadata(store),
        columns,
        directory=store,
        unfinished=unfinished,
        is_shared=False,
    )


def test_what_is_padded_out_of_the_store_is_cut_by_what_is_made_of_it(tmp_path: Path) -> None:
    jobs = jobs_of_padding(tmp_path, 100_000)
    nums = []
    for job in jobs:
        assert isinstance(job.task.input, ColumnInput)
        nums.append(job.task.input.entry_stop - job.task.input.entry_start)
    assert nums == [83, 83, 34]
    assert [job.num_bytes for job in jobs] == [num * 800_000 for num in nums]
    assert max(job.num_bytes for job in jobs) <= COPY_BYTES


def test_parts_of_whole_tasks_and_of_the_rest_of_a_task_are_removed_in_the_end(
    tmp_path: Path,
) -> None:
    task, unfinished = jobs_of_padding(tmp_path, 3)[0].task, Unfinished(tmp_path / "s")
    unfinished.create()
    for part in (task.part, with_outputs(task, ["p"]).part):
        assert part is not None
        writer = PartWriter(part)
        writer.append(np.arange(3))
        writer.finish(is_durable=False)
        PartWriter(part).append(np.arange(3))  # its worker is killed
    assert len(list(unfinished.directory.iterdir())) == 4
    unfinished.clear()
    assert not unfinished.directory.exists()
