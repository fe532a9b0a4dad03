"""Hides the credentials of URLs in messages, logs and documents."""

import re
from typing import final

__all__ = ["Url", "full_url", "masked", "without_credentials"]

#: Replaces a credential.
MASK = "REDACTED"

#: ``user:password@``, and in web addresses ``token@``. Other names are no secrets.
_WEB_USER = re.compile(r"(https?://)[^/?#\s'\"]+@", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^/?#\s'\"@:]*):[^/?#\s'\"]*@")
#: Parameters of a query that are credentials, or that change with each signature.
_PARAMETER = re.compile(
    r"""([?&;](?:
        [^=&;\#\s'"]*(?:auth|cred|passw|secret|signature|token|jwt|bearer|session|x-amz-|x-goog-)[^=&;\#\s'"]*
        | (?:aws|google)?access_?-?key_?-?(?:id)? | googleaccessid | api_?-?key | key-pair-id
        | pass | pwd | policy | sig | se | st | ske | skt | expires | ticket
        | key(?==[^&;./]*(?:[&;\#\s'"]|$))  # with a dot or a slash it names a file
    )=)(?:(?!::)[^&;\#\s'"<>])*""",
    re.IGNORECASE | re.VERBOSE,
)


@final
class Url(str):
    """The text of a URL without its credentials, which are in `full`.

    Two presigned URLs of the same file are equal, and have the same hash.

    Parameters
    ----------
    full : str
        The URL with its credentials.

    Attributes
    ----------
    full : str
        The same.
    """

    full: str

    def __new__(cls, full: str) -> "Url":  # noqa: D102 - as the class says
        url = super().__new__(cls, without_credentials(full))
        url.full = full
        return url


def masked(path: str) -> str:
    """Return a URL with credentials as a `Url`, and any other path unchanged."""
    if isinstance(path, Url) or "://" not in path or without_credentials(path) == path:
        return path
    return Url(path)


def full_url(url: str) -> str:
    """Return a URL with its credentials, for the server."""
    return url.full if isinstance(url, Url) else url


def without_credentials(text: str) -> str:
    """Return a text with the credentials of all its URLs replaced."""
    text = _WEB_USER.sub(rf"\g<1>{MASK}@", text)
    text = _PASSWORD.sub(rf"\g<1>:{MASK}@", text)
    return _PARAMETER.sub(rf"\g<1>{MASK}", text)
