"""Tests of the timeouts of the libraries that talk to servers."""

import os
import subprocess
import sys

import aiohttp
import fsspec
import pytest

from memmpy.sources.access.timeouts import CONNECT, SILENCE, options_for

SHOWS_TIMES = """
from XRootD import client
from memmpy.sources.access.timeouts import options_for
options_for("root")
print(*[client.EnvGetInt(name) for name in ("StreamTimeout", "ConnectionWindow")])
"""


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_a_web_server_may_answer_slowly_and_not_be_silent(protocol: str) -> None:
    timeout = options_for(protocol)["client_kwargs"]["timeout"]
    assert (timeout.total, timeout.sock_connect, timeout.sock_read) == (None, CONNECT, SILENCE)


def test_a_timeout_that_the_user_configured_for_the_web_goes_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeout = aiohttp.ClientTimeout(total=7)
    monkeypatch.setitem(fsspec.config.conf, "https", {"client_kwargs": {"timeout": timeout}})
    assert options_for("https")["client_kwargs"]["timeout"] is timeout


def test_a_timeout_that_the_user_configured_for_s3_goes_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": {"read_timeout": 7}})
    options = options_for("s3")["config_kwargs"]
    assert (options["connect_timeout"], options["read_timeout"]) == (CONNECT, 7)


@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, f"{SILENCE} {CONNECT}"), ({"XRD_STREAMTIMEOUT": "77"}, f"77 {CONNECT}")],
)
def test_a_variable_of_xrootd_goes_before(variables: dict[str, str], expected: str) -> None:
    pytest.importorskip("XRootD")
    done = subprocess.run(
        [sys.executable, "-c", SHOWS_TIMES],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout.strip() == expected


def test_other_protocols_have_no_timeouts() -> None:
    assert options_for("memory") == {}
