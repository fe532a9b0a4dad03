"""Skims: copies of a store made for training, packed row by row in the order of their tickets."""

from memmpy.skims.asking import Asked, ask, check_groups
from memmpy.skims.layout import lay_out
from memmpy.skims.listing import list_skims
from memmpy.skims.plan import Sizes
from memmpy.skims.read import Skim
from memmpy.skims.skim import make_skim, skim

__all__ = [
    "Asked",
    "Sizes",
    "Skim",
    "ask",
    "check_groups",
    "lay_out",
    "list_skims",
    "make_skim",
    "skim",
]
