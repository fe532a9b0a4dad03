"""What files of events have in common: where they lie, what they hold, what they must tell."""

from memmpy.inputs.bytes import ByteSource
from memmpy.inputs.credentials import masked
from memmpy.inputs.failures import first_line, listed, no_branch, said_of
from memmpy.inputs.identity import former_uuid_of, uuid_of
from memmpy.inputs.locations import State, Status, describe, find
from memmpy.inputs.missing import (
    Fill,
    MissingValuesError,
    Nulls,
    UntypedError,
    check_suits,
    fill_in_words,
    fill_missing,
    filled_type,
    has_unknown,
    plain_layout,
    with_type,
)
from memmpy.inputs.protocol import EventFile
from memmpy.inputs.streams import stream_of
from memmpy.inputs.types import (
    BranchType,
    form_of_type,
    from_awkward,
    type_of_column,
    type_of_form,
    type_of_values,
)

__all__ = [
    "BranchType",
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
    "fill_in_words",
    "fill_missing",
    "filled_type",
    "find",
    "first_line",
    "form_of_type",
    "former_uuid_of",
    "from_awkward",
    "has_unknown",
    "listed",
    "masked",
    "no_branch",
    "plain_layout",
    "said_of",
    "stream_of",
    "type_of_column",
    "type_of_form",
    "type_of_values",
    "uuid_of",
    "with_type",
]
