"""Tests of full disks, and of directories without permission."""

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.columns import ReadJagged, WriteJagged, WriteVector, load_memmaps, read_vector
from memmpy.errors import DiskError
from memmpy.store import verify_columns
from memmpy.store.npy_file import _raise_limit

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and becomes nobody")

# Becomes a user who owns nothing, and tries what readers and writers do.
AS_NOBODY = """
    import os, sys
    from memmpy.columns import WriteVector, load_memmaps, read_vector
    from memmpy.errors import ReadOnlyStoreError
    read_vector(sys.argv[1], "x")  # nobody may import nothing where Python belongs to root
    os.setgid(65534)
    os.setuid(65534)
    print(read_vector(sys.argv[1], "x").tolist(), list(load_memmaps(sys.argv[1])))
    try:
        with WriteVector(sys.argv[2], "y") as column:
            column.append(1)
    except ReadOnlyStoreError as error:
        assert isinstance(error, PermissionError)
        print(error)
"""
# No file may grow past 64 kB.
LIMITED = """
    import errno, resource, sys
    import numpy as np
    from memmpy.columns import WriteVector
    from memmpy.errors import DiskError
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    try:
        with WriteVector(sys.argv[1], "x") as column:
            for _ in range(int(sys.argv[2])):
                column.extend(np.arange(1000))
    except DiskError as error:
        assert error.errno == errno.EFBIG
        print(error)
"""
# What a user does who thinks that the disk was full only for a moment.
SWALLOWING = """
    import resource, sys
    import numpy as np
    from memmpy.columns import WriteJagged
    from memmpy.errors import DiskError
    try:
        with WriteJagged(sys.argv[1], "x") as column:
            column.append(np.arange(10))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
            try:
                column.append(np.arange(100_000))
            except DiskError:
                print("full")
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            column.append(np.arange(10))
    except DiskError:
        print("not committed")
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def write(store: Path, key: str, pieces: Any) -> None:
    with WriteJagged(store, key) as column:
        for piece in pieces:
            column.append(piece)


@as_root
@pytest.mark.parametrize("by_row", [False, True])
def test_a_full_disk_is_an_error_that_leaves_the_store(small_disk: Path, by_row: bool) -> None:
    store = small_disk / "data"
    write(store, "x", [np.arange(3)])
    before = sorted(file.name for file in store.iterdir())
    message = r"cannot write column 'x' to '.*': No space left on device; the store is unchanged"
    pieces = np.zeros((300, 1000)) if by_row else np.zeros((1, 300_000))
    with pytest.raises(DiskError, match=message) as caught:
        write(store, "x", pieces)
    assert caught.value.errno == errno.ENOSPC
    assert "free some space and run again" in str(caught.value)
    assert sorted(file.name for file in store.iterdir()) == before
    assert ReadJagged(store, "x")[0].tolist() == [0, 1, 2]
    assert verify_columns(store) == []


@as_root
def test_a_disk_that_fills_anywhere_leaves_whole_columns(small_disk: Path) -> None:
    store = small_disk / "data"
    num_written = 0

    def fill() -> None:
        nonlocal num_written
        for i in range(1000):
            write(store, f"{i}", [np.zeros(500 * i)])
            num_written += 1

    with pytest.raises(DiskError):
        fill()
    assert len(load_memmaps(store)) == num_written
    assert verify_columns(store) == []


@as_root
def test_a_store_on_a_full_disk_can_be_read(small_disk: Path) -> None:
    store = small_disk / "data"
    with WriteVector(store, "x") as column:
        column.extend(np.arange(3))
    with pytest.raises(OSError, match="No space"), (small_disk / "filler").open("wb") as file:
        file.write(b"\0" * (1 << 21))
    with pytest.raises(DiskError), WriteVector(store, "y") as column:
        column.append(1)
    assert read_vector(store, "x").tolist() == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("num_pieces", [9, 1000])
def test_a_file_beyond_the_limit_is_an_error_that_leaves_the_store(
    store: Path, run_python: Any, num_pieces: int
) -> None:
    before = sorted(file.name for file in store.iterdir())
    assert "File too large; the store is unchanged" in run_python(LIMITED, store, num_pieces)
    assert sorted(file.name for file in store.iterdir()) == before
    assert read_vector(store, "x").tolist() == [0, 1, 2]


@pytest.mark.slow
def test_a_column_that_lacks_rows_is_not_committed_whoever_caught_the_error(
    store: Path, run_python: Any
) -> None:
    assert run_python(SWALLOWING, store) == "full\nnot committed"
    assert read_vector(store, "x").tolist() == [0, 1, 2]


@pytest.fixture
def store_for_all(store: Path, folder_for_all: Path) -> Path:
    """The store, where all users may read it."""
    path = folder_for_all / store.name
    shutil.copytree(store, path)
    return path


@pytest.mark.slow
@as_root
def test_a_directory_that_is_not_ones_own_can_be_read_and_not_written(
    store_for_all: Path, run_python: Any
) -> None:
    store = store_for_all
    found, message = run_python(AS_NOBODY, store, store).splitlines()
    assert found == "[0, 1, 2] ['x']"
    assert message == f"cannot write to {str(store)!r}: Permission denied; write to another path"


@pytest.mark.slow
@as_root
def test_a_store_cannot_be_made_where_nothing_may(store_for_all: Path, run_python: Any) -> None:
    new = store_for_all.parent / "new"
    message = run_python(AS_NOBODY, store_for_all, new).splitlines()[-1]
    assert message.startswith(f"cannot write to {str(new)!r}: Permission denied")


@pytest.mark.slow
@as_root
def test_a_store_without_a_lock_file_can_be_read_and_not_written(
    store_for_all: Path, run_python: Any
) -> None:
    store = store_for_all
    (store / "lock").unlink()
    assert "Permission denied; write to another path" in run_python(AS_NOBODY, store, store)
    assert not (store / "lock").exists()


MANY = """
    import resource, sys
    import numpy as np
    from contextlib import ExitStack
    from memmpy.columns import ReadJagged, WriteJagged, load_memmaps
    from memmpy.errors import DiskError
    from memmpy.store import Transaction
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, int(sys.argv[2]) or limit[1]))
    with Transaction(sys.argv[1]) as transaction, ExitStack() as stack:
        columns = [
            stack.enter_context(WriteJagged(sys.argv[1], f"{i}", transaction=transaction))
            for i in range(1000)
        ]
        for _ in range(2):
            for column in columns:
                column.append(np.arange(3))
    try:
        opened = load_memmaps(sys.argv[1])
        print(len(opened), {len(column) for column in opened.values()})
    except DiskError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_thousand_columns_are_written_and_read_with_few_file_handles(
    tmp_path: Path, run_python: Any
) -> None:
    assert run_python(MANY, tmp_path / "data", 0) == "1000 {2}"


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to"),
    [
        (256, 1 << 20, 1 << 16),
        (256, resource.RLIM_INFINITY, 1 << 16),
        (256, 4096, 4096),
        (4096, 4096, None),
        (1 << 17, 1 << 20, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_limit_of_open_files_is_raised_to_a_bounded_number_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised_to: int | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    assert _raise_limit() == (raised_to is not None)
    assert asked == ([] if raised_to is None else [(raised_to, hard)])


@pytest.mark.parametrize("error", [ValueError, PermissionError])
def test_a_limit_that_may_not_be_raised_stays(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(kind: int, limits: tuple[int, int]) -> None:
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert not _raise_limit()


@pytest.mark.slow
def test_too_few_file_handles_are_an_error_with_a_way_out(tmp_path: Path, run_python: Any) -> None:
    message = "Too many open files, and every array needs one; raise the limit with ulimit -n"
    assert message in run_python(MANY, tmp_path / "data", 256)
