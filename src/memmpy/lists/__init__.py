"""Lists of any length, as content and offsets: picked, joined, and filled up to one length."""

from memmpy.lists.fitting import Padding, check_fill, check_padding, fits
from memmpy.lists.indexing import resolve
from memmpy.lists.jagged import Jagged

__all__ = ["Jagged", "Padding", "check_fill", "check_padding", "fits", "resolve"]
