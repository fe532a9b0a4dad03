"""Tests of reading ranges of bytes."""

import errno
import io
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import InputFileError, MissingFileError, UnreadableError
from memmpy.sources import ByteSource, describe
from memmpy.sources.access import byte_source as inputs_bytes
from memmpy.sources.access.byte_source import coalesce, open_local
from tests.conftest import MakeFile
from tests.servers import RangeServer
from tests.sources.conftest import Put

CONTENT = bytes(range(256)) * 1024  # 256 KiB


@pytest.fixture
def remote(tmp_path: Path, server: RangeServer) -> str:
    """Return the URL of a file with `CONTENT`."""
    (tmp_path / "a.bin").write_bytes(CONTENT)
    return server.url("a.bin")


@pytest.mark.slow_together
def test_a_range_is_read_exactly(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        assert source.read(1000, 3000) == CONTENT[1000:3000]


@pytest.mark.slow_together
def test_size_is_that_of_the_file(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        assert source.size == len(CONTENT)


@pytest.mark.slow
def test_status_is_what_describes_the_file(put: Put) -> None:
    path = put("a.bin", CONTENT)
    with ByteSource(path) as source:
        assert source.status == describe(path)


def test_status_is_that_of_the_file_that_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a.bin", tmp_path / "b.bin"
    path.write_bytes(CONTENT)
    other.write_bytes(b"other")

    def replaced(name: str) -> io.FileIO:
        other.replace(name)
        return open_local(name)

    monkeypatch.setattr(inputs_bytes, "open_local", replaced)
    with ByteSource(str(path)) as source:
        assert source.status == describe(str(path))


def test_a_url_is_asked_once_when_it_is_opened(remote: str, server: RangeServer) -> None:
    server.num_requests = 0
    with ByteSource(remote) as source:
        assert (server.num_requests, source.size) == (1, len(CONTENT))


@pytest.mark.slow
def test_ranges_come_in_the_order_they_were_given(put: Put) -> None:
    ranges = [(200_000, 200_010), (5, 9), (100, 100), (0, 7), (5, 9)]
    with ByteSource(put("a.bin", CONTENT)) as source:
        assert source.read_many(ranges) == [CONTENT[start:stop] for start, stop in ranges]


@pytest.mark.slow
def test_no_ranges_give_nothing(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        assert source.read_many([]) == []


@pytest.mark.slow
def test_neighbours_are_read_with_one_request(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        source.read_many([(0, 10), (2000, 2010), (1000, 1010)])
        assert (source.num_requests, source.num_bytes) == (1, 2010)


def test_what_lies_far_apart_is_read_alone(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        source.read_many([(0, 10), (200_000, 200_010)])
        assert (source.num_requests, source.num_bytes) == (2, 20)


@pytest.mark.slow
def test_several_threads_read_at_once(put: Put) -> None:
    starts = range(0, len(CONTENT) - 5000, 5000)
    with ByteSource(put("a.bin", CONTENT)) as source, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda start: source.read(start, start + 5000), starts))
    assert found == [CONTENT[start : start + 5000] for start in starts]


def test_reading_past_the_end_tells_of_a_truncated_file(put: Put) -> None:
    with (
        ByteSource(put("a.bin", CONTENT)) as source,
        pytest.raises(InputFileError, match="is truncated or has changed: it has 262144 bytes"),
    ):
        source.read(len(CONTENT) - 1, len(CONTENT) + 1)


def test_a_file_that_was_cut_since_is_noticed(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        put("a.bin", CONTENT[:1000])
        with pytest.raises(InputFileError, match=r"truncated or has changed|shorter than it was"):
            source.read(500, 2000)


@pytest.mark.parametrize("given_range", [(-1, 5), (5, 4)])
def test_what_is_no_range_is_refused(put: Put, given_range: tuple[int, int]) -> None:
    with (
        ByteSource(put("a.bin", CONTENT)) as source,
        pytest.raises(InputFileError, match=r"a\.bin' is damaged: it refers to bytes"),
    ):
        source.read(*given_range)


def test_a_closed_source_cannot_be_read(put: Put) -> None:
    source = ByteSource(put("a.bin", CONTENT))
    source.close()
    with pytest.raises(InputFileError, match="is closed"):
        source.read(0, 1)


def test_a_missing_file_cannot_be_opened(put: Put) -> None:
    path = put("a.bin", CONTENT).replace("a.bin", "b.bin")
    with pytest.raises(MissingFileError, match=r"no such file: .*b\.bin"):
        ByteSource(path)


def test_a_local_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.bin").symlink_to("a.bin")
    with pytest.raises(UnreadableError, match="may not be read: Too many levels of symbolic links"):
        open_local(str(tmp_path / "a.bin"))


def test_a_directory_that_took_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="is a directory, not a file"):
        open_local(str(tmp_path))


def test_a_pipe_that_took_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.bin")
    with pytest.raises(MissingFileError, match="is a pipe, not a regular file"):
        open_local(str(tmp_path / "a.bin"))


def test_a_local_file_that_went_away_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        open_local(str(tmp_path / "a.bin"))


def test_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> bytes:
        raise OSError(5, "Input/output error")

    (tmp_path / "a.bin").write_bytes(CONTENT)
    monkeypatch.setattr(os, "pread", fail)
    with (
        ByteSource(str(tmp_path / "a.bin")) as source,
        pytest.raises(InputFileError, match=r"a\.bin' cannot be read: .*Input/output error"),
    ):
        source.read(0, 1)


def test_a_server_sends_what_is_asked_for_and_no_more(remote: str, server: RangeServer) -> None:
    with ByteSource(remote) as source:
        source.read_many([(0, 10), (200_000, 200_010)])
    assert server.num_bytes == 20


def test_large_ranges_come_in_several_requests(
    remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs_bytes, "REQUEST", 100_000)
    with ByteSource(remote) as source:
        assert source.read(0, len(CONTENT)) == CONTENT
        assert source.num_requests == 3


def test_only_what_was_lost_is_asked_for_again(remote: str, server: RangeServer) -> None:
    server.drop_every = 3
    ranges = [(start, start + 10) for start in range(0, 250_000, 80_000)]
    with ByteSource(remote) as source:
        assert source.read_many(ranges) == [CONTENT[start:stop] for start, stop in ranges]
        assert source.num_requests == 5


def test_connections_that_break_again_and_again_are_given_up(
    remote: str, server: RangeServer
) -> None:
    server.drop_every = 1
    with ByteSource(remote) as source, pytest.raises(InputFileError, match="5 attempts failed"):
        source.read(0, 100)


def test_a_server_that_is_busy_for_a_while_is_asked_again(remote: str, server: RangeServer) -> None:
    with ByteSource(remote) as source:
        server.fail_next = 3
        assert source.read(0, 100) == CONTENT[:100]


def test_a_file_that_went_away_is_missing(remote: str, server: RangeServer) -> None:
    with ByteSource(remote) as source:
        server.fail_next, server.fail_status = 1, 404
        with pytest.raises(MissingFileError, match="no such file"):
            source.read(0, 100)


def test_a_server_without_ranges_is_named(remote: str, server: RangeServer) -> None:
    server.serves_ranges = False
    with (
        ByteSource(remote) as source,
        pytest.raises(InputFileError, match=r"sends all of .* instead of a part; download"),
    ):
        source.read(0, 100)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_source_can_be_read_after_a_fork(put: Put) -> None:
    with ByteSource(put("a.bin", CONTENT)) as source:
        source.read(0, 10)
        child = os.fork()
        if child == 0:
            is_right = False
            try:
                is_right = source.read(1000, 3000) == CONTENT[1000:3000]
            finally:
                os._exit(0 if is_right else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_uproot_reads_through_the_server(make_file: MakeFile, server: RangeServer) -> None:
    make_file("x.root", 100)
    with uproot.open(server.url("x.root")) as file:
        assert list(file["tree"]["nJets"].array()) == [i % 4 for i in range(100)]


RANGES = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 60)).map(lambda r: (r[0], r[0] + r[1]))
)


@given(ranges=RANGES, gap=st.integers(0, 50), limit=st.integers(1, 200))
def test_each_range_lies_in_the_block_that_names_it(
    ranges: list[tuple[int, int]], gap: int, limit: int
) -> None:
    blocks = coalesce(ranges, gap=gap, limit=limit)
    for start, stop, members in blocks:
        assert all(start <= ranges[i][0] and ranges[i][1] <= stop for i in members)
    named = sorted(i for _, _, members in blocks for i in members)
    assert named == [i for i, (start, stop) in enumerate(ranges) if start < stop]


@given(ranges=RANGES, gap=st.integers(0, 50), limit=st.integers(1, 200))
def test_blocks_ascend_without_overlap(ranges: list[tuple[int, int]], gap: int, limit: int) -> None:
    blocks = coalesce(ranges, gap=gap, limit=limit)
    assert all(one[1] <= next_[0] for one, next_ in pairwise(blocks))


def test_a_gap_as_large_as_allowed_is_read_too() -> None:
    assert coalesce([(0, 5), (10, 15)], gap=5, limit=100) == [(0, 15, [0, 1])]


def test_a_larger_gap_is_left_out() -> None:
    assert coalesce([(0, 5), (11, 15)], gap=5, limit=100) == [(0, 5, [0]), (11, 15, [1])]


def test_neighbours_do_not_make_a_block_longer_than_the_limit() -> None:
    assert coalesce([(0, 5), (5, 15)], gap=5, limit=14) == [(0, 5, [0]), (5, 15, [1])]


def test_a_file_whose_status_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    def refuse(_: int) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", refuse)
        with pytest.raises(UnreadableError, match="may not be read: Stale file handle"):
            ByteSource(str(tmp_path / "a"))
