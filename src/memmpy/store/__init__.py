"""What lies on disk: names, metadata, atomic commits, the writer's lock, checksums."""

from memmpy.store.arrayfile import ArrayWriter, checksum, disk_error, map_array, storage_dtype
from memmpy.store.commit import LOCK_TIMEOUT, Transaction, read_metadata, write_atomically
from memmpy.store.document import FORMAT_VERSION
from memmpy.store.layout import CUTS, LOCK, METADATA, array_file, hash64, hash_text
from memmpy.store.metadata import (
    ArrayRecord,
    ColumnRecord,
    Computed,
    Metadata,
    Origin,
    SourceRecord,
    parts_of,
)
from memmpy.store.verify import Problem, verify

__all__ = [
    "CUTS",
    "FORMAT_VERSION",
    "LOCK",
    "LOCK_TIMEOUT",
    "METADATA",
    "ArrayRecord",
    "ArrayWriter",
    "ColumnRecord",
    "Computed",
    "Metadata",
    "Origin",
    "Problem",
    "SourceRecord",
    "Transaction",
    "array_file",
    "checksum",
    "disk_error",
    "hash64",
    "hash_text",
    "map_array",
    "parts_of",
    "read_metadata",
    "storage_dtype",
    "verify",
    "write_atomically",
]
