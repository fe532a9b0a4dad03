"""Tests of servers that are silent, refuse connections, stop, or are slow."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from memmpy.errors import MemmpyError, ServerError
from memmpy.parallel import SafeFuture, SafeThreadPool, count_interrupt, start_thread
from memmpy.sources import ByteSource, describe, find
from memmpy.sources.access import retries, server_wait, timeouts
from tests.hostile_servers import Relay, deaf_port, full_port
from tests.real_servers import S3Server, XrootdServer
from tests.servers import RangeServer

CONTENT = os.urandom(150_000)
NAME = "a.bin"

#: Gives the URL of a file behind a port of this machine.
At = Callable[[int], str]


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for long."""
    monkeypatch.setattr(timeouts, "CONNECT", 1)
    monkeypatch.setattr(timeouts, "SILENCE", 1)
    monkeypatch.setattr(retries, "MAX_LOST", 1.1)
    monkeypatch.setattr(server_wait, "NOTICE", 0.3)


@pytest.fixture(params=["http", "root", "s3"])
def at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    """Return a function that gives URLs of each protocol."""
    if request.param == "http":
        yield lambda port: f"http://127.0.0.1:{port}/{NAME}"
    elif request.param == "root":
        pytest.importorskip("fsspec_xrootd")
        yield lambda port: f"root://127.0.0.1:{port}//{NAME}"
    else:
        s3fs = pytest.importorskip("s3fs")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, "testing")

        def url(port: int) -> str:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            s3fs.S3FileSystem.clear_instance_cache()  # they know the port of before
            return f"s3://{S3Server.bucket}/{NAME}"

        yield url
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def relay(at: At, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Relay]:
    """Return what stands before a real server of each protocol, which has a file."""
    protocol = request.node.callspec.params["at"]
    if protocol == "http":
        served = request.getfixturevalue("server")
        assert isinstance(served, RangeServer)
        (tmp_path / NAME).write_bytes(CONTENT)
    else:
        served = request.getfixturevalue("xrootd" if protocol == "root" else "s3")
        assert isinstance(served, XrootdServer | S3Server)
        served.put(NAME, CONTENT)
    with Relay(served.port) as running:
        yield running


@contextmanager
def refusing_port() -> Iterator[int]:
    """Give a port at which nobody listens."""
    yield 1


@pytest.mark.slow
@pytest.mark.slow_together
@pytest.mark.parametrize("port_of", [deaf_port, full_port, refusing_port])
def test_a_server_that_does_not_answer_is_given_up_and_named(
    at: At, port_of: Callable[[], AbstractContextManager[int]]
) -> None:
    with port_of() as port:
        url = at(port)
        with pytest.raises(ServerError, match=r"cannot be read: \d attempts? failed") as caught:
            find(url)
    assert url in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)


@pytest.mark.slow
@pytest.mark.slow_together
def test_a_wait_is_said_with_the_server_and_the_file(
    at: At, caplog: pytest.LogCaptureFixture
) -> None:
    with deaf_port() as port, pytest.raises(ServerError):
        describe(url := at(port))
    [said] = [r.getMessage() for r in caplog.records if r.getMessage().startswith("waiting for")]
    assert url.rpartition("/")[0].rstrip("/") in said
    assert said.endswith(f"to read {url!r}")


@pytest.mark.slow
@pytest.mark.slow_together
def test_a_server_that_stops_in_the_middle_is_given_up(at: At, relay: Relay) -> None:
    with ByteSource(at(relay.port)) as source:
        relay.stops_at = relay.num_bytes + 50_000
        with pytest.raises(ServerError, match="failed, the last one with"):
            source.read(0, len(CONTENT))


@pytest.mark.slow
@pytest.mark.slow_together
def test_a_server_that_is_slow_and_steady_is_read_to_the_end(
    at: At, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "SILENCE", 2)
    with ByteSource(at(relay.port)) as source:
        relay.rate = 60_000  # so that it takes longer than any silence may
        assert source.read(0, len(CONTENT)) == CONTENT


@pytest.mark.slow
@pytest.mark.slow_together
def test_a_server_that_comes_back_is_read(
    at: At, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "MAX_LOST", 60.0)
    with ByteSource(at(relay.port)) as source:
        relay.stops_at = 0
        ends = threading.Timer(1.5, setattr, (relay, "stops_at", None))
        ends.start()
        assert source.read(0, len(CONTENT)) == CONTENT
        ends.join()


GIVES_UP = """
import sys
from memmpy.errors import ServerError
from memmpy.sources import ByteSource
from memmpy.sources.access import retries, timeouts
timeouts.CONNECT = timeouts.SILENCE = 1
retries.MAX_LOST = 0.0
with ByteSource(sys.argv[1]) as source:
    source.read(0, 10)
    try:
        source.read(0, source.size)
    except ServerError:
        print("given up")
"""


@pytest.mark.slow
def test_a_process_that_gave_up_a_server_ends_without_a_traceback(xrootd: XrootdServer) -> None:
    xrootd.put(NAME, CONTENT)
    with Relay(xrootd.port) as relay:
        relay.stops_at = 50_000
        url = xrootd.url(NAME, port=relay.port)
        command = [sys.executable, "-c", GIVES_UP, url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert (done.stdout, done.stderr) == ("given up\n", "")


@pytest.mark.slow
def test_a_server_that_dies_is_named(at: At, relay: Relay) -> None:
    with ByteSource(at(relay.port)) as source:
        relay.break_off()
        with pytest.raises(MemmpyError, match=f"{NAME}' cannot be read: . attempts? failed"):
            source.read(0, len(CONTENT))


def test_a_server_that_was_given_up_is_not_asked_for_other_files(server: RangeServer) -> None:
    server_wait.ServerWait(server.url("a.root"), limit=None).give_up()
    with pytest.raises(ServerError, match=r"b\.root' .*: 'http://127.*' did not answer 0 s ago"):
        describe(server.url("b.root"))
    assert server.num_requests == 0


def test_a_server_that_was_given_up_is_asked_again_later(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    server_wait.ServerWait(server.url("a.root"), limit=None).give_up()
    monkeypatch.setattr(server_wait, "REST", 0.0)
    assert describe(server.url("a.root")).size == 4


def test_other_servers_are_asked_though_one_was_given_up(
    server: RangeServer, tmp_path: Path
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    server_wait.ServerWait("http://127.0.0.1:1/a.root", limit=None).give_up()
    assert describe(server.url("a.root")).size == 4


@pytest.mark.slow
def test_a_wait_for_one_server_is_said_once(
    server: RangeServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_wait, "NOTICE", 0.0)
    event = threading.Event()
    for name in ("a.root", "b.root"):
        server_wait.ServerWait(server.url(name), limit=None).outcome(partial(event.wait, 0.5))
    assert [record.name for record in caplog.records] == ["memmpy.sources.access.server_wait"]


def test_a_server_that_answers_is_not_spoken_of(
    server: RangeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    describe(server.url("a.root"))
    assert not caplog.records


def test_a_wait_ends_at_its_limit(server: RangeServer) -> None:
    event = threading.Event()
    with pytest.raises(TimeoutError, match="no answer in"):
        server_wait.ServerWait(server.url("a.root"), limit=0.1).outcome(event.wait)
    event.set()


def test_what_an_action_raises_is_raised(server: RangeServer) -> None:
    def fail() -> None:
        raise KeyError("tree")

    with pytest.raises(KeyError, match="tree"):
        server_wait.ServerWait(server.url("a.root"), limit=None).outcome(fail)


def test_an_interrupt_ends_the_waiting_of_other_threads(server: RangeServer) -> None:
    event = threading.Event()
    wait = server_wait.ServerWait(server.url("a.root"), limit=None)
    call = SafeFuture(partial(wait.outcome, event.wait))
    thread = start_thread(call.run)
    while not call.wait(0.01):  # it may not have begun to wait
        count_interrupt()
    with pytest.raises(ServerError, match=r"reading '.*a\.root' was interrupted"):
        call.result()
    thread.join()
    event.set()


def test_threads_that_an_interrupt_ends_do_not_wait_for_a_server(server: RangeServer) -> None:
    event, begins = threading.Event(), threading.Event()

    def action() -> None:
        begins.set()
        event.wait()

    def interrupted() -> None:
        with SafeThreadPool(1) as threads:
            calls.append(
                threads.submit(server_wait.ServerWait(server.url("a"), limit=None).outcome, action)
            )
            begins.wait()
            raise KeyboardInterrupt

    calls: list[SafeFuture[None]] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ServerError, match="interrupted"):
        calls[0].result()
    event.set()


def test_a_host_without_a_name_is_given_up_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "memmpy.sources.access.locations.LIMIT", 10.0
    )  # should a resolver be silent
    with pytest.raises(ServerError, match=r"'http://no-such-host\.invalid/a\.root' cannot be read"):
        describe("http://no-such-host.invalid/a.root")
