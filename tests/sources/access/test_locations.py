"""Tests of finding and describing files, on disks and behind URLs."""

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZipFile

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from memmpy.errors import InputFileError, MissingFileError, UnreadableError
from memmpy.sources import State, Status, describe, find
from memmpy.sources.access.locations import _mtime_ns, _tag
from tests.servers import RangeServer, make_certificate
from tests.sources.conftest import Put

MOMENT = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
NANOSECONDS = 1_714_564_800_250_000_000


def names(found: list[Status]) -> list[str]:
    return [status.path.rpartition("/")[2] for status in found]


def test_a_file_is_found(put: Put) -> None:
    path = put("a.root", b"root")
    assert [status.path for status in find(path)] == [path.removeprefix("file://")]


def test_files_of_a_pattern_come_in_the_order_of_their_names(put: Put) -> None:
    for name in ("b.root", "a.root", "c.txt"):
        path = put(name, b"root")
    found = find(path.replace("c.txt", "*.root"))
    assert names(found) == ["a.root", "b.root"]


def test_what_a_pattern_found_is_described(put: Put) -> None:
    for name in ("data/a.root", "data/b.root"):
        path = put(name, name.encode())
    found = find(path.replace("b.root", "*.root"))
    assert found == [describe(status.path) for status in found]


@pytest.mark.slow
def test_two_stars_find_files_in_all_directories(put: Put) -> None:
    for name in ("all/a.root", "all/one/b.root", "all/one/two/c.root"):
        path = put(name, b"root")
    found = find(path.replace("one/two/c.root", "**/*.root"))
    assert sorted(names(found)) == ["a.root", "b.root", "c.root"]


def test_a_file_whose_name_looks_like_a_pattern_is_found(put: Put) -> None:
    assert len(find(put("run[1].root", b"root"))) == 1


def test_a_missing_file_is_named(put: Put) -> None:
    path = put("a.root", b"root").replace("a.root", "d.root")
    with pytest.raises(MissingFileError, match=r"no such file: .*d\.root"):
        find(path)


def test_a_pattern_without_files_is_named(put: Put) -> None:
    pattern = put("a.root", b"root").replace("a.root", "*.hdf")
    with pytest.raises(MissingFileError, match=r"no file matches .*\*\.hdf"):
        find(pattern)


def test_a_pattern_in_a_missing_directory_is_named(put: Put) -> None:
    pattern = put("a.root", b"root").replace("a.root", "none/*.root")
    with pytest.raises(MissingFileError, match=r"no file matches .*none/\*\.root"):
        find(pattern)


@pytest.mark.parametrize("name", ["data/", "data*"])
def test_a_directory_is_no_file(put: Put, name: str) -> None:
    path = put("data/a.root", b"root").replace("data/a.root", name)
    with pytest.raises(MissingFileError, match=r"is a directory, not a file; write .*/\*\.root"):
        find(path)


def test_relative_and_absolute_paths_are_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    monkeypatch.chdir(tmp_path)
    assert find("a.root") == find(str(tmp_path / "a.root"))


def test_a_link_is_the_file_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    (tmp_path / "link.root").symlink_to("a.root")
    assert describe(str(tmp_path / "link.root")) == describe(str(tmp_path / "a.root"))


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make what is no file in the current directory, each named after what it is."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    for name, target in [
        ("device", "/dev/zero"),
        ("link", "nowhere"),
        ("loop", "loop"),
        ("to-pipe", "pipe"),
    ]:
        (tmp_path / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        yield


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pipe", "'pipe' is a pipe, not a regular file; copy its content"),
        ("to-pipe", "'to-pipe' is a pipe"),
        ("socket", "'socket' is a socket, not"),
        ("device", "'device' is a device, not"),
        ("/dev/zero", "'/dev/zero' is a device, not"),
        ("link", "'link' is a link to 'nowhere', which is no file"),
        ("loop", "'loop' is a link to 'loop', which is no file"),
    ],
)
def test_what_is_no_regular_file_is_refused_at_once(name: str, message: str) -> None:
    for pattern in (name, f"{name[:-1]}?"):
        with pytest.raises(MissingFileError, match=message):
            find(pattern)


@pytest.mark.usefixtures("odd")
def test_an_archive_that_is_no_regular_file_is_refused_at_once() -> None:
    with pytest.raises(MissingFileError, match="'pipe' is a pipe"):
        find("zip://a.root::pipe")


def test_a_path_that_cannot_be_looked_at_says_why() -> None:
    with pytest.raises(UnreadableError, match=r"cannot look for .*name too long"):
        find("a" * 300)


def test_a_name_that_no_file_can_have_is_missing() -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        find("a\0.root")


def test_a_question_mark_of_a_web_address_is_no_pattern(
    tmp_path: Path, server: RangeServer
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    url = server.url("a.root?token=x")
    assert [status.path for status in find(url)] == [server.url("a.root?token=REDACTED")]


def test_a_question_mark_elsewhere_is_a_pattern(memory: Any) -> None:
    memory.pipe_file("/a1.root", b"root")
    assert find("memory://a?.root") == [describe("memory://a1.root")]


def test_a_host_in_brackets_is_no_pattern() -> None:
    with pytest.raises(InputFileError, match="attempts failed"):
        find("http://[0:0:0:0:0:0:0:1]:1/a.root")


def test_files_in_an_archive_are_found_with_their_archive(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.root", b"root")
    found = find(f"zip://*.root::{tmp_path / 'a.zip'}")
    assert [status.path for status in found] == [f"zip://b.root::{tmp_path / 'a.zip'}"]


def test_a_listing_that_fails_in_a_subdirectory_does_not_pass_for_an_empty_one(
    tmp_path: Path, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionResetError("reset")

    monkeypatch.setattr("fsspec.implementations.http.HTTPFileSystem._ls_real", refuse)
    with pytest.raises(InputFileError, match="5 attempts failed, the last one with: reset"):
        find(server.url("**/*.root"))


def test_a_pattern_that_may_not_be_looked_at_says_so(server: RangeServer) -> None:
    server.fail_next, server.fail_status = 1000, 403
    with pytest.raises(UnreadableError, match="may not be read"):
        find(server.url("*.root"))


def test_size_is_described(put: Put) -> None:
    assert describe(put("a.root", b"root!")).size == 5


@pytest.mark.slow
def test_a_changed_file_is_described_anew(put: Put) -> None:
    path = put("a.root", b"root")
    before = describe(path)
    put("a.root", b"changed")
    assert describe(path) != before


def test_a_local_file_is_described_as_the_disk_does(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(b"root")
    assert describe(str(path)) == Status(str(path.resolve()), 4, path.stat().st_mtime_ns, "")


def test_a_server_tells_time_and_tag(tmp_path: Path, server: RangeServer) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(b"root")
    os.utime(path, ns=(0, 1_700_000_000 * 10**9))
    status = describe(server.url("a.root"))
    assert (status.mtime_ns, status.tag) == (
        1_700_000_000 * 10**9,
        f"{1_700_000_000 * 10**9:x}-4",
    )


def test_a_state_is_all_that_changes_with_a_file() -> None:
    assert Status("/a.root", 4, 5, "tag").state == State(4, 5, "tag")


def test_a_file_behind_a_server_is_asked_for_once(tmp_path: Path, server: RangeServer) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    find(server.url("a.root"))
    assert server.num_requests == 1


class Bucket(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files whose listings say as much as is said of one file, as those of object stores do.

    Times are finer in listings, and tags have no quotes.
    """

    protocol = "bucket"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    described: ClassVar[list[str]] = []
    tag = "1a"

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix("bucket://"))

    def glob(self, path: str, **options: Any) -> Any:
        found = super().glob(path, **options)
        more = {"LastModified": MOMENT, "ETag": self.tag}
        return {name: info | more for name, info in found.items()}

    def info(self, path: str, **options: Any) -> Any:
        self.described.append(path)
        more = {"LastModified": MOMENT.replace(microsecond=0), "ETag": f'"{self.tag}"'}
        return super().info(path, **options) | more


@pytest.fixture
def bucket() -> Iterator[type[Bucket]]:
    """Return the kind of the filesystem of ``bucket://``, which has two files."""
    fsspec.register_implementation("bucket", Bucket, clobber=True)
    Bucket().pipe({"/data/a.root": b"root", "/data/b.root": b"root!"})
    Bucket.described.clear()
    yield Bucket
    Bucket.store.clear()


def test_a_listing_that_tells_all_spares_asking_for_each_file(bucket: type[Bucket]) -> None:
    found = find("bucket://data/*.root")
    assert names(found) == ["a.root", "b.root"]
    assert not {"/data/a.root", "/data/b.root"} & {*bucket.described}


def test_a_listing_tells_the_same_of_a_file_as_the_file_itself(bucket: type[Bucket]) -> None:
    found = find("bucket://data/*.root")
    assert found == [describe(status.path) for status in found]


def test_files_of_a_listing_that_tells_less_are_asked_for(
    bucket: type[Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "tag", "")
    assert [status.size for status in find("bucket://data/*.root")] == [4, 5]
    assert {"/data/a.root", "/data/b.root"} <= {*bucket.described}


def test_a_directory_cannot_be_described(memory: Any) -> None:
    memory.pipe_file("/data/a.root", b"root")
    with pytest.raises(MissingFileError, match="'memory://data' is a directory"):
        describe("memory://data")


def test_a_server_that_says_no_size_is_named(tmp_path: Path, server: RangeServer) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    server.says_size = False
    with pytest.raises(InputFileError, match=r"does not report the size of .*a\.root'; download"):
        describe(server.url("a.root"))


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"mtime": 1_714_564_800}, 1_714_564_800 * 10**9),
        ({"mtime": 1_714_564_800.25}, NANOSECONDS),
        ({"LastModified": MOMENT}, NANOSECONDS),
        ({"LastModified": MOMENT.astimezone(timezone(timedelta(hours=2)))}, NANOSECONDS),
        ({"created": MOMENT.replace(tzinfo=None)}, NANOSECONDS),
        ({"updated": "2024-05-01T12:00:00.250Z"}, NANOSECONDS),
        ({"Last-Modified": "Wed, 01 May 2024 12:00:00 GMT"}, 1_714_564_800 * 10**9),
        ({"created": MOMENT - timedelta(days=1), "mtime": MOMENT}, NANOSECONDS),
        ({"LastModified": "", "created": MOMENT}, NANOSECONDS),
        ({"Last-Modified": "yesterday"}, 0),
        ({"mtime": None}, 0),
        ({}, 0),
    ],
    ids=repr,
)
def test_times_of_filesystems_are_understood(info: dict[str, Any], expected: int) -> None:
    assert _mtime_ns(info) == expected


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"ETag": '"1a"'}, "1a"),
        ({"etag": "1a", "md5": "2b"}, "1a"),
        ({"checksum": 26}, "26"),
        ({"ETag": "", "md5Hash": "2b"}, "2b"),
        ({"size": 4}, ""),
    ],
    ids=repr,
)
def test_checksums_of_filesystems_are_tags(info: dict[str, Any], expected: str) -> None:
    assert _tag(info) == expected


@pytest.fixture
def _new_filesystems() -> Iterator[None]:
    """Keep instances that were made with another configuration out of a test."""
    kind = fsspec.get_filesystem_class("https")
    kind.clear_instance_cache()
    yield
    kind.clear_instance_cache()


@pytest.mark.usefixtures("_new_filesystems")
def test_a_file_behind_https_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made.certificate))
    for protocol in ("http", "https"):  # fsspec may know the class by the one first used
        monkeypatch.setitem(fsspec.config.conf, protocol, {"ssl": trusting})
    with RangeServer(tmp_path, certificate=made) as server:
        assert describe(server.url("key.pem")).size == made.key.stat().st_size


def test_a_certificate_that_is_not_trusted_is_refused_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        RangeServer(tmp_path, certificate=make_certificate(tmp_path)) as server,
        pytest.raises(InputFileError, match=r"cannot be read: .*CERTIFICATE_VERIFY_FAILED"),
    ):
        describe(server.url("key.pem"))
    assert not [record for record in caplog.records if record.name.startswith("memmpy")]
