"""Each event once: copies are refused, and files that only share a UUID are accepted."""

import dataclasses
import os
import shutil
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Splits, WriteVector, convert, plan_conversion, read_vector
from memmpy.errors import ConversionWarning, OptionError
from memmpy.sources import ByteSource, former_uuid_of, uuid_of
from memmpy.store import Metadata, Transaction, parts_of, read_metadata

Write = Callable[[Path, int], Path]

TWICE = "holds the same events as .* they would count twice; leave one of them out"
ONE_UUID = "has the UUID of .*, but other content: memmpy takes both.*count twice: leave it out"


def write_root(path: Path, first: int, num: int = 4, *, values: str = "gid") -> Path:
    """Write a file with the UUID that all of them have."""
    same = uuid.UUID(int=5)
    with uproot.recreate(path, compression=None, uuid_function=lambda: same) as file:
        gid = np.arange(first, first + num)
        file.mktree("tree", {values: np.int64}).extend({values: gid})
    return path


def write_parquet(path: Path, first: int) -> Path:
    gid = np.arange(first, first + 4)
    pq.write_table(pa.table({"gid": gid, "more": -gid}), path)
    return path


def write_hdf5(path: Path, first: int) -> Path:
    gid = np.arange(first, first + 4)
    with h5py.File(path, "w") as file:
        file["gid"], file["more"] = gid, -gid
    return path


class TestFilesOfOneUuid:
    def test_a_copy_is_refused_whatever_its_time_of_change(self, tmp_path: Path) -> None:
        copy = shutil.copy(write_root(tmp_path / "a.root", 0), tmp_path / "b.root")
        os.utime(copy, ns=(0, 1))
        with pytest.raises(OptionError, match=TWICE):
            plan_conversion([tmp_path / "a.root", copy], tmp_path / "s", keys={"gid"})

    @pytest.mark.parametrize("num", [4, 9])
    def test_files_of_different_content_are_taken_with_a_warning(
        self, num: int, tmp_path: Path
    ) -> None:
        a, b = write_root(tmp_path / "a.root", 0), write_root(tmp_path / "b.root", 50, num)
        with pytest.warns(ConversionWarning, match=ONE_UUID):
            convert([a, b], tmp_path / "s", keys={"gid"})
        gid = read_vector(tmp_path / "s", "gid").tolist()
        assert gid == [0, 1, 2, 3, *range(50, 50 + num)]

    @pytest.mark.slow
    def test_their_entries_of_one_number_share_a_split(self, tmp_path: Path) -> None:
        files = [write_root(tmp_path / f"{i}.root", 1000 * i, 200) for i in range(2)]
        with pytest.warns(ConversionWarning, match=ONE_UUID):
            convert(files, tmp_path / "s", keys={"gid"})
        loader = memmpy.open(tmp_path / "s").loader(
            "train", splits=Splits("file", fractions={"train": 0.5, "val": 0.5}), batch_size=400
        )
        gid = np.sort(next(iter(loader))["gid"])
        assert 0 < len(gid) < 400
        assert gid[gid < 1000].tolist() == (gid[gid >= 1000] - 1000).tolist()

    def test_a_copy_that_was_changed_in_place_is_taken_with_a_warning(self, tmp_path: Path) -> None:
        a = write_root(tmp_path / "a.root", 0)
        copy = shutil.copy(a, tmp_path / "b.root")
        with uproot.update(copy) as file:
            file.mktree("other", {"x": np.int64}).extend({"x": np.arange(4)})
        with uproot.open(a) as one, uproot.open(copy) as two:
            assert one.file.uuid == two.file.uuid
        files = [RFileConfig(path, "tree") for path in (a, copy)]
        with pytest.warns(ConversionWarning, match=ONE_UUID):
            convert(files, tmp_path / "s", keys={"gid"})

    def test_the_warning_comes_once_for_a_store(self, tmp_path: Path) -> None:
        files = [write_root(tmp_path / f"{i}.root", 50 * i) for i in range(3)]
        with pytest.warns(ConversionWarning, match=ONE_UUID) as caught:
            convert(files[:2], tmp_path / "s", keys={"gid"})
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            convert(files[:2], tmp_path / "s", keys={"gid", "again"}, aliases={"again": "-gid"})
        with pytest.warns(ConversionWarning, match=r"2\.root' has the UUID of") as caught:
            convert(files, tmp_path / "s", keys={"gid"})
        assert len(caught) == 1

    def test_in_another_order_each_entry_and_own_column_follows_its_file(
        self, tmp_path: Path
    ) -> None:
        files = [write_root(tmp_path / f"{i}.root", 50 * i) for i in range(2)]
        with pytest.warns(ConversionWarning, match=ONE_UUID):
            convert(files, tmp_path / "s", keys={"gid"})
        with WriteVector(tmp_path / "s", "own") as column:
            column.extend(read_vector(tmp_path / "s", "gid"))
        convert(files[::-1], tmp_path / "s", keys={"gid"})
        assert read_vector(tmp_path / "s", "gid").tolist() == [50, 51, 52, 53, 0, 1, 2, 3]
        assert "own" not in memmpy.open(tmp_path / "s")
        convert(files, tmp_path / "s", keys={"gid"})
        assert read_vector(tmp_path / "s", "own").tolist() == [0, 1, 2, 3, 50, 51, 52, 53]

    def test_what_a_store_could_not_tell_apart_is_refused(self, tmp_path: Path) -> None:
        files = [write_root(tmp_path / f"{i}.root", 50 * i) for i in range(2)]
        for file in files:
            os.utime(file, ns=(0, 1))
        message = "have the same UUID, size and time of change, but other content: .* touch one"
        with pytest.raises(OptionError, match=message):
            convert(files, tmp_path / "s", keys={"gid"})
        os.utime(files[0])
        with pytest.warns(ConversionWarning, match=ONE_UUID):
            convert(files, tmp_path / "s", keys={"gid"})

    def test_ranges_that_do_not_overlap_are_not_compared(self, tmp_path: Path) -> None:
        a = write_root(tmp_path / "a.root", 0)
        copy = shutil.copy(a, tmp_path / "b.root")
        parts = [RFileConfig(a, entry_stop=2), RFileConfig(copy, entry_start=2)]
        convert(parts, tmp_path / "s", keys={"gid"})
        assert read_vector(tmp_path / "s", "gid").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "write", [write_parquet, write_hdf5], ids=lambda write: str(write.__name__)
)
class TestFormerIdentities:
    """Stores that an older memmpy made of files without a UUID."""

    @pytest.fixture
    def file(self, write: Write, tmp_path: Path) -> Path:
        return write(tmp_path / "a", 0)

    @pytest.fixture
    def store(self, file: Path, tmp_path: Path) -> Path:
        """A store of one file, which knows it by its former identity."""

        def rename(metadata: Metadata) -> Metadata:
            with ByteSource(str(file)) as source:
                former = former_uuid_of(source)
            sources = tuple(dataclasses.replace(s, uuid=former) for s in metadata.sources)
            columns = {
                key: dataclasses.replace(
                    column, origin=dataclasses.replace(column.origin, parts=parts_of(sources))
                )
                for key, column in metadata.columns.items()
                if column.origin is not None
            }
            return dataclasses.replace(metadata, sources=sources, columns=columns)

        convert(file, tmp_path / "s", keys={"gid"})
        with Transaction(tmp_path / "s") as transaction:
            transaction.change(rename)
        with WriteVector(tmp_path / "s", "own") as column:
            column.extend(np.arange(4))
        return tmp_path / "s"

    def uuids(self, store: Path) -> list[str]:
        return [source.uuid for source in read_metadata(store).sources]

    def test_an_unchanged_file_stays_shut(self, file: Path, store: Path) -> None:
        plan = plan_conversion(file, store, keys={"gid"})
        assert (plan.columns, plan.reads, plan.num_opened) == ((), (), 0)

    def test_one_more_key_reads_nothing_else_and_leaves_the_identity(
        self, file: Path, store: Path
    ) -> None:
        before = self.uuids(store)
        done = convert(file, store, keys={"gid", "more"})
        assert done.read == {str(file): ("more",)}
        assert self.uuids(store) == before
        assert set(memmpy.open(store)) == {"gid", "more", "own"}

    def test_a_moved_file_is_not_read_again(self, file: Path, store: Path) -> None:
        moved = file.rename(file.with_name("moved"))
        done = convert(moved, store, keys={"gid"})
        assert done.was_cached
        assert set(memmpy.open(store)) == {"gid", "own"}

    @pytest.mark.parametrize("recreate", [False, True])
    def test_what_is_read_again_keeps_its_identity(
        self, recreate: bool, file: Path, store: Path
    ) -> None:
        before = self.uuids(store)
        os.utime(file, ns=(0, 1))
        done = convert(file, store, keys={"gid"}, recreate=recreate)
        assert done.read == {str(file): ("gid",)}
        assert self.uuids(store) == before
        assert set(memmpy.open(store)) == {"gid", "own"}

    def test_a_copy_is_refused(self, file: Path, store: Path) -> None:
        copy = shutil.copy(file, file.with_name("copy"))
        os.utime(copy, ns=(0, 1))
        with pytest.raises(OptionError, match=TWICE):
            convert([file, copy], store, keys={"gid"})

    def test_another_content_has_another_identity(
        self, write: Write, file: Path, store: Path
    ) -> None:
        before = self.uuids(store)
        write(file, 50)
        convert(file, store, keys={"gid"})
        assert self.uuids(store) != before
        assert read_vector(store, "gid").tolist() == [50, 51, 52, 53]
        assert set(memmpy.open(store)) == {"gid"}


class TestFilesWithoutUuid:
    def test_files_that_differ_between_stripes_are_both_taken(self, tmp_path: Path) -> None:
        num = 400_000
        event, x = np.arange(num), np.random.default_rng(0).random(num)
        options = {"compression": "NONE", "write_statistics": False, "use_dictionary": False}
        paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
        for entry in range(num // 2, num // 2 + 20_000, 4000):
            for path in paths:
                pq.write_table(pa.table({"event": event, "x": x}), path, **options)
                event = event.copy()
                event[entry] = num + entry
            with ByteSource(str(paths[0])) as one, ByteSource(str(paths[1])) as other:
                if uuid_of(one) == uuid_of(other):
                    break
        else:
            pytest.fail("the stripes see each of these entries")
        with pytest.warns(ConversionWarning, match="has the UUID of"):
            memmpy.convert(paths, tmp_path / "s", keys={"event"}, progress=False)
        loaded = np.asarray(read_vector(tmp_path / "s", "event"))
        assert (loaded[:num] != loaded[num:]).sum() >= 1

    def test_a_copy_is_refused(self, tmp_path: Path) -> None:
        table = pa.table({"x": np.random.default_rng(0).random(800_000)})
        pq.write_table(table, tmp_path / "a.parquet", compression="NONE")
        shutil.copy(tmp_path / "a.parquet", tmp_path / "b.parquet")
        with pytest.raises(OptionError, match="holds the same events"):
            memmpy.convert(
                [tmp_path / "a.parquet", tmp_path / "b.parquet"],
                tmp_path / "s",
                keys={"x"},
                progress=False,
            )
