"""Input files of events: ROOT, Parquet and HDF5, on disks or behind URLs.

To add a format, write a class like `HdfTable` in a module of its own, which follows the protocol
`EventFile` (``event_file.py``), and add a line to the table in ``formats.py``.
"""

from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.credentials import masked
from memmpy.sources.access.file_errors import (
    in_parentheses,
    missing_branch_error,
    reader_errors,
)
from memmpy.sources.access.file_identity import former_uuid_of, uuid_of
from memmpy.sources.access.locations import State, Status, describe, find
from memmpy.sources.access.streams import stream_of
from memmpy.sources.awkward_types import from_awkward
from memmpy.sources.branch_groups import group_branches, types_in_words
from memmpy.sources.branch_names import match, short_name
from memmpy.sources.event_file import EventFile, FileObject
from memmpy.sources.file_comparison import FileComparison, list_files
from memmpy.sources.file_listing import BranchListing, FileListing, TreeListing, list_file
from memmpy.sources.formats import match_trees, objects_of_file, open_event_file
from memmpy.sources.friend_paths import FriendFile, check_friends, find_friend, name_of_friend
from memmpy.sources.friend_trees import TreeWithFriends, friend_of
from memmpy.sources.missing_values import (
    NO_FILL,
    Fill,
    NoFill,
    NullRules,
    UntypedError,
    fill_missing,
    filled_type,
    format_fill,
)
from memmpy.sources.open_file_cache import check_unchanged, index_of, open_files
from memmpy.sources.root import TreeIndex, read_bin

__all__ = [
    "NO_FILL",
    "BranchListing",
    "ByteSource",
    "EventFile",
    "FileComparison",
    "FileListing",
    "FileObject",
    "Fill",
    "FriendFile",
    "NoFill",
    "NullRules",
    "State",
    "Status",
    "TreeIndex",
    "TreeListing",
    "TreeWithFriends",
    "UntypedError",
    "check_friends",
    "check_unchanged",
    "describe",
    "fill_missing",
    "filled_type",
    "find",
    "find_friend",
    "format_fill",
    "former_uuid_of",
    "friend_of",
    "from_awkward",
    "group_branches",
    "in_parentheses",
    "index_of",
    "list_file",
    "list_files",
    "masked",
    "match",
    "match_trees",
    "missing_branch_error",
    "name_of_friend",
    "objects_of_file",
    "open_event_file",
    "open_files",
    "read_bin",
    "reader_errors",
    "short_name",
    "stream_of",
    "types_in_words",
    "uuid_of",
]
