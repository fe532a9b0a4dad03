"""Parses URLs, and finds the filesystem of fsspec for each."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from memmpy.errors import OptionError, nearest
from memmpy.parallel import start_thread
from memmpy.sources.access.credentials import full_url
from memmpy.sources.access.file_errors import check_regular
from memmpy.sources.access.timeouts import HTTP, S3, XROOTD, configured, options_for

__all__ = [
    "check_protocol",
    "filesystem",
    "forget",
    "is_async",
    "is_url",
    "local_path",
    "protocol_of",
    "reconnect",
    "server_of",
    "target_of",
]

#: Protocol to the extra of memmpy that installs its package.
_EXTRAS = {
    "http": "http",
    "https": "http",
    "root": "xrootd",
    "xroot": "xrootd",
    "roots": "xrootd",
    "s3": "s3",
    "s3a": "s3",
}
# Only these: other filesystems of fsspec may pass an unknown option to the library below.
_WITHOUT_LISTINGS = {*_EXTRAS, "gs", "gcs", "abfs", "abfss", "az"}


def is_url(path: str) -> bool:
    """Return whether fsspec reads a path: it has ``://``, and does not begin with ``file://``."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> str:
    """Return a local path as it is, and the path of a ``file://`` URL."""
    if not path.startswith("file://"):
        return path
    return unquote(path.removeprefix("file://").removeprefix("localhost"))


def target_of(url: str) -> tuple[str, str, str]:
    """Split a URL into the links before its address, the address, and the links after it.

    Only a chain of fsspec has such links, for example
    ``simplecache::https://host/a.root`` or ``zip://a.root::https://host/a.zip``.
    """
    links = url.split("::")
    first = next(i for i, link in enumerate(links) if "://" in link)
    before = "".join(f"{link}::" for link in links[:first])
    after = "".join(f"::{link}" for link in links[first + 1 :])
    return before, links[first], after


def protocol_of(url: str) -> str:
    """Return the protocol of the filesystem for a URL, the first protocol of a chain."""
    return next(_protocols(url))


def check_protocol(url: str) -> None:
    """Check that fsspec knows the protocols of a URL, and that their packages are installed.

    Raises
    ------
    OptionError
        If not. Names the package to install.
    """
    if re.search(r"://[^/]*\[[^]/]*::", url):
        message = f"fsspec reads the '::' in {url!r} as a chain; give the name of the host"
        raise OptionError(message)
    for protocol in _protocols(url):
        _check(url, protocol)


def filesystem(url: str) -> tuple[Any, str]:
    """Return the filesystem of a URL, and its name of the file.

    Call this for each read: fsspec caches the instances for each process, and for each thread if
    they are not safe in several threads.
    """
    import fsspec

    check_protocol(url)
    _check_local(url)
    options = {protocol: _options(protocol) for protocol in _protocols(url)}
    fs, name = fsspec.url_to_fs(full_url(url), **options)
    if protocol_of(url) in S3:
        fs.retries = 1  # all attempts are ours
    return fs, name


def is_async(url: str) -> bool:
    """Return whether all threads share the filesystem of a URL, and its connections."""
    import fsspec

    return bool(fsspec.get_filesystem_class(protocol_of(url)).async_impl)


def server_of(url: str) -> str:
    """Return protocol and host of a URL without the user; for a chain, of its last link."""
    protocol, _, rest = [link for link in url.split("::") if "://" in link][-1].partition("://")
    return f"{protocol}://{re.split('[/?#]', rest)[0].rpartition('@')[2]}"


def _options(protocol: str) -> dict[str, Any]:
    options = options_for(protocol)
    if protocol in _WITHOUT_LISTINGS:
        options["use_listings_cache"] = False
    if protocol in HTTP:
        # Ranges of a compressed answer would not be ranges of the file.
        options["headers"] = {**configured(HTTP, "headers"), "Accept-Encoding": "identity"}
    return options


def forget(url: str) -> None:
    """Drop the cached listings and open files of the filesystem of a URL."""
    fs, name = filesystem(url)
    if protocol_of(url) in XROOTD:
        # With the name, or it would close all files. The connection may be lost.
        with suppress(OSError):
            fs.invalidate_cache(name)
    else:
        fs.invalidate_cache()


def reconnect(url: str) -> None:
    """Let the client of XRootD open a file again, without waiting until the old one is closed."""
    if protocol_of(url) in XROOTD:
        start_thread(forget, url)


def _check_local(url: str) -> None:
    """Check that a local archive at the end of a chain is a regular file."""
    *links, last = url.split("::")
    path = Path(local_path(last))
    if links and not is_url(last) and path.exists():
        check_regular(last, path.stat().st_mode)


def _check(url: str, protocol: str) -> None:
    import fsspec

    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        raise OptionError(_missing_package(url, protocol, error)) from error
    except ValueError as error:
        known = nearest(protocol, fsspec.available_protocols())
        message = f"{url!r}: fsspec knows no protocol {protocol!r}{known}"
        raise OptionError(message) from error


def _protocols(url: str) -> Iterator[str]:
    """Yield the protocols of the links of a URL."""
    before, target, after = target_of(url)
    for link in [*before.split("::"), target, *after.split("::")]:
        if link and ("://" in link or link in before.split("::")):
            yield link.partition("://")[0]


def _missing_package(url: str, protocol: str, error: ImportError) -> str:
    if protocol in _EXTRAS:
        return f"reading {url!r} needs a package: pip install 'memmpy[{_EXTRAS[protocol]}]'"
    return f"reading {url!r} needs a package; fsspec says: {error}"
