"""Jagged arrays, as content and offsets: indexing, joining, padding."""

from memmpy.jagged.clipping import Clipping, clipping_notes, clipping_of
from memmpy.jagged.indexing import resolve
from memmpy.jagged.jagged_array import Jagged, entries_with, lists_of
from memmpy.jagged.padding import Padding, check_fill, check_padding, fits, mask_of

__all__ = [
    "Clipping",
    "Jagged",
    "Padding",
    "check_fill",
    "check_padding",
    "clipping_notes",
    "clipping_of",
    "entries_with",
    "fits",
    "lists_of",
    "mask_of",
    "resolve",
]
