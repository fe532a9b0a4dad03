"""The identity of a file whose format has none inside: a hash of its size and of parts of it."""

import hashlib

from memmpy.sources.byte_source import ByteSource, Range

__all__ = ["former_uuid_of", "uuid_of"]

#: How many stripes of a large file are read, and their bytes.
NUM_STRIPES = 64
STRIPE = 64 << 10
#: Bytes at the end, where the footer of Parquet lies: it has the statistics of all pages.
FOOTER = 1 << 20


def uuid_of(source: ByteSource) -> str:
    """Return 32 hexadecimal digits made of the size and the content of a file.

    All of a small file is read. Of one of more than 5 MiB memmpy reads 64 stripes of 64 KiB, evenly
    spread from its start to its end, and the last MiB: two files that differ elsewhere alone
    have one identity. Behind a URL that takes at most 65 requests.
    """
    content = source.read_many(_stripes(source.size))
    digest = hashlib.sha256(b"stripes %d " % source.size)
    for stripe in content:
        digest.update(stripe)
    return digest.hexdigest()[:32]


def former_uuid_of(source: ByteSource) -> str:
    """Return the identity that memmpy 0.2 and older gave: of size, first and last MiB."""
    size, sample = source.size, 1 << 20
    first, last = source.read_many([(0, min(sample, size)), (max(0, size - sample), size)])
    return hashlib.sha256(b"%d " % size + bytes(first) + bytes(last)).hexdigest()[:32]


def _stripes(size: int) -> list[Range]:
    """Return the ranges of bytes to read of a file, ascending."""
    if size <= NUM_STRIPES * STRIPE + FOOTER:
        return [(0, size)]
    starts = [(size - STRIPE) * i // (NUM_STRIPES - 1) for i in range(NUM_STRIPES)]
    return [*((start, start + STRIPE) for start in starts), (size - FOOTER, size)]
