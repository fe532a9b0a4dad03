"""JSON documents of stores, changed by hand and given the checksum of what they say then."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from memmpy.store.sealed import seal

__all__ = ["fields_of", "flipped", "rewrite"]


def fields_of(data: bytes) -> dict[str, Any]:
    """Return what a document says, without its checksum."""
    fields: dict[str, Any] = json.loads(data)
    del fields["checksum"]
    return fields


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield a document with each of its bits flipped."""
    for place in range(8 * len(data)):
        altered = bytearray(data)
        altered[place // 8] ^= 1 << place % 8
        yield bytes(altered)


def rewrite(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter what a document says."""
    fields = fields_of(file.read_bytes())
    change(fields)
    file.write_bytes(seal(fields))
