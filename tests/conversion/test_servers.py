"""Conversion from real servers, and from servers that die or require a token."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, convert
from memmpy.errors import MissingFileError, OptionError, ServerError
from memmpy.sources import State, check_unchanged
from memmpy.sources.access import retries, server_wait, timeouts
from tests.conftest import MakeFile
from tests.hostile_servers import Relay
from tests.servers import RangeServer

KEYS = {"met", "eventNumber", "jet_pt"}

#: Puts the file of a path on a server under a name, and returns its URL.
Put = Callable[[Path, str], str]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(server_wait, "_given_up", {})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    """Return a running server of `tmp_path`."""
    with RangeServer(tmp_path) as running:
        yield running


@pytest.fixture(params=["root", "s3"])
def put(request: pytest.FixtureRequest) -> Put:
    """Return a function that puts a file on each of the servers."""
    server = request.getfixturevalue("xrootd" if request.param == "root" else "s3")
    folder = uuid4().hex

    def put(path: Path, name: str) -> str:
        server.put(f"{folder}/{name}", path.read_bytes())
        return str(server.url(f"{folder}/{name}"))

    return put


@pytest.mark.slow_together
def test_a_pattern_gives_the_columns_of_the_files(
    put: Put, make_file: MakeFile, tmp_path: Path
) -> None:
    paths = [make_file(f"{name}.root", 20, first=20 * i) for i, name in enumerate("ab")]
    urls = [put(path, path.name) for path in paths]
    convert(paths, tmp_path / "local", keys=KEYS)
    convert(urls[0].replace("a.root", "*.root"), tmp_path / "remote", keys=KEYS)
    local, remote = memmpy.open(tmp_path / "local"), memmpy.open(tmp_path / "remote")
    assert len(remote["met"]) == 40
    for key in ("met", "eventNumber"):
        np.testing.assert_array_equal(remote[key], local[key], strict=True)
    assert remote["jet_pt"][:] == local["jet_pt"][:]


@pytest.mark.slow_together
def test_a_missing_file_is_named(put: Put, make_file: MakeFile, tmp_path: Path) -> None:
    url = put(make_file(), "a.root").replace("a.root", "b.root")
    with pytest.raises(MissingFileError, match=r"no such file: .*b\.root"):
        convert(url, tmp_path / "s", keys=KEYS)


@pytest.mark.slow
def test_what_did_not_change_is_not_read_again(
    put: Put, make_file: MakeFile, tmp_path: Path
) -> None:
    url = put(make_file(), "a.root")
    convert(url, tmp_path / "s", keys=KEYS)
    assert convert(url, tmp_path / "s", keys=KEYS).was_cached


@pytest.mark.slow
def test_a_file_that_changed_is_read_again(put: Put, make_file: MakeFile, tmp_path: Path) -> None:
    convert(put(make_file(num=10), "a.root"), tmp_path / "s", keys={"met"})
    url = put(make_file(num=12), "a.root")
    assert convert(url, tmp_path / "s", keys={"met"}).read == {url: ("met",)}
    assert len(memmpy.open(tmp_path / "s")["met"]) == 12


@pytest.fixture
def relayed(
    server: RangeServer, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Relay, list[str]]]:
    """Return what stands before a server, and the URLs of files behind it."""
    monkeypatch.setattr(timeouts, "SILENCE", 1)
    monkeypatch.setattr(retries, "MAX_LOST", 1.1)
    names = [make_file(f"{i}.root", 5000, first=5000 * i).name for i in range(6)]
    with Relay(server.port) as relay:
        yield relay, [f"http://127.0.0.1:{relay.port}/{name}" for name in names]


@pytest.mark.slow
def test_a_server_that_dies_leaves_what_was_read_to_the_next_call(
    relayed: tuple[Relay, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, urls = relayed
    convert(urls, tmp_path / "whole", keys=KEYS)
    num_whole = relay.num_bytes
    relay.stops_at = num_whole * 17 // 10  # late: several files are read at once
    with pytest.raises(ServerError, match=r"/5\.root' cannot be read: .*'http://127\.0\.0\.1:"):
        convert(urls, tmp_path / "s", keys=KEYS)
    relay.stops_at, relay.num_bytes = None, 0
    monkeypatch.setattr(server_wait, "REST", 0.0)
    assert convert(urls, tmp_path / "s", keys=KEYS).num_entries == 30_000
    assert relay.num_bytes < num_whole
    whole, resumed = memmpy.open(tmp_path / "whole"), memmpy.open(tmp_path / "s")
    np.testing.assert_array_equal(resumed["eventNumber"], whole["eventNumber"], strict=True)


def test_a_server_that_does_not_answer_is_not_asked_whether_its_file_changed(
    server: RangeServer,
) -> None:
    state = State(4, 0, "")
    with pytest.raises(ServerError, match="of the reader"), check_unchanged(server.url("a"), state):
        raise ServerError("of the reader")
    assert server.num_requests == 0


@pytest.fixture
def guarded(server: RangeServer, make_file: MakeFile) -> RangeServer:
    """Return a server of a file that wants a token."""
    make_file("events.root", 100)
    server.token = "s3cr3t"
    return server


def test_a_store_has_no_credentials(guarded: RangeServer, tmp_path: Path) -> None:
    config = RFileConfig(guarded.url("events.root?token=s3cr3t"), metadata={"process": "ttH"})
    done = convert(config, tmp_path / "s", keys=KEYS)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file())
    assert b"events.root?token=REDACTED" in kept
    assert "s3cr3t" not in f"{kept!r}{config!r}{done!r}{done}"


def test_a_renewed_token_names_the_same_file(guarded: RangeServer, tmp_path: Path) -> None:
    convert(guarded.url("events.root?token=s3cr3t"), tmp_path / "s", keys=KEYS)
    guarded.token = "renewed"
    assert convert(guarded.url("events.root?token=renewed"), tmp_path / "s", keys=KEYS).was_cached


def test_a_column_is_added_with_the_credentials_of_the_call(
    guarded: RangeServer, tmp_path: Path
) -> None:
    convert(guarded.url("events.root?token=s3cr3t"), tmp_path / "s", keys=KEYS)
    guarded.token = "renewed"
    url = guarded.url("events.root?token=renewed")
    assert convert(url, tmp_path / "s", keys={*KEYS, "weight"}).num_entries == 100


def test_a_copy_of_a_known_file_is_compared_with_the_credentials_of_the_call(
    guarded: RangeServer, tmp_path: Path
) -> None:
    (tmp_path / "copy.root").write_bytes((tmp_path / "events.root").read_bytes())
    urls = [guarded.url(f"{name}.root?token=s3cr3t") for name in ("events", "copy")]
    convert(urls[0], tmp_path / "s", keys=KEYS)
    with pytest.raises(OptionError, match="holds the same events"):
        convert(urls, tmp_path / "s", keys=KEYS)
