"""Tests of transactions."""

import dataclasses
import errno
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.columns import WriteJagged, WriteVector, load_memmaps, read_vector
from memmpy.errors import CorruptStoreError, DiskError, OptionError, ReadOnlyStoreError
from memmpy.store import (
    METADATA,
    Metadata,
    Transaction,
    array_file,
    read_metadata,
    verify_columns,
    write_atomically,
)


def write(store: Path, key: str, values: object, transaction: Transaction | None = None) -> None:
    with WriteVector(store, key, transaction=transaction) as column:
        column.extend(np.asarray(values))


def write_and_fail(store: Path, key: str, transaction: Transaction | None = None) -> None:
    with WriteVector(store, key, transaction=transaction) as column:
        column.append(1)
        raise ValueError("mine")


def files(store: Path) -> set[str]:
    return {file.name for file in store.iterdir()}


def test_all_columns_of_a_transaction_appear_at_once(store: Path) -> None:
    with Transaction(store) as transaction:
        write(store, "y", [1], transaction)
        write(store, "x", [9], transaction)
        assert list(load_memmaps(store)) == ["x"]
        assert read_vector(store, "x").tolist() == [0, 1, 2]
    assert list(load_memmaps(store)) == ["x", "y"]
    assert read_vector(store, "x").tolist() == [9]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_no_column_of_a_failed_transaction_appears(store: Path, error: type[BaseException]) -> None:
    before = files(store)

    def fail() -> None:
        with Transaction(store) as transaction:
            write(store, "y", [1], transaction)
            write(store, "x", [9], transaction)
            raise error

    with pytest.raises(error):
        fail()
    assert files(store) == before
    assert read_vector(store, "x").tolist() == [0, 1, 2]


def test_replaced_files_are_removed(store: Path) -> None:
    before = {name for name in files(store) if name.endswith(".npy")}
    write(store, "x", [9])
    assert not before & files(store)
    assert len(files(store)) == 3


def test_a_column_written_twice_in_a_transaction_leaves_one_file(store: Path) -> None:
    with Transaction(store) as transaction:
        write(store, "y", [1], transaction)
        write(store, "y", [2], transaction)
    assert read_vector(store, "y").tolist() == [2]
    assert len(files(store)) == 4


def test_a_column_that_failed_inside_a_transaction_leaves_no_file(store: Path) -> None:
    with Transaction(store) as transaction:
        write(store, "y", [1], transaction)
        with pytest.raises(ValueError, match="mine"):
            write_and_fail(store, "z", transaction)
    assert list(load_memmaps(store)) == ["x", "y"]
    assert len(files(store)) == 4


def test_the_generation_grows_with_every_commit(store: Path) -> None:
    generations = []
    for i in range(3):
        write(store, "x", [i])
        generations.append(read_metadata(store).generation)
    assert generations == sorted(set(generations))


def test_what_killed_writers_left_is_swept_by_the_next(store: Path) -> None:
    left = [array_file("y", 7), array_file("x", 8), f"{METADATA}.1.2.tmp"]
    for name in left:
        (store / name).write_bytes(b"half a column")
    write(store, "z", [1])
    assert not files(store) & set(left)


def test_what_is_not_memmpys_is_never_swept(store: Path) -> None:
    names = {"notes.txt", "other.npy", "0.1.npy", array_file("x", 1) + ".bak", "my.tmp"}
    for name in names:
        (store / name).touch()
    (store / "skims").mkdir()
    (store / "skims" / array_file("x", 1)).touch()
    write(store, "z", [1])
    assert names < files(store)
    assert (store / "skims" / array_file("x", 1)).exists()


def test_writers_in_each_others_blocks_share_the_store(store: Path) -> None:
    with WriteVector(store, "a") as a:
        a.append(1)
        with WriteJagged(store, "b") as b:
            b.append(np.array([1.5]))
            write(store, "c", [3])
            a.append(2)
    assert set(load_memmaps(store)) == {"x", "a", "b", "c"}
    assert verify_columns(store) == []


def test_two_writers_of_one_key_leave_the_last(store: Path) -> None:
    with WriteVector(store, "a") as outer:
        outer.append(1)
        write(store, "a", [2])
        assert read_vector(store, "a").tolist() == [2]
    assert read_vector(store, "a").tolist() == [1]
    assert verify_columns(store) == []


def test_a_writer_that_failed_takes_nothing_from_the_one_around_it(store: Path) -> None:
    with WriteVector(store, "a") as outer:
        outer.append(1)
        with pytest.raises(ValueError, match="mine"):
            write_and_fail(store, "a")
    assert read_vector(store, "a").tolist() == [1]


@pytest.mark.slow
def test_threads_write_to_one_store_at_once(store: Path) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work(thread: int) -> None:
        try:
            barrier.wait()
            for i in range(10):
                write(store, f"{thread} {i}", [thread, i])
                write(store, "shared", [thread, i])
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work, args=[i]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    columns: dict[str, Any] = dict(load_memmaps(store))
    assert len(columns) == 82
    assert all(columns[f"{t} {i}"][:].tolist() == [t, i] for t in range(8) for i in range(10))
    assert verify_columns(store) == []
    assert len(files(store)) == 82 + 2


def test_a_transaction_cannot_be_opened_twice_at_once(store: Path) -> None:
    transaction = Transaction(store)
    with transaction, pytest.raises(OptionError, match="this transaction is open already"):
        transaction.__enter__()
    write(store, "y", [1])


def test_a_transaction_that_is_opened_again_starts_afresh(store: Path) -> None:
    transaction = Transaction(store)
    with transaction:
        write(store, "y", [1], transaction)
    write(store, "y", [2])
    with transaction:
        pass
    assert read_vector(store, "y").tolist() == [2]


def test_changes_see_the_metadata_as_it_is_when_they_commit(store: Path) -> None:
    with Transaction(store) as transaction:
        transaction.change(
            lambda m: dataclasses.replace(
                m, columns={k: c for k, c in m.columns.items() if k != "x"}
            )
        )
        write(store, "y", [1])
    assert list(load_memmaps(store)) == ["y"]
    assert len(files(store)) == 3


def test_what_could_not_be_read_back_is_not_committed(store: Path) -> None:
    with pytest.raises(CorruptStoreError), Transaction(store) as transaction:
        transaction.change(lambda m: dataclasses.replace(m, generation=-1))
    assert read_vector(store, "x").tolist() == [0, 1, 2]


def test_a_failed_change_leaves_the_store(store: Path) -> None:
    before = files(store)

    def fail(metadata: Metadata) -> Metadata:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), Transaction(store) as transaction:
        transaction.change(fail)
    assert files(store) == before


def test_damaged_metadata_is_never_written_over(store: Path) -> None:
    (store / METADATA).write_text("{")
    with pytest.raises(CorruptStoreError):
        write(store, "y", [1])
    assert (store / METADATA).read_text() == "{"


def test_an_error_inside_is_not_hidden_by_damaged_metadata(store: Path) -> None:
    def fail() -> None:
        with WriteVector(store, "y"):
            (store / METADATA).write_text("{")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()


def test_a_file_is_no_place_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReadOnlyStoreError, match=r"file' is a file, not a directory"):
        write(tmp_path / "file", "x", [1])
    with pytest.raises(ReadOnlyStoreError, match=r"cannot write to '.*below': Not a directory"):
        write(tmp_path / "file" / "below", "x", [1])


def test_directories_are_made_where_they_are_missing(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", "x", [1])
    assert read_vector(tmp_path / "a" / "b", "x").tolist() == [1]


def test_a_small_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old", durable=True)
    write_atomically(tmp_path / "a", b"new", durable=True)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert files(tmp_path) == {"a"}


def test_a_small_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match=r"cannot write '.*a'"):
        write_atomically(tmp_path / "a", b"new", durable=True)
    assert files(tmp_path) == {"a"}


def test_the_metadata_is_json_that_others_can_read(store: Path) -> None:
    document = json.loads((store / METADATA).read_text())
    assert document["format"] == "memmpy store"
    assert document["columns"]["x"]["arrays"]["values"]["dtype"] == "<i8"


def test_the_directory_is_synced_before_the_metadata_flips_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_flipped = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            has_flipped.append((tmp_path / METADATA).exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    write(tmp_path, "x", [1])
    assert has_flipped == [True, True, True]  # of a new store, that it is one comes first


def test_the_folders_of_a_new_store_are_synced_in_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set()
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    write(tmp_path / "a" / "b", "x", [1])
    folders = (tmp_path, tmp_path / "a", tmp_path / "a" / "b")
    assert synced >= {folder.stat().st_ino for folder in folders}


@pytest.mark.parametrize(("code", "is_committed"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_directory_that_cannot_be_synced_is_an_error_where_systems_sync_directories(
    store: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_committed: bool
) -> None:
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    before = files(store)
    monkeypatch.setattr(os, "fsync", refuse)
    if is_committed:
        write(store, "x", [9])
    else:
        with pytest.raises(DiskError, match=r"cannot write to '.*store': Input/output error"):
            write(store, "x", [9])
        assert files(store) == before
    assert read_vector(store, "x").tolist() == ([9] if is_committed else [0, 1, 2])
