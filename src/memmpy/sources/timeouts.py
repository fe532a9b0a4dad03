"""How long a server may be silent: the timeouts of the libraries that speak to it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["HTTP", "S3", "SILENCE", "XROOTD", "configured", "options_for"]

#: Seconds for a connection to be made, and from one byte of an answer to the next. There is no
#: limit to how long a whole answer takes: it may be large, and the network slow.
CONNECT = 15
SILENCE = 20

HTTP = {"http", "https"}
S3 = {"s3", "s3a"}
XROOTD = {"root", "roots", "xroot"}


def options_for(protocol: str) -> dict[str, Any]:
    """Return the options of fsspec's filesystem of a protocol that set its timeouts.

    The user's configuration of fsspec takes precedence.
    """
    if protocol in HTTP:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE)
        given = configured(HTTP, "client_kwargs")
        return {"client_kwargs": {"timeout": timeout, **given}}
    if protocol in S3:
        limits: dict[str, Any] = {"connect_timeout": CONNECT, "read_timeout": SILENCE}
        limits["retries"] = {"max_attempts": 0}  # all attempts are ours
        return {"config_kwargs": {**limits, **configured(S3, "config_kwargs")}}
    if protocol in XROOTD:
        _set_xrootd(CONNECT, SILENCE)
    return {}


@lru_cache(1)
def _set_xrootd(connect: int, silence: int) -> None:
    """Set the times of XRootD's client in this process, but for those in its ``XRD_`` variables."""
    from XRootD import client

    settings = {
        "StreamTimeout": silence,
        "ConnectionWindow": connect,
        "ConnectionRetry": 1,
        "StreamErrorWindow": 0,  # else it would refuse to try again for half an hour
        "TimeoutResolution": 1,
    }
    for name, value in settings.items():
        client.EnvPutInt(name, value)


def configured(protocols: set[str], option: str) -> Mapping[str, Any]:
    """Return an option that the user's configuration of fsspec has for some protocols."""
    import fsspec

    conf = fsspec.config.conf
    return {
        name: value
        for protocol in sorted(protocols)
        for name, value in conf.get(protocol, {}).get(option, {}).items()
    }
