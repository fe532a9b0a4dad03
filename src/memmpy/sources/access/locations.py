"""Finds files by path, URL or pattern, and describes them: size, time and tag."""

import errno
import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NamedTuple

from memmpy.errors import InputFileError, MissingFileError, UnreadableError, nearest_file
from memmpy.parallel import prefetch
from memmpy.sources.access.credentials import full_url, masked
from memmpy.sources.access.file_errors import check_regular, directory_error, missing_file_error
from memmpy.sources.access.retries import LIMIT, is_missing, request
from memmpy.sources.access.urls import (
    filesystem,
    forget,
    is_url,
    local_path,
    protocol_of,
    target_of,
)

__all__ = ["State", "Status", "check_state", "describe", "find"]

#: Concurrent requests for the files of a listing.
NUM_REQUESTS = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}

# Names of time and checksum in the filesystems of fsspec, the best ones first.
_TIMES = ["mtime", "LastModified", "Last-Modified", "last_modified", "modified", "updated"]
_TIMES += ["modify", "created"]
_TAGS = ["ETag", "etag", "checksum", "md5", "md5Hash", "Content-MD5", "content_md5", "Digest"]


class State(NamedTuple):
    """Size, time and tag of a file, which change when the file does: see `Status`."""

    size: int
    mtime_ns: int
    tag: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a file, known without reading it.

    Parameters
    ----------
    path : str
        The real, absolute path of a local file, or the URL as the user gave it.
    size : int
        Size in bytes.
    mtime_ns : int
        Time of the last change, in nanoseconds since 1970. 0 if a server does not report it; in
        whole seconds if the server gives a tag.
    tag : str
        Tag of the content from a server, such as an ETag. Empty for local files.
    """

    path: str
    size: int
    mtime_ns: int
    tag: str

    @property
    def state(self) -> State:
        """The state, which differs once the file has changed."""
        return State(self.size, self.mtime_ns, self.tag)


def find(pattern: str) -> list[Status]:
    """Return the status of each file that a path, a URL or a pattern matches.

    Makes no more requests than necessary: a listing of the server may already tell the status.

    Parameters
    ----------
    pattern : str
        May have ``*``, ``?``, ``[...]``, and ``**`` for any directories. A ``?`` in a web address
        is no pattern. A file whose name is the pattern itself comes first.

    Returns
    -------
    list of Status
        Sorted by name, with the real, absolute path of a local file, or the full URL.

    Raises
    ------
    MissingFileError
        If nothing matches, or a match is not a file.
    UnreadableError
        If the permission is missing.
    InputFileError
        If a server does not answer, or does not report the size of a file.
    """
    if is_url(pattern):
        return _find_remote(masked(pattern))
    path = local_path(pattern)
    is_there = _look(path) is not None
    paths = [path] if is_there else sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not paths and not glob.has_magic(path):
        raise missing_file_error(path)
    if not paths:
        raise MissingFileError(f"no file matches {pattern!r}{nearest_file(path)}")
    return [_describe_local(path) for path in paths]


def describe(path: str) -> Status:
    """Return the current status of a file. Several threads may call this at once.

    Raises
    ------
    MissingFileError
        If the path is missing, or is not a file.
    UnreadableError
        If the permission is missing.
    InputFileError
        If a server does not answer, or does not report the size of the file.
    """
    return _describe_remote(masked(path)) if is_url(path) else _describe_local(local_path(path))


def check_state(path: str, state: State, expected: State) -> None:
    """Raise an `InputFileError` if a file has another state than expected."""
    if state != expected:
        raise InputFileError(f"{path!r} has changed while it was converted; run again")


def _look(path: str) -> os.stat_result | None:
    """Return the status of a local path, or None if it does not exist."""
    try:
        return os.stat(path)  # noqa: PTH116 - a Path takes no name for the current directory
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise UnreadableError(f"cannot look for {path!r}: {error.strerror}") from error
    except ValueError:  # no valid file name
        return None


def _describe_local(path: str) -> Status:
    status = _look(path)
    if status is None:
        raise missing_file_error(path)
    check_regular(path, status.st_mode)
    return Status(os.path.realpath(path), status.st_size, status.st_mtime_ns, "")


def _describe_remote(url: str) -> Status:
    def look() -> dict[str, Any]:
        forget(url)
        fs, name = filesystem(url)
        info: dict[str, Any] = fs.info(name)
        return info

    return _status(url, request(url, look, limit=LIMIT))


def _status(url: str, info: Mapping[str, Any]) -> Status:
    """Return the status of a URL from what its filesystem reports."""
    if _is_directory(url, info):
        raise directory_error(url)
    size = info.get("size")
    if size is None:
        message = f"the server does not report the size of {url!r}; download it, and give its path"
        raise InputFileError(message)
    tag, mtime_ns = _tag(info), _mtime_ns(info)
    if tag:
        mtime_ns -= mtime_ns % 10**9  # a listing may be finer than the status of one file
    return Status(url, int(size), mtime_ns, tag)


def _find_remote(url: str) -> list[Status]:
    if not _is_pattern(url):
        return [_describe_remote(url)]
    missing = MissingFileError(f"no file matches {url!r}")
    try:
        return [_describe_remote(url)]
    except MissingFileError:
        reason: MissingFileError | UnreadableError = missing
    except UnreadableError as error:
        reason = error

    def look() -> dict[str, dict[str, Any]]:
        forget(url)
        fs, name = filesystem(url)
        # An error of listing a directory must not look like an empty directory.
        walks = protocol_of(url) in {"http", "https", "root"}
        options = {"on_error": _raise_unless_missing} if walks else {}
        infos: dict[str, dict[str, Any]] = fs.glob(name, detail=True, **options)
        return {_full_url(url, fs, name, match): info for match, info in infos.items()}

    try:
        files = request(url, look)
    except MissingFileError:
        files = {}
    if not files:
        raise reason
    for path, info in files.items():
        if _is_directory(path, info):
            raise directory_error(path)
    looks = [partial(_listed_status, path, info) for path, info in sorted(files.items())]
    return list(prefetch(looks, num_threads=NUM_REQUESTS, depth=len(looks)))


def _listed_status(url: str, info: Mapping[str, Any]) -> Status:
    """Return the status of a file from a listing, or from a request if the listing lacks facts."""
    is_complete = info.get("size") is not None and _mtime_ns(info) and _tag(info)
    return _status(url, info) if is_complete else _describe_remote(url)


def _is_pattern(url: str) -> bool:
    protocol, _, rest = target_of(url)[1].partition("://")
    if protocol in {"http", "https"}:
        path = rest.partition("/")[2]  # an address such as [::1] is no pattern
        return "*" in path or "[" in path
    return glob.has_magic(rest)


def _raise_unless_missing(error: BaseException) -> None:
    if not is_missing(error):
        raise error


def _full_url(url: str, fs: Any, name: str, match: str) -> str:
    """Return the URL of a match of a filesystem; `name` is its name of the pattern."""
    before, target, after = target_of(full_url(url))
    if "://" in match:
        return masked(before + match + after)
    # The filesystem leaves out the server, which the user wrote in the URL.
    tail = name.lstrip("/")
    server = target.removesuffix(tail)
    full = server + match.lstrip("/") if target.endswith(tail) else fs.unstrip_protocol(match)
    return masked(f"{before}{full}{after}")


def _is_directory(path: str, info: Mapping[str, Any]) -> bool:
    return info.get("type") == "directory" or target_of(path)[1].endswith("/")


def _mtime_ns(info: Mapping[str, Any]) -> int:
    for name in _TIMES:
        if info.get(name):
            time_ns = _nanoseconds(info[name])
            if time_ns:
                return time_ns
    return 0


def _nanoseconds(time: object) -> int:
    """Return a time of a filesystem in nanoseconds since 1970, or 0 if it is unclear."""
    if isinstance(time, str):
        try:
            time = _parsed(time)
        except ValueError:
            return 0
    if isinstance(time, datetime):
        aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(time, int):
        return time * 10**9
    return round(time * 1e6) * 1000 if isinstance(time, float) else 0


def _parsed(text: str) -> datetime:
    if text[:4].isdigit():
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    return parsedate_to_datetime(text)


def _tag(info: Mapping[str, Any]) -> str:
    tag = next((str(info[name]) for name in _TAGS if info.get(name)), "")
    return tag.strip('"')  # headers have quotes, listings may not
