"""Skims: copies of a store made for training, packed row by row in the order of their tickets."""

from memmpy.skims.listing import list_skims
from memmpy.skims.read import Skim
from memmpy.skims.skim import skim

__all__ = ["Skim", "list_skims", "skim"]
