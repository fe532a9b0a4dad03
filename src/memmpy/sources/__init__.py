"""Files of events: ROOT, Parquet and HDF5 behind one protocol, on disks or behind URLs."""

from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form
from memmpy.sources.byte_source import ByteSource
from memmpy.sources.credentials import masked
from memmpy.sources.failures import first_line, listed, no_branch, said_of
from memmpy.sources.file_identity import former_uuid_of, uuid_of
from memmpy.sources.formats import opened_files, unchanged
from memmpy.sources.locations import State, Status, describe, find
from memmpy.sources.missing import (
    Fill,
    MissingValuesError,
    Nulls,
    UntypedError,
    check_suits,
    fill_missing,
    filled_type,
    format_fill,
    has_unknown,
    plain_layout,
    with_type,
)
from memmpy.sources.protocol import EventFile
from memmpy.sources.streams import stream_of

__all__ = [
    "ByteSource",
    "EventFile",
    "Fill",
    "MissingValuesError",
    "Nulls",
    "State",
    "Status",
    "UntypedError",
    "check_suits",
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
    "listed",
    "masked",
    "no_branch",
    "opened_files",
    "plain_layout",
    "said_of",
    "stream_of",
    "type_of_form",
    "unchanged",
    "uuid_of",
    "with_type",
]
