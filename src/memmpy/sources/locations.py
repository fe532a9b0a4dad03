"""Where files lie, on disks or behind URLs: found by pattern, and described."""

import errno
import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NamedTuple

from memmpy.errors import InputFileError, MissingFileError, UnreadableError
from memmpy.parallel import prefetch
from memmpy.sources.credentials import full_url, masked
from memmpy.sources.failures import check_regular, no_file, not_a_file
from memmpy.sources.retries import LIMIT, asked, is_missing
from memmpy.sources.urls import filesystem, forget, is_url, local_path, protocol_of, target_of

__all__ = ["State", "Status", "describe", "find"]

#: Files of a listing that are asked for at a time.
NUM_ASKED = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}

# What the filesystems of fsspec call the time of a change and the checksum, best ones first.
_TIMES = ["mtime", "LastModified", "Last-Modified", "last_modified", "modified", "updated"]
_TIMES += ["modify", "created"]
_TAGS = ["ETag", "etag", "checksum", "md5", "md5Hash", "Content-MD5", "content_md5", "Digest"]


class State(NamedTuple):
    """What is another one once a file has changed: see `Status`."""

    size: int
    mtime_ns: int
    tag: str


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a file without reading it.

    Parameters
    ----------
    path : str
        The real, absolute path of a local file, or the URL as it was given.
    size : int
        Bytes.
    mtime_ns : int
        When it changed, in nanoseconds since 1970; 0 where a server does not say it, and in whole
        seconds where it gives a tag.
    tag : str
        What a server says to tell contents apart, such as an ETag; empty where it says nothing,
        and for local files.
    """

    path: str
    size: int
    mtime_ns: int
    tag: str

    @property
    def state(self) -> State:
        """What tells whether the file has changed."""
        return State(self.size, self.mtime_ns, self.tag)


def find(pattern: str) -> list[Status]:
    """Return what is known of the files that a path, a URL or a pattern of either names.

    As `describe` gives it, with no more requests than that takes: where the listing of a server
    tells all of a file, the file is not asked for.

    Parameters
    ----------
    pattern : str
        With ``*``, ``?``, ``[...]`` and ``**`` for any directories. A ``?`` in the address of a
        web page is no pattern. What exists under the very name is taken as it is.

    Returns
    -------
    list of Status
        Sorted by name, each with the real, absolute path of a local file, or the full URL.

    Raises
    ------
    MissingFileError
        If there is none, or one is not a file.
    UnreadableError
        If it may not be looked at.
    InputFileError
        If a server does not answer, or does not say how large a file is.
    """
    if is_url(pattern):
        return _find_remote(masked(pattern))
    path = local_path(pattern)
    is_there = _look(path) is not None
    paths = [path] if is_there else sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not paths and not glob.has_magic(path):
        raise no_file(path)
    if not paths:
        raise MissingFileError(f"no file matches {pattern!r}")
    return [_describe_local(path) for path in paths]


def describe(path: str) -> Status:
    """Return what is known of a file, as it is now. Safe in several threads at once.

    Raises
    ------
    MissingFileError
        If there is no such file, or it is not a file.
    UnreadableError
        If it may not be looked at.
    InputFileError
        If a server does not answer, or does not say how large the file is.
    """
    return _describe_remote(masked(path)) if is_url(path) else _describe_local(local_path(path))


def _look(path: str) -> os.stat_result | None:
    """Return the status of a local path, None where there is nothing."""
    try:
        return os.stat(path)  # noqa: PTH116 - a Path takes no name for the current directory
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise UnreadableError(f"cannot look for {path!r}: {error.strerror}") from error
    except ValueError:  # no name that any file can have
        return None


def _describe_local(path: str) -> Status:
    status = _look(path)
    if status is None:
        raise no_file(path)
    check_regular(path, status.st_mode)
    return Status(os.path.realpath(path), status.st_size, status.st_mtime_ns, "")


def _describe_remote(url: str) -> Status:
    def look() -> dict[str, Any]:
        forget(url)
        fs, name = filesystem(url)
        info: dict[str, Any] = fs.info(name)
        return info

    return _status(url, asked(url, look, limit=LIMIT))


def _status(url: str, info: Mapping[str, Any]) -> Status:
    """Return what the filesystem of a URL says of it."""
    if _is_directory(url, info):
        raise not_a_file(url)
    size = info.get("size")
    if size is None:
        message = f"the server does not say how large {url!r} is; download it, and give its path"
        raise InputFileError(message)
    tag, mtime_ns = _tag(info), _mtime_ns(info)
    if tag:
        mtime_ns -= mtime_ns % 10**9  # listings may be finer than what is said of one file
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
        # A directory that cannot be listed must not pass for an empty one.
        walks = protocol_of(url) in {"http", "https", "root"}
        options = {"on_error": _raise_unless_missing} if walks else {}
        infos: dict[str, dict[str, Any]] = fs.glob(name, detail=True, **options)
        return {_full_url(url, fs, name, found): info for found, info in infos.items()}

    try:
        found = asked(url, look)
    except MissingFileError:
        found = {}
    if not found:
        raise reason
    for path, info in found.items():
        if _is_directory(path, info):
            raise not_a_file(path)
    looks = [partial(_listed_status, path, info) for path, info in sorted(found.items())]
    return list(prefetch(looks, num_threads=NUM_ASKED, depth=len(looks)))


def _listed_status(url: str, info: Mapping[str, Any]) -> Status:
    """Return what a listing says of a file, or the file itself, where a listing says less."""
    says_all = info.get("size") is not None and _mtime_ns(info) and _tag(info)
    return _status(url, info) if says_all else _describe_remote(url)


def _is_pattern(url: str) -> bool:
    protocol, _, rest = target_of(url)[1].partition("://")
    if protocol in {"http", "https"}:
        path = rest.partition("/")[2]  # an address such as [::1] is no pattern
        return "*" in path or "[" in path
    return glob.has_magic(rest)


def _raise_unless_missing(error: BaseException) -> None:
    if not is_missing(error):
        raise error


def _full_url(url: str, fs: Any, name: str, found: str) -> str:
    """Return the URL of what a filesystem found for a URL that it calls `name`."""
    before, target, after = target_of(full_url(url))
    if "://" in found:
        return masked(before + found + after)
    # What a user writes of the server, and a filesystem knows without, comes from the URL.
    tail = name.lstrip("/")
    server = target.removesuffix(tail)
    full = server + found.lstrip("/") if target.endswith(tail) else fs.unstrip_protocol(found)
    return masked(f"{before}{full}{after}")


def _is_directory(path: str, info: Mapping[str, Any]) -> bool:
    return info.get("type") == "directory" or target_of(path)[1].endswith("/")


def _mtime_ns(info: Mapping[str, Any]) -> int:
    for name in _TIMES:
        if info.get(name):
            found = _nanoseconds(info[name])
            if found:
                return found
    return 0


def _nanoseconds(time: object) -> int:
    """Return nanoseconds since 1970 of what a filesystem gives for a time, 0 if it is unclear."""
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
    return tag.strip('"')  # which headers have and listings may not
