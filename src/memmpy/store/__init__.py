"""Files of a store on disk: names, metadata, atomic commits, the writer's lock and checksums."""

from memmpy.store.atomic import sync_directory, write_atomically, write_in_folder
from memmpy.store.checksums import bytes_of, combine_crc, crc_of, crc_of_text, crc_text
from memmpy.store.commit import LOCK_TIMEOUT, Transaction, leftover_files, read_metadata
from memmpy.store.computation import Computed
from memmpy.store.exact_io import PartWriter, read_exactly, write_exactly
from memmpy.store.file_names import (
    CUTS,
    LOCK,
    METADATA,
    SKIM_METADATA,
    UNFINISHED,
    array_file,
    hash64,
    hash_text,
    is_array_file,
    repair_folder,
    temp_suffix,
)
from memmpy.store.flock import FileLock
from memmpy.store.friend_record import FriendRecord, id_with_friends
from memmpy.store.json_document import Format, parse
from memmpy.store.json_types import Checksum, Count, Hash, JsonObject, from_json, to_json
from memmpy.store.lock import hold_lock, wait_for
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata, Origin, are_unchanged
from memmpy.store.metadata_document import FORMAT_VERSION
from memmpy.store.npy_file import ArrayWriter, checksum, header_of, map_array, storage_dtype
from memmpy.store.number_record import NumberRecord, has_current_numbers
from memmpy.store.random_access import RandomAccessArray, read_range
from memmpy.store.safe_open import (
    disk_error,
    is_real_folder,
    kind_of_file,
    open_to_read,
    read_document,
    read_errors,
    remove_files,
    remove_folder,
    translate_os_errors,
)
from memmpy.store.source_records import (
    Lineage,
    SourceEntries,
    SourceEntry,
    check_sources,
    lineage_of,
    locate,
    num_filled,
    source_numbers,
    source_of,
)
from memmpy.store.tree_source import (
    Part,
    SourceRecord,
    events_of,
    part_finder,
    parts_of,
    process_names,
    process_of,
    tree_name,
)
from memmpy.store.unfinished import Unfinished
from memmpy.store.verify import Problem, array_problem, verify_columns

__all__ = [
    "CUTS",
    "FORMAT_VERSION",
    "LOCK",
    "LOCK_TIMEOUT",
    "METADATA",
    "SKIM_METADATA",
    "UNFINISHED",
    "ArrayRecord",
    "ArrayWriter",
    "Checksum",
    "ColumnRecord",
    "Computed",
    "Count",
    "FileLock",
    "Format",
    "FriendRecord",
    "Hash",
    "JsonObject",
    "Lineage",
    "Metadata",
    "NumberRecord",
    "Origin",
    "Part",
    "PartWriter",
    "Problem",
    "RandomAccessArray",
    "SourceEntries",
    "SourceEntry",
    "SourceRecord",
    "Transaction",
    "Unfinished",
    "are_unchanged",
    "array_file",
    "array_problem",
    "bytes_of",
    "check_sources",
    "checksum",
    "combine_crc",
    "crc_of",
    "crc_of_text",
    "crc_text",
    "disk_error",
    "events_of",
    "from_json",
    "has_current_numbers",
    "hash64",
    "hash_text",
    "header_of",
    "hold_lock",
    "id_with_friends",
    "is_array_file",
    "is_real_folder",
    "kind_of_file",
    "leftover_files",
    "lineage_of",
    "locate",
    "map_array",
    "num_filled",
    "open_to_read",
    "parse",
    "part_finder",
    "parts_of",
    "process_names",
    "process_of",
    "read_document",
    "read_errors",
    "read_exactly",
    "read_metadata",
    "read_range",
    "remove_files",
    "remove_folder",
    "repair_folder",
    "source_numbers",
    "source_of",
    "storage_dtype",
    "sync_directory",
    "temp_suffix",
    "to_json",
    "translate_os_errors",
    "tree_name",
    "verify_columns",
    "wait_for",
    "write_atomically",
    "write_exactly",
    "write_in_folder",
]
