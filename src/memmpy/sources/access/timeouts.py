"""Timeouts of the libraries that talk to servers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["HTTP", "S3", "SILENCE", "XROOTD", "configured", "options_for"]

#: Seconds to connect, and between two bytes of an answer. The whole answer has no limit, since it
#: may be large, and the network slow.
CONNECT = 15
SILENCE = 20

HTTP = {"http", "https"}
S3 = {"s3", "s3a"}
XROOTD = {"root", "roots", "xroot"}


def options_for(protocol: str) -> dict[str, Any]:
    """Return options with timeouts for the filesystem of a protocol.

    The user's configuration of fsspec takes precedence.
    """
    if protocol in HTTP:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE)
        return {"client_kwargs": {"timeout": timeout, **configured(HTTP, "client_kwargs")}}
    if protocol in S3:
        limits: dict[str, Any] = {"connect_timeout": CONNECT, "read_timeout": SILENCE}
        limits["retries"] = {"max_attempts": 0}  # memmpy repeats the requests
        return {"config_kwargs": {**limits, **configured(S3, "config_kwargs")}}
    if protocol in XROOTD:
        _set_xrootd(CONNECT, SILENCE)
    return {}


@lru_cache(1)
def _set_xrootd(connect: int, silence: int) -> None:
    """Set the timeouts of the client of XRootD, except those in ``XRD_`` variables."""
    from XRootD import client

    settings = {
        "StreamTimeout": silence,
        "ConnectionWindow": connect,
        "ConnectionRetry": 1,
        "StreamErrorWindow": 0,  # otherwise the client refuses new attempts for half an hour
        "TimeoutResolution": 1,
    }
    for name, value in settings.items():
        client.EnvPutInt(name, value)


def configured(protocols: set[str], option: str) -> Mapping[str, Any]:
    """Return an option of some protocols in the user's configuration of fsspec."""
    import fsspec

    conf = fsspec.config.conf
    return {
        name: value
        for protocol in sorted(protocols)
        for name, value in conf.get(protocol, {}).get(option, {}).items()
    }
