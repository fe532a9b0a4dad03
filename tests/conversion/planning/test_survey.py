"""Tests of the sources of a store: each event once, whatever path its file has."""

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import uproot

from memmpy.conversion import RFileConfig, list_inputs
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.inventory import Inventory
from memmpy.conversion.planning.key_patterns import ColumnSpecs
from memmpy.conversion.planning.survey import survey
from memmpy.errors import OptionError
from memmpy.parallel import worker_pool
from memmpy.store import ArrayRecord, ColumnRecord, Metadata, Origin, SourceRecord


def describe_sources(
    inputs: list[Input], known: tuple[SourceRecord, ...]
) -> tuple[SourceRecord, ...]:
    specs = ColumnSpecs((ColumnSpec("nJets", ("nJets",)),) if known else ())
    parts = tuple((s.id, s.num_entries) for s in known)
    array = ArrayRecord("x.npy", np.dtype("<i4"), (sum(n for _, n in parts),))
    origin = Origin({"branch": "nJets"}, parts)
    column = ColumnRecord("vector", array.shape[0], {"values": array}, {}, origin)
    metadata = Metadata(columns={"nJets": column} if known else {}, sources=known)
    with worker_pool(None) as pool:
        target, *_ = survey(
            inputs,
            specs,
            metadata,
            inventory=Inventory(metadata),
            pool=pool,
            range_bytes=1 << 20,
            recreate=False,
        )
    return target.sources


MakeFile = Callable[..., Path]
TWICE = "holds the same events as .* they would count twice"


def test_a_file_listed_twice_is_refused(make_file: MakeFile) -> None:
    file = make_file()
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs([file, file]), ())


@pytest.mark.parametrize("tree", ["tree", "tree;1", "/tree", None])
def test_a_tree_by_another_name_is_the_same_tree(tree: str | None, make_file: MakeFile) -> None:
    file = make_file()
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs([RFileConfig(file, "tree"), RFileConfig(file, tree)]), ())


def test_a_copy_of_a_file_is_refused(make_file: MakeFile, tmp_path: Path) -> None:
    copy = shutil.copy2(make_file(), tmp_path / "copy.root")
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs([tmp_path / "events.root", copy]), ())


def test_a_link_to_a_file_is_refused(make_file: MakeFile, tmp_path: Path) -> None:
    (tmp_path / "link.root").symlink_to(make_file())
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs(tmp_path / "*.root"), ())


def test_a_copy_of_what_is_known_is_refused(make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file()
    known = describe_sources(list_inputs(file), ())
    copy = shutil.copy2(file, tmp_path / "copy.root")
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs([file, copy]), known)


def test_two_trees_of_a_file_are_two_sources(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "two.root") as file:
        for name in ("one", "two"):
            file.mktree(name, {"x": np.int64}).extend({"x": np.arange(3)})
    configs = [RFileConfig(tmp_path / "two.root", name) for name in ("one", "two")]
    sources = describe_sources(list_inputs(configs), ())
    assert [(s.tree, s.entry_start) for s in sources] == [("one;1", 0), ("two;1", 3)]


def test_files_without_a_uuid_are_told_apart_by_their_content(tmp_path: Path) -> None:
    for name, start in (("a", 0), ("b", 100)):
        with uproot.recreate(
            tmp_path / f"{name}.root", uuid_function=lambda: uuid.UUID(int=0)
        ) as file:
            file.mktree("tree", {"x": np.int64}).extend({"x": np.arange(start, start + 3)})
    a, b = describe_sources(list_inputs(tmp_path / "*.root"), ())
    assert a.uuid != b.uuid
    shutil.copy(tmp_path / "a.root", tmp_path / "c.root")
    with pytest.raises(OptionError, match=TWICE):
        describe_sources(list_inputs(tmp_path / "*.root"), ())


def test_an_unchanged_file_stays_shut(make_file: MakeFile) -> None:
    file = make_file()
    known = describe_sources(list_inputs(file), ())
    status = file.stat()
    file.write_bytes(bytes(status.st_size))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert describe_sources(list_inputs(file), known) == known
