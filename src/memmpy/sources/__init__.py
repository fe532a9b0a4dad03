"""Input files of events: ROOT, Parquet and HDF5, on disks or behind URLs.

To add a format, write a class like `HdfTable` in a module of its own, which follows the protocol
`EventFile` (``event_file.py``), and add a line to the table in ``formats.py``.
"""

from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.credentials import masked
from memmpy.sources.access.file_errors import (
    first_line,
    in_parentheses,
    missing_branch_error,
    reader_errors,
)
from memmpy.sources.access.file_identity import former_uuid_of, uuid_of
from memmpy.sources.access.locations import State, Status, describe, find
from memmpy.sources.access.streams import stream_of
from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form
from memmpy.sources.event_file import EventFile
from memmpy.sources.missing_values import (
    NO_FILL,
    Fill,
    MissingValuesError,
    NoFill,
    NullRules,
    UntypedError,
    check_fill_suits,
    fill_missing,
    filled_type,
    format_fill,
    has_unknown,
    plain_layout,
    with_type,
)
from memmpy.sources.open_file_cache import check_unchanged, open_files

__all__ = [
    "NO_FILL",
    "ByteSource",
    "EventFile",
    "Fill",
    "MissingValuesError",
    "NoFill",
    "NullRules",
    "State",
    "Status",
    "UntypedError",
    "check_fill_suits",
    "check_unchanged",
    "describe",
    "fill_missing",
    "filled_type",
    "find",
    "first_line",
    "form_of_type",
    "format_fill",
    "former_uuid_of",
    "from_awkward",
    "has_unknown",
    "in_parentheses",
    "masked",
    "missing_branch_error",
    "open_files",
    "plain_layout",
    "reader_errors",
    "stream_of",
    "type_of_form",
    "uuid_of",
    "with_type",
]
