"""What files of events have in common: where they lie, what they hold, what they must tell."""

from memmpy.inputs.bytes import ByteSource, coalesce
from memmpy.inputs.identity import uuid_of
from memmpy.inputs.locations import Status, describe, find
from memmpy.inputs.protocol import EventFile
from memmpy.inputs.retries import retrying
from memmpy.inputs.streams import open_binary
from memmpy.inputs.types import (
    BranchType,
    from_awkward,
    type_of_column,
    type_of_form,
    type_of_values,
)
from memmpy.inputs.urls import is_url, local_path

__all__ = [
    "BranchType",
    "ByteSource",
    "EventFile",
    "Status",
    "coalesce",
    "describe",
    "find",
    "from_awkward",
    "is_url",
    "local_path",
    "open_binary",
    "retrying",
    "type_of_column",
    "type_of_form",
    "type_of_values",
    "uuid_of",
]
