"""Tests that credentials in URLs are used and never shown."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memmpy.errors import MemmpyError, UnreadableError
from memmpy.sources import ByteSource, describe, find, masked
from memmpy.sources.access.credentials import Url, full_url, without_credentials
from tests.real_servers import S3Server
from tests.servers import RangeServer

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:s3cr3t@host/a.root", "https://REDACTED@host/a.root"),
        ("https://s3cr3t@host/a.root", "https://REDACTED@host/a.root"),
        ("https://me:s3cr3t@s3cr3t@host:1/a", "https://REDACTED@host:1/a"),
        ("root://me:s3cr3t@host:1094//a.root", "root://me:REDACTED@host:1094//a.root"),
        ("sftp://me:s3cr3t@host/a.root", "sftp://me:REDACTED@host/a.root"),
        ("s3://me:s3cr3t@bucket/a.root", "s3://me:REDACTED@bucket/a.root"),
        ("https://host/a.root?token=s3cr3t", "https://host/a.root?token=REDACTED"),
        ("https://h/a?x=1&access_token=s3cr3t&y=2", "https://h/a?x=1&access_token=REDACTED&y=2"),
        ("root://h//a?authz=Bearer%20s3cr3t", "root://h//a?authz=REDACTED"),
        ("https://h/a?API-Key=s3cr3t", "https://h/a?API-Key=REDACTED"),
        ("https://h/a?alt=media&key=s3cr3t", "https://h/a?alt=media&key=REDACTED"),
        ("https://h/a?password=s3cr3t#x", "https://h/a?password=REDACTED#x"),
        (
            "https://b.s3.amazonaws.com/a.root?X-Amz-Credential=s3cr3t&X-Amz-Signature=s3cr3t",
            "https://b.s3.amazonaws.com/a.root?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED",
        ),
        (
            "https://b/a?AWSAccessKeyId=s3cr3t&Signature=s3cr3t&Expires=17",
            "https://b/a?AWSAccessKeyId=REDACTED&Signature=REDACTED&Expires=REDACTED",
        ),
        ("https://h/a?sv=2020&se=2024&sig=s3cr3t", "https://h/a?sv=2020&se=REDACTED&sig=REDACTED"),
        ("simplecache::https://me:s3cr3t@h/a", "simplecache::https://REDACTED@h/a"),
        ("zip://a::https://h/a.zip?token=s3cr3t", "zip://a::https://h/a.zip?token=REDACTED"),
        ("zip://a?token=s3cr3t::https://h/a.zip", "zip://a?token=REDACTED::https://h/a.zip"),
    ],
)
def test_credentials_are_not_shown(url: str, shown: str) -> None:
    given = masked(url)
    assert (given, full_url(given)) == (shown, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://host:8080/a.root",
        "root://me@host:1094//store/a.root",
        "root://host:1094//store/a@b:c@d.root",
        "https://host/run@2/a.root",
        "https://host/get?file=a.root&page=2",
        "https://host/get?key=data/a.root",
        "s3://bucket/a.root",
        "/data/token=1.root",
    ],
)
def test_a_path_without_credentials_stays_as_it_is(url: str) -> None:
    assert masked(url) is url


def test_credentials_in_the_words_of_a_library_are_not_shown() -> None:
    text = "403, message='Forbidden', url='https://me:s3cr3t@host/a?token=s3cr3t'"
    assert SECRET not in without_credentials(text)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, masked, pickle.dumps])
def test_a_copy_of_a_url_has_its_credentials(copied: Callable[[Any], Any]) -> None:
    url = copied(Url(f"https://host/a?token={SECRET}"))
    url = pickle.loads(url) if isinstance(url, bytes) else url
    assert (url, full_url(url)) == (
        "https://host/a?token=REDACTED",
        f"https://host/a?token={SECRET}",
    )


@pytest.mark.parametrize("write", [repr, str, json.dumps, "{}".format, lambda url: url + ""])
def test_a_url_is_written_without_its_credentials(write: Callable[[str], str]) -> None:
    assert SECRET not in write(Url(f"https://host/a?token={SECRET}"))


def test_a_url_with_a_renewed_token_is_the_same() -> None:
    one, other = Url("https://host/a?token=one"), Url("https://host/a?token=other")
    assert (one, hash(one)) == (other, hash(other))


@pytest.fixture
def guarded(server: RangeServer, tmp_path: Path) -> RangeServer:
    """Return a server of a file that wants a token."""
    (tmp_path / "a.root").write_bytes(b"root")
    server.token = SECRET
    return server


@pytest.fixture(params=["token", "user"])
def url(request: pytest.FixtureRequest, guarded: RangeServer) -> str:
    """Return the URL of its file, with the token in one of two places."""
    if request.param == "token":
        return guarded.url(f"a.root?token={SECRET}")
    return guarded.url("a.root", user=f"me:{SECRET}@")


def test_credentials_are_used(url: str) -> None:
    [found] = find(url)
    assert found == describe(found.path) == describe(url)
    with ByteSource(found.path) as source:
        assert source.read(0, 4) == b"root"


def test_a_pattern_uses_credentials(guarded: RangeServer) -> None:
    [found] = find(guarded.url("*.root", user=f"me:{SECRET}@"))
    assert SECRET not in found.path
    with ByteSource(found.path) as source:
        assert source.read(0, 4) == b"root"


def test_what_is_known_of_a_file_shows_no_credentials(url: str) -> None:
    assert SECRET not in repr(find(url)) + repr(describe(url))


def test_a_file_without_its_credentials_may_not_be_read(url: str) -> None:
    with pytest.raises(UnreadableError, match="may not be read: 403"):
        describe(str(masked(url)) + "")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 416, 500, 503])
def test_no_error_no_traceback_and_no_log_shows_credentials(
    url: str, status: int, guarded: RangeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    guarded.fail_next, guarded.fail_status = 10_000, status
    with pytest.raises(MemmpyError) as caught:
        find(url)
    assert "a.root" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_no_error_of_a_connection_shows_credentials(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(MemmpyError) as caught:
        find(f"http://me:{SECRET}@127.0.0.1:1/a.root?token={SECRET}")
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_damaged_file_is_named_without_credentials(url: str) -> None:
    with ByteSource(url) as source, pytest.raises(MemmpyError) as caught:
        source.read(3, 2)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_presigned_address_is_read_and_not_shown(s3: S3Server) -> None:
    s3.put("signed/a.root", b"root")
    url = s3.presigned("signed/a.root")
    with ByteSource(url) as source:
        assert source.read(0, 4) == b"root"
        assert source.path == masked(url) != url
