"""Tests of parsing URLs, and of their filesystems."""

import sys

import fsspec
import pytest
from fsspec.registry import _registry

from memmpy.errors import OptionError
from memmpy.sources import describe
from memmpy.sources.access.urls import filesystem, is_url, local_path, protocol_of, target_of


@pytest.mark.parametrize(
    "path", ["root://host//a.root", "https://host/a.root", "simplecache::s3://bucket/a.root"]
)
def test_what_has_a_protocol_is_a_url(path: str) -> None:
    assert is_url(path)


@pytest.mark.parametrize("path", ["a.root", "/data/a.root", "run:1/a.root", "file:///a.root"])
def test_what_lies_on_a_disk_is_no_url(path: str) -> None:
    assert not is_url(path)


def test_the_path_of_a_file_url_is_unquoted() -> None:
    assert local_path("file://localhost/data/my%20events.root") == "/data/my events.root"


def test_a_path_with_a_percent_sign_stays_as_it_is() -> None:
    assert local_path("/data/50%25.root") == "/data/50%25.root"


def test_a_chain_is_split_at_its_first_address() -> None:
    url = "simplecache::zip://a.root::https://host/a.zip"
    assert target_of(url) == ("simplecache::", "zip://a.root", "::https://host/a.zip")


def test_the_protocol_of_a_chain_is_that_of_its_first_link() -> None:
    assert protocol_of("simplecache::https://host/a.root") == "simplecache"


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("https://host/a.root", "fsspec.implementations.http", "http"),
        ("root://host//a.root", "fsspec_xrootd", "xrootd"),
        ("s3://bucket/a.root", "s3fs", "s3"),
        ("simplecache::s3://bucket/a.root", "s3fs", "s3"),
    ],
)
def test_a_missing_package_is_named_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for protocol in ("https", "root", "s3"):
        monkeypatch.delitem(_registry, protocol, raising=False)
    with pytest.raises(OptionError, match=rf"pip install 'memmpy\[{extra}\]'"):
        describe(url)


def test_a_missing_package_of_another_protocol_is_named_by_fsspec(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.implementations.sftp", None)
    monkeypatch.delitem(_registry, "sftp", raising=False)
    with pytest.raises(OptionError, match=r"fsspec says: .*paramiko"):
        describe("sftp://host/a.root")


def test_an_unknown_protocol_is_named_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"knows no protocol 'htps'; nearest: .*http"):
        describe("htps://host/a.root")


def test_a_host_whose_short_address_fsspec_cannot_take_is_refused() -> None:
    with pytest.raises(OptionError, match="give the name of the host"):
        describe("https://[::1]:8080/a.root")


def test_headers_that_the_user_configured_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "https", {"headers": {"Authorization": "Bearer x"}})
    fs, _ = filesystem("https://host/a.root")
    assert fs.kwargs["headers"] == {"Authorization": "Bearer x", "Accept-Encoding": "identity"}
