"""Tests of links, pipes, devices and folders in place of a file, and of removed files."""

import errno
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import WriteJagged, WriteVector
from memmpy.columns import load_memmaps, read_vector
from memmpy.errors import (
    CorruptStoreError,
    DiskError,
    MemmpyError,
    MissingFileError,
    OptionError,
    ReadOnlyStoreError,
    StoreLockedError,
    UnreadableError,
)
from memmpy.store import (
    LOCK,
    METADATA,
    FileLock,
    Transaction,
    Unfinished,
    open_to_read,
    read_document,
    read_metadata,
    verify_columns,
)
from memmpy.store.safe_open import open_to_write

Make = Callable[[Path], object]


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # its name may be too long for a socket
        server.bind(path.name)
        os.chdir(here)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


STRANGE: list[tuple[str, Make]] = [
    ("a pipe", os.mkfifo),
    ("a folder", Path.mkdir),
    ("a device", make_device),
    ("a socket", make_socket),
]
of_all_kinds = pytest.mark.parametrize(("what", "make"), STRANGE, ids=[what for what, _ in STRANGE])


@of_all_kinds
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, what: str, make: Make) -> None:
    make(tmp_path / "x")
    with pytest.raises(CorruptStoreError, match=f"'.*x' is {what}, expected a file"):
        open_to_read(tmp_path / "x")
    expected = "a link" if what == "a device" else what
    with pytest.raises(ReadOnlyStoreError, match=f"'.*x' is {expected}, and memmpy writes only"):
        open_to_write(tmp_path / "x")


def test_a_file_behind_a_link_is_read_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert read_document(tmp_path / "link", max_bytes=4)[0] == b"mine"
    with pytest.raises(
        ReadOnlyStoreError, match=r"'.*link' is a link, .* delete '.*link' and run again"
    ):
        open_to_write(tmp_path / "link", os.O_CREAT)


def test_a_file_with_two_names_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    (tmp_path / "y").hardlink_to(tmp_path / "x")
    with pytest.raises(ReadOnlyStoreError, match="a file with a second name"):
        open_to_write(tmp_path / "y")


def test_a_document_has_a_bound(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    with pytest.raises(CorruptStoreError, match=r"'.*x' has 5 bytes, too many for a document"):
        read_document(tmp_path / "x", max_bytes=4)


@of_all_kinds
def test_a_store_whose_metadata_is_no_file_is_damaged(store: Path, what: str, make: Make) -> None:
    (store / METADATA).unlink()
    make(store / METADATA)
    with pytest.raises(CorruptStoreError, match=f"json' is {what}"):
        memmpy.open(store)
    with pytest.raises(CorruptStoreError, match=f"json' is {what}"), WriteVector(store, "y"):
        pass
    assert len(list(store.glob("*.npy"))) == 1


@of_all_kinds
def test_a_column_that_is_no_file_is_damaged(store: Path, what: str, make: Make) -> None:
    (file,) = store.glob("*.npy")
    file.unlink()
    make(file)
    with pytest.raises(CorruptStoreError, match=f"column 'x' of '.*' is damaged: .* is {what}"):
        read_vector(store, "x")
    (problem,) = verify_columns(store)
    assert f"is {what}" in problem.message
    with WriteVector(store, "x") as column:
        column.append(7)
    assert read_vector(store, "x").tolist() == [7]


@of_all_kinds
@pytest.mark.parametrize("name", ["cuts", "skims"])
def test_no_folder_of_caches_is_no_reason_to_wait(
    store: Path, name: str, what: str, make: Make
) -> None:
    if what == "a folder":
        return
    make(store / name)
    opened = memmpy.open(store)
    assert opened.cut("x > 0").tolist() == [1, 2]
    assert memmpy.verify(store) == []
    assert memmpy.clean(store, dry_run=False) == []
    if name == "skims":
        with pytest.raises(MemmpyError):
            opened.skim(keys=["x"], progress=False)


@of_all_kinds
def test_a_lock_that_is_no_file_is_said(store: Path, what: str, make: Make) -> None:
    (store / LOCK).unlink(missing_ok=True)
    make(store / LOCK)
    expected = "a link" if what == "a device" else what
    with pytest.raises(ReadOnlyStoreError, match=f"lock' is {expected}"), WriteVector(store, "y"):
        pass


@pytest.mark.parametrize("is_there", [True, False])
def test_a_lock_that_is_a_link_leaves_its_target(
    store: Path, tmp_path: Path, is_there: bool
) -> None:
    target = tmp_path / "mine"
    if is_there:
        target.write_text("mine")
    (store / LOCK).unlink(missing_ok=True)
    (store / LOCK).symlink_to(target)
    with pytest.raises(ReadOnlyStoreError, match="lock' is a link"), WriteVector(store, "y"):
        pass
    assert target.exists() == is_there
    assert not is_there or target.read_text() == "mine"


@pytest.mark.parametrize("how", ["link", "hard link", "link to nothing"])
def test_a_journal_that_is_a_link_leaves_its_target(store: Path, tmp_path: Path, how: str) -> None:
    unfinished, target = Unfinished(store), tmp_path / "mine"
    unfinished.create()
    if how != "link to nothing":
        target.write_text("mine")
    journal = unfinished.directory / "journal.jsonl"
    journal.hardlink_to(target) if how == "hard link" else journal.symlink_to(target)
    with pytest.raises(ReadOnlyStoreError, match=r"journal.jsonl' is a"):
        unfinished.note(b"{}")
    assert target.exists() == (how != "link to nothing")
    assert how == "link to nothing" or target.read_text() == "mine"


def test_unfinished_work_is_not_put_behind_a_link(store: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (store / "unfinished").symlink_to(tmp_path / "mine")
    with pytest.raises(ReadOnlyStoreError, match="unfinished' is a link"):
        Unfinished(store).create()
    Unfinished(store).clear()
    assert (tmp_path / "mine" / "notes.txt").exists()


def test_a_store_behind_a_link_is_a_store(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store)
    with WriteVector(tmp_path / "link", "x") as column:
        column.append(7)
    assert read_vector(store, "x").tolist() == [7]
    assert len(list(store.glob("*.npy"))) == 1


class TestMissingMetadata:
    """What lacks its metadata for a moment is no new store: nothing is removed."""

    @pytest.fixture
    def moved(self, store: Path) -> Path:
        (store / METADATA).rename(store.with_name("kept.json"))
        return store

    @pytest.mark.parametrize(
        "act",
        [
            memmpy.open,
            load_memmaps,
            memmpy.clean,
            memmpy.verify,
            lambda store: WriteVector(store, "new").__enter__(),
            lambda store: Transaction(store).__enter__(),
            lambda store: memmpy.convert("a.root", store, keys={"x"}),
            lambda store: memmpy.clean(store, dry_run=False),
        ],
    )
    def test_every_door_says_so_and_leaves_the_arrays(
        self, moved: Path, act: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(moved.parent)
        Path("a.root").write_bytes(b"root")
        message = r"holds arrays \(1\) and no metadata_memmpy.json, which describes them"
        with pytest.raises(CorruptStoreError, match=message):
            act(moved)
        assert len(list(moved.glob("*.npy"))) == 1
        moved.with_name("kept.json").rename(moved / METADATA)
        assert read_vector(moved, "x").tolist() == [0, 1, 2]

    def test_metadata_that_go_while_a_column_is_written_are_missed(self, store: Path) -> None:
        def write() -> None:
            with WriteVector(store, "y") as column:
                column.append(1)
                (store / METADATA).rename(store.with_name("kept.json"))

        with pytest.raises(CorruptStoreError, match="holds arrays"):
            write()
        assert not (store / METADATA).exists()
        store.with_name("kept.json").rename(store / METADATA)
        assert read_vector(store, "x").tolist() == [0, 1, 2]

    def test_a_new_store_has_metadata_before_it_has_arrays(self, tmp_path: Path) -> None:
        with WriteVector(tmp_path / "new", "x") as column:
            column.append(1)
            assert list((tmp_path / "new").glob("*.npy"))
            assert read_metadata(tmp_path / "new").columns == {}

    def test_a_first_write_that_fails_leaves_no_store(self, tmp_path: Path) -> None:
        def write() -> None:
            with WriteVector(tmp_path / "new", "x") as column:
                column.append(1)
                raise KeyError

        with pytest.raises(KeyError):
            write()
        with pytest.raises(MissingFileError):
            memmpy.open(tmp_path / "new")
        assert [file.name for file in (tmp_path / "new").iterdir()] == [LOCK]

    def test_a_disk_without_hard_links_holds_stores(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
        with WriteVector(tmp_path / "new", "x") as column:
            column.append(1)
        assert read_vector(tmp_path / "new", "x").tolist() == [1]


class TestLock:
    def test_a_lock_that_was_removed_commits_nothing(self, store: Path) -> None:
        other = FileLock(store / LOCK)

        def write() -> None:
            with WriteVector(store, "y") as column:
                column.append(1)
                (store / LOCK).unlink()
                assert other.take()

        with pytest.raises(StoreLockedError, match=r"the lock of '.*' was removed while"):
            write()
        other.release()
        assert list(load_memmaps(store)) == ["x"]
        assert verify_columns(store) == []

    def test_arrays_that_another_writer_swept_are_not_committed(self, store: Path) -> None:
        def write() -> None:
            with Transaction(store) as both:
                with WriteVector(store, "y", transaction=both) as column:
                    column.append(1)
                for file in store.glob("*.npy"):
                    if file.name not in files_of(store):
                        file.unlink()

        with pytest.raises(DiskError, match="cannot write column 'y'"):
            write()
        assert list(load_memmaps(store)) == ["x"]

    def test_a_file_that_took_the_place_of_an_array_is_not_written(self, store: Path) -> None:
        def write() -> None:
            with WriteVector(store, "y") as column:
                column.append(1)
                (file,) = set(store.glob("*.npy")) - {store / name for name in files_of(store)}
                file.unlink()
                file.write_bytes(b"of another writer")
                column.extend(np.arange(100_000))

        with pytest.raises(DiskError, match="another process removed or altered the file"):
            write()
        assert list(load_memmaps(store)) == ["x"]

    def test_a_file_lock_is_of_one_holder(self, tmp_path: Path) -> None:
        first, second = FileLock(tmp_path / LOCK), FileLock(tmp_path / LOCK)
        assert first.take()
        assert first.is_held()
        assert not second.take()
        first.release()
        assert second.take()
        assert not first.is_held()
        second.release()

    @pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP])
    @pytest.mark.parametrize("is_moved", [True, False])
    def test_a_disk_without_flock_has_locks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_moved: bool
    ) -> None:
        if is_moved:  # from one that has it
            (tmp_path / LOCK).touch()

        def refuse(*_: object) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr("fcntl.flock", refuse)
        first, second = FileLock(tmp_path / LOCK), FileLock(tmp_path / LOCK)
        for _ in range(2):
            assert first.take()
            assert first.is_held()
            assert not second.take()
            first.release()
        assert second.take()
        second.release()
        assert [file.name for file in tmp_path.iterdir()] == [LOCK]

    def test_without_flock_the_marker_of_another_is_not_ours(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        monkeypatch.setattr("fcntl.flock", refuse)
        lock, marker = FileLock(tmp_path / LOCK), tmp_path / "lock.held"
        assert lock.take()
        other = marker.read_bytes()
        marker.unlink()
        marker.write_bytes(other)
        assert not lock.is_held()
        assert not FileLock(tmp_path / LOCK).take()
        assert (
            f"'{marker}' locks the store; if no process uses the store, delete this file"
            in caplog.text
        )

    def test_a_system_that_refuses_to_lock_is_said(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr("fcntl.flock", refuse)
        with pytest.raises(DiskError, match=r"cannot write to '.*': Input/output error"):
            Transaction(store).__enter__()


def files_of(store: Path) -> list[str]:
    columns = read_metadata(store).columns.values()
    return [array.file for column in columns for array in column.arrays.values()]


FORK = """
    import os, sys
    from memmpy import {writer}
    store, how = sys.argv[1:]
    with {writer}(store, "y") as column:
        column.append({first})
        child = os.fork()
        if child == 0 and how == "writes":
            column.append({second})
            for _ in range(30_000):
                column.append({second})
        if child == 0 and how == "raises":
            raise SystemExit(0)
        if child:
            os.waitpid(child, 0)
            column.append({second})
    os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["leaves", "writes", "raises"])
@pytest.mark.parametrize(
    ("writer", "first", "second"), [("WriteVector", "1", "2"), ("WriteJagged", "[1]", "[2, 2]")]
)
def test_a_forked_child_writes_nothing_of_its_parent(
    store: Path, run_python: Any, writer: str, first: str, second: str, how: str
) -> None:
    run_python(FORK.format(writer=writer, first=first, second=second), store, how)
    assert verify_columns(store) == []
    column = load_memmaps(store)["y"]
    assert [np.ravel(entry).tolist() for entry in column] == (
        [[1], [2]] if writer == "WriteVector" else [[1], [2, 2]]
    )


def test_a_transaction_of_the_parent_is_not_for_a_child(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Transaction(store) as transaction:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(OptionError, match="this process is a fork of the one that"):
            transaction.check_open()
        monkeypatch.undo()


class TestUnreadable:
    """A column on a bad sector is set aside, and the others open."""

    @pytest.fixture
    def both(self, store: Path) -> Path:
        with WriteJagged(store, "j") as column:
            column.append([1, 2])
        return store

    @pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENODEV])
    def test_one_column_that_cannot_be_read_hides_no_other(
        self, both: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        (file,) = (a.file for a in read_metadata(both).columns["x"].arrays.values())
        fail(monkeypatch, file, code)
        opened = memmpy.open(both)
        assert opened["j"][0].tolist() == [1, 2]  # type: ignore[union-attr]
        message = f"cannot read column 'x' of '.*': .* .{file}"
        with pytest.raises(CorruptStoreError, match=message):
            opened["x"]
        with pytest.raises(UnreadableError, match=message):
            read_vector(both, "x")

    @pytest.mark.parametrize("code", [errno.ENFILE, errno.ENOMEM])
    def test_a_machine_that_lacks_memory_or_files_is_no_damage(
        self, both: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        fail(monkeypatch, files_of(both)[0], code)
        with pytest.raises(DiskError, match="cannot open column 'x' of") as caught:
            memmpy.open(both)
        assert caught.value.errno == code


def fail(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """Let a file refuse to be opened."""
    real = os.open

    def refuse(path: Any, *more: Any, **options: Any) -> int:
        if os.path.basename(path) == name:  # noqa: PTH119
            raise OSError(code, os.strerror(code))
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", refuse)


def test_a_file_is_mapped_that_was_looked_at(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another one takes its name between the look and the map."""
    (file,) = store.glob("*.npy")
    real = np.memmap

    def late(*arguments: Any, **options: Any) -> Any:
        shutil.copy(file, store / "aside")
        os.truncate(store / "aside", 128)
        (store / "aside").replace(file)
        return real(*arguments, **options)

    monkeypatch.setattr(np, "memmap", late)
    assert read_vector(store, "x").tolist() == [0, 1, 2]
