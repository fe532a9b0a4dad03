"""What lies on disk: names, metadata, atomic commits, the writer's lock, checksums."""

from memmpy.store.arrayfile import (
    ArrayWriter,
    checksum,
    disk_error,
    map_array,
    refusals,
    storage_dtype,
)
from memmpy.store.checksums import bytes_of, crc_of, crc_text, joined_crc
from memmpy.store.commit import LOCK_TIMEOUT, Transaction, read_metadata, write_atomically
from memmpy.store.document import FORMAT_VERSION
from memmpy.store.layout import (
    CUTS,
    LOCK,
    METADATA,
    UNFINISHED,
    array_file,
    aside_suffix,
    hash64,
    hash_text,
)
from memmpy.store.metadata import (
    ArrayRecord,
    ColumnRecord,
    Computed,
    Metadata,
    Origin,
    Part,
    SourceRecord,
    parts_of,
)
from memmpy.store.placing import PlacedArray, copy_bytes, read_bytes, writing
from memmpy.store.sources import (
    Lineage,
    SourceEntries,
    SourceEntry,
    check_entries,
    check_sources,
    lineage_of,
    locate,
    num_filled,
    source_of,
    tree_name,
)
from memmpy.store.unfinished import Unfinished
from memmpy.store.verify import Problem, verify

__all__ = [
    "CUTS",
    "FORMAT_VERSION",
    "LOCK",
    "LOCK_TIMEOUT",
    "METADATA",
    "UNFINISHED",
    "ArrayRecord",
    "ArrayWriter",
    "ColumnRecord",
    "Computed",
    "Lineage",
    "Metadata",
    "Origin",
    "Part",
    "PlacedArray",
    "Problem",
    "SourceEntries",
    "SourceEntry",
    "SourceRecord",
    "Transaction",
    "Unfinished",
    "array_file",
    "aside_suffix",
    "bytes_of",
    "check_entries",
    "check_sources",
    "checksum",
    "copy_bytes",
    "crc_of",
    "crc_text",
    "disk_error",
    "hash64",
    "hash_text",
    "joined_crc",
    "lineage_of",
    "locate",
    "map_array",
    "num_filled",
    "parts_of",
    "read_bytes",
    "read_metadata",
    "refusals",
    "source_of",
    "storage_dtype",
    "tree_name",
    "verify",
    "write_atomically",
    "writing",
]
