"""Fixtures that put files on a disk, in memory, or on a server."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from memmpy.sources import ByteSource
from memmpy.sources.access import retries, server_wait
from tests.real_servers import S3Server, XrootdServer
from tests.servers import RangeServer

#: Puts a file in a place, and returns the path by which memmpy reads it.
Put = Callable[[str, bytes], str]

_numbers = count()


def in_memory(name: str, data: bytes) -> ByteSource:
    """Return a file of some content, which no other test has."""
    url = f"memory://{next(_numbers)}/{name}"
    fsspec.filesystem("memory").pipe_file(url, data)
    return ByteSource(url)


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    yield
    fsspec.filesystem("memory").store.clear()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(server_wait, "_given_up", {})
    monkeypatch.setattr(server_wait, "_noticed", {})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    """Return a running server of `tmp_path`."""
    with RangeServer(tmp_path) as running:
        yield running


@pytest.fixture
def memory() -> fsspec.AbstractFileSystem:
    """Return the filesystem of ``memory://``, which is empty."""
    return fsspec.filesystem("memory")


@pytest.fixture(params=["local", "file", "memory", "http", "root", "s3"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Put:
    """Return a function that puts a file, in each of the places."""

    def on_disk(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def at_memory(name: str, content: bytes) -> str:
        fs: fsspec.AbstractFileSystem = request.getfixturevalue("memory")
        fs.pipe_file(f"/{name}", content)
        return f"memory://{name}"

    def behind_server(name: str, content: bytes) -> str:
        on_disk(name, content)
        server: RangeServer = request.getfixturevalue("server")
        return server.url(name)

    def of_xrootd(name: str, content: bytes) -> str:
        xrootd: XrootdServer = request.getfixturevalue("xrootd")
        xrootd.put(f"{folder}/{name}", content)
        return xrootd.url(f"{folder}/{name}")

    def of_s3(name: str, content: bytes) -> str:
        s3: S3Server = request.getfixturevalue("s3")
        s3.put(f"{folder}/{name}", content)
        return s3.url(f"{folder}/{name}")

    folder = uuid4().hex
    places: dict[str, Put] = {
        "local": on_disk,
        "file": lambda name, content: f"file://{on_disk(name, content)}",
        "memory": at_memory,
        "http": behind_server,
        "root": of_xrootd,
        "s3": of_s3,
    }
    return places[request.param]
