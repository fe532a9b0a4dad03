"""The UUID of a file whose format has none: a hash of its size and of parts of its content."""

import hashlib

from memmpy.sources.access.byte_source import ByteSource, Range

__all__ = ["former_uuid_of", "uuid_of"]

#: Number and size of the stripes of a large file.
NUM_STRIPES = 64
STRIPE = 64 << 10
#: Bytes at the end: the footer of Parquet has the statistics of all pages.
FOOTER = 1 << 20


def uuid_of(source: ByteSource) -> str:
    """Return 32 hexadecimal digits that depend on the size and the content of a file.

    memmpy reads all of a file up to 5 MiB. From a larger file it reads 64 stripes of 64 KiB, evenly
    spread, and the last MiB: files that differ only elsewhere have the same identity. Behind a URL,
    this takes at most 65 requests.
    """
    content = source.read_many(_stripes(source.size))
    digest = hashlib.sha256(b"stripes %d " % source.size)
    for stripe in content:
        digest.update(stripe)
    return digest.hexdigest()[:32]


def former_uuid_of(source: ByteSource) -> str:
    """Return the identity of memmpy 0.2 and older: of size, first MiB and last MiB."""
    size, sample = source.size, 1 << 20
    first, last = source.read_many([(0, min(sample, size)), (max(0, size - sample), size)])
    return hashlib.sha256(b"%d " % size + bytes(first) + bytes(last)).hexdigest()[:32]


def _stripes(size: int) -> list[Range]:
    """Return the ranges of bytes to hash, ascending."""
    if size <= NUM_STRIPES * STRIPE + FOOTER:
        return [(0, size)]
    starts = [(size - STRIPE) * i // (NUM_STRIPES - 1) for i in range(NUM_STRIPES)]
    return [*((start, start + STRIPE) for start in starts), (size - FOOTER, size)]
