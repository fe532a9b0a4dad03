"""What files of events have in common: where they lie, what they hold, what they must tell."""

from memmpy.inputs.protocol import EventFile
from memmpy.inputs.types import (
    BranchType,
    from_awkward,
    type_of_column,
    type_of_form,
    type_of_values,
)

__all__ = [
    "BranchType",
    "EventFile",
    "from_awkward",
    "type_of_column",
    "type_of_form",
    "type_of_values",
]
