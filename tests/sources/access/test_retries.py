"""Tests of repeated calls over the network."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from memmpy.errors import (
    InputFileError,
    MissingFileError,
    OptionError,
    ServerError,
    UnreadableError,
)
from memmpy.sources import describe
from memmpy.sources.access import retries
from memmpy.sources.access.retries import request, retry
from tests.servers import RangeServer

ADDRESS = "memory://a.root"


def failing(*errors: Exception) -> tuple[Callable[[], str], list[Exception]]:
    """Return an action that raises one error a call, and the errors that are left."""
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return action, left


def answer(status: int) -> aiohttp.ClientResponseError:
    url = URL("https://host/a.root")
    info = aiohttp.RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict()), url)
    return aiohttp.ClientResponseError(info, (), status=status, message="told")


@pytest.mark.parametrize(
    "error",
    [
        OSError("reset"),
        TimeoutError(),
        ConnectionResetError(),
        asyncio.TimeoutError(),
        aiohttp.ClientPayloadError("cut"),
        aiohttp.ServerDisconnectedError(),
        answer(408),
        answer(429),
        answer(500),
        answer(503),
    ],
    ids=repr,
)
def test_a_call_is_made_again_after_an_error_of_the_network(error: Exception) -> None:
    action, _ = failing(error)
    assert retry(ADDRESS, action) == "done"


def test_a_call_is_given_up_after_the_last_attempt() -> None:
    action, left = failing(*[OSError("reset")] * 9)
    with pytest.raises(InputFileError):
        retry(ADDRESS, action)
    assert len(left) == 9 - retries.ATTEMPTS


def test_a_call_is_given_up_once_too_much_time_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "MAX_LOST", 0.0)
    action, left = failing(*[OSError("reset")] * 9)
    with pytest.raises(ServerError, match="1 attempt failed"):
        retry(ADDRESS, action)
    assert len(left) == 8


def test_time_in_which_something_came_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "MAX_LOST", 0.0)
    monkeypatch.setattr(retries, "MINUTE", 0.0)  # all attempts take longer than that
    assert retry(ADDRESS, failing(OSError("reset"))[0]) == "done"


@pytest.mark.parametrize("name", ["EndpointConnectionError", "ReadTimeoutError"])
def test_an_error_of_the_client_of_s3_is_one_of_the_network(name: str) -> None:
    exceptions = pytest.importorskip("botocore.exceptions")
    error = getattr(exceptions, name)(endpoint_url="http://host")
    assert retry(ADDRESS, failing(error)[0]) == "done"


def test_a_call_that_a_client_did_not_take_is_shown_by_its_name() -> None:
    error = OSError("Failed to submit <bound method FileSystem.stat of <F object at 0x7>> request")
    action, _ = failing(*[error] * 9)
    with pytest.raises(InputFileError, match=r"with: Failed to submit stat request$"):
        retry(ADDRESS, action)


def test_the_last_error_names_url_attempts_and_the_first_line_of_the_reason() -> None:
    action, _ = failing(*[OSError("reset by peer\nat line 7")] * 9)
    message = rf"'{ADDRESS}' cannot be read: 5 attempts failed, the last one with: reset by peer$"
    with pytest.raises(InputFileError, match=message):
        retry(ADDRESS, action)


def test_a_reason_without_words_is_named_by_its_kind() -> None:
    action, _ = failing(*[TimeoutError()] * 9)
    with pytest.raises(InputFileError, match="the last one with: TimeoutError"):
        retry(ADDRESS, action)


def test_each_further_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    action, _ = failing(OSError("reset"), OSError("reset"))
    retry(ADDRESS, action)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage().split(" failed")[0] for record in warnings] == [
        f"{ADDRESS}: attempt 1 of 5",
        f"{ADDRESS}: attempt 2 of 5",
    ]


def test_waiting_doubles_but_for_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(retries, "FIRST_DELAY", 1.0)
    monkeypatch.setattr("memmpy.sources.access.retries.time.sleep", waited.append)
    retry(ADDRESS, failing(*[OSError()] * 4)[0])
    doubled = zip(waited, (1, 2, 4, 8), strict=True)
    assert all(0.75 * whole <= seconds <= 1.25 * whole for seconds, whole in doubled)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("a.root"), MissingFileError),
        (IsADirectoryError("a.root"), MissingFileError),
        (answer(404), MissingFileError),
        (answer(410), MissingFileError),
        (OSError("Server responded with an error: [3011] No such file"), MissingFileError),
        (PermissionError("a.root"), UnreadableError),
        (answer(401), UnreadableError),
        (answer(403), UnreadableError),
        (OSError("Server responded with an error: [3010] permission denied"), UnreadableError),
        (OSError("File stat request failed: [FATAL] Auth failed"), UnreadableError),
        (OSError("[3005] Unable to readv /a.root; illegal seek"), InputFileError),
        (answer(400), InputFileError),
        (answer(416), InputFileError),
        (aiohttp.InvalidURL("https://"), InputFileError),
    ],
    ids=repr,
)
def test_a_refusal_is_raised_at_once(error: Exception, kind: type[Exception]) -> None:
    action, left = failing(error, OSError("a second call"))
    with pytest.raises(kind):
        retry(ADDRESS, action)
    assert len(left) == 1


def test_an_unsatisfiable_range_tells_that_the_file_changed() -> None:
    with pytest.raises(InputFileError, match="is shorter than it was"):
        retry(ADDRESS, failing(answer(416))[0])


def test_a_file_that_http_calls_missing_for_another_reason_is_looked_for_again() -> None:
    error = FileNotFoundError("a.root")
    error.__cause__ = answer(503)
    assert retry(ADDRESS, failing(error)[0]) == "done"


def test_errors_that_are_no_matter_of_networks_are_left_as_they_are() -> None:
    with pytest.raises(KeyError):
        retry(ADDRESS, failing(KeyError("tree"))[0])


def test_errors_of_memmpy_are_left_as_they_are() -> None:
    action, left = failing(InputFileError("damaged"), OSError("a second call"))
    with pytest.raises(InputFileError, match="damaged"):
        retry(ADDRESS, action)
    assert len(left) == 1


def test_an_action_with_an_unknown_protocol_is_not_called() -> None:
    action, left = failing(OSError("called"))
    with pytest.raises(OptionError, match="no protocol 'nope'"):
        retry("nope://a.root", action)
    assert left


def test_whatever_a_filesystem_raises_names_the_url() -> None:
    with pytest.raises(InputFileError, match=rf"'{ADDRESS}' cannot be read: no credentials"):
        request(ADDRESS, failing(RuntimeError("no credentials"))[0])


def test_a_server_that_recovers_is_asked_again(tmp_path: Path, server: RangeServer) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    server.fail_next = 4
    assert describe(server.url("a.root")).size == 4


def test_a_server_that_is_down_is_named(server: RangeServer) -> None:
    server.fail_next = 1000
    with pytest.raises(InputFileError, match=r"5 attempts failed, .*503.*Service Unavailable"):
        describe(server.url("a.root"))


def test_a_host_that_does_not_answer_is_named() -> None:
    with pytest.raises(InputFileError, match=r"5 attempts failed, .*Cannot connect to host"):
        describe("http://127.0.0.1:1/a.root")


def test_a_server_that_forbids_is_asked_once(server: RangeServer) -> None:
    server.fail_next, server.fail_status = 1000, 403
    with pytest.raises(UnreadableError, match="may not be read: 403"):
        describe(server.url("a.root"))
    assert server.num_requests == 2  # HEAD, and GET since some servers know no HEAD
