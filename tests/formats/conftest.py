"""Files that lie in a memory, so that tests can make many of them."""

from collections.abc import Iterator
from itertools import count

import fsspec
import pytest

from memmpy.inputs import ByteSource

__all__ = ["in_memory"]

_numbers = count()


def in_memory(name: str, data: bytes) -> ByteSource:
    """Return a file of some content, which no other test has."""
    url = f"memory://{next(_numbers)}/{name}"
    fsspec.filesystem("memory").pipe_file(url, data)
    return ByteSource(url)


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    yield
    fsspec.filesystem("memory").store.clear()
