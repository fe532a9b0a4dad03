"""Tests of streams over files."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memmpy.errors import InputFileError
from memmpy.sources import ByteSource, stream_of
from memmpy.sources.access import streams
from tests.servers import RangeServer
from tests.sources.conftest import Put

CONTENT = bytes(range(256)) * 64  # 16 KiB


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Return a stream of a file that is open meanwhile."""
    with ByteSource(path) as source, stream_of(source) as stream:
        yield stream


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 1000)


@pytest.fixture
def remote(tmp_path: Path, server: RangeServer) -> str:
    """Return the URL of a file with `CONTENT`."""
    (tmp_path / "a.bin").write_bytes(CONTENT)
    return server.url("a.bin")


def test_all_is_read(put: Put) -> None:
    with opened(put("a.bin", CONTENT)) as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize("num", [10, 999, 1000, 5000])
def test_reads_go_on_where_the_last_one_ended(put: Put, num: int) -> None:
    with opened(put("a.bin", CONTENT)) as stream:
        pieces = [stream.read(num) for _ in range(0, len(CONTENT), num)]
    assert b"".join(pieces) == CONTENT


def test_the_end_gives_nothing(put: Put) -> None:
    with opened(put("a.bin", CONTENT)) as stream:
        stream.seek(len(CONTENT) + 5)
        assert stream.read(10) == stream.read() == b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offset", "whence", "expected"),
    [(500, os.SEEK_SET, 500), (500, os.SEEK_CUR, 600), (-84, os.SEEK_END, 16_300)],
)
def test_positions_count_from_where_they_are_said_to(
    put: Put, offset: int, whence: int, expected: int
) -> None:
    with opened(put("a.bin", CONTENT)) as stream:
        stream.read(100)
        assert stream.seek(offset, whence) == stream.tell() == expected
        assert stream.read(10) == CONTENT[expected : expected + 10]


@pytest.mark.slow
def test_a_closed_stream_cannot_be_read(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        stream = stream_of(source)
        stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_a_position_before_the_start_is_refused(remote: str) -> None:
    with (
        ByteSource(remote) as source,
        stream_of(source) as stream,
        pytest.raises(InputFileError, match=r"a\.bin' is damaged: cannot seek"),
    ):
        stream.seek(-1)


def test_small_reads_are_served_from_what_was_read_ahead(
    tmp_path: Path, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BLOCK", 1 << 20)
    (tmp_path / "a.bin").write_bytes(CONTENT)
    with opened(server.url("a.bin")) as stream:
        server.num_requests = 0
        for position in (0, 9000, 200, 15_000):
            stream.seek(position)
            stream.read(10)
    assert server.num_requests == 1


def test_large_reads_take_nothing_else(remote: str, server: RangeServer) -> None:
    with opened(remote) as stream:
        stream.seek(100)
        # As much as the buffer of a stream holds goes past it.
        stream.read(io.DEFAULT_BUFFER_SIZE)
    assert server.num_bytes == io.DEFAULT_BUFFER_SIZE


def test_reads_are_made_again_after_a_broken_connection(remote: str, server: RangeServer) -> None:
    server.drop_every = 2
    with opened(remote) as stream:
        assert stream.read() + stream.read() == CONTENT


def test_a_stream_that_breaks_for_good_is_named(remote: str, server: RangeServer) -> None:
    server.drop_every = 1
    with (
        ByteSource(remote) as source,
        stream_of(source) as stream,
        pytest.raises(InputFileError, match="attempts failed"),
    ):
        stream.read()


def test_two_streams_of_one_file_have_positions_of_their_own(put: Put) -> None:
    source = ByteSource(put("a.bin", CONTENT))
    with source, stream_of(source) as one, stream_of(source) as other:
        one.seek(5000)
        assert other.read(10) == CONTENT[:10]


def test_a_source_stays_open_after_its_stream(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        stream_of(source).close()
        assert source.read(0, 10) == CONTENT[:10]


def test_small_reads_of_a_disk_take_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    with ByteSource(str(tmp_path / "a.bin")) as source:
        stream_of(source).read(io.DEFAULT_BUFFER_SIZE)
        assert source.num_bytes == io.DEFAULT_BUFFER_SIZE


def test_pyarrow_reads_a_table_through_it(put: Put) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"met": np.arange(5000)}), sink)
    with opened(put("a.parquet", sink.getvalue())) as stream:
        assert pq.read_table(stream)["met"].to_pylist() == list(range(5000))


def test_h5py_reads_a_dataset_through_it(put: Put) -> None:
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file["met"] = np.arange(5000)
    with (
        ByteSource(put("a.h5", sink.getvalue())) as source,
        stream_of(source) as stream,
        h5py.File(stream, "r") as file,
    ):
        assert file["met"][:].tolist() == list(range(5000))
