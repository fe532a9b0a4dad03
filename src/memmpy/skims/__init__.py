"""Skims: copies of a store made for training, packed row by row in the order of their tickets."""

from memmpy.skims.counting import KeyCounts
from memmpy.skims.keeping import SKIMS, delete_leftover, leftover_skims
from memmpy.skims.keeping import remove as remove_skim
from memmpy.skims.layout import lay_out
from memmpy.skims.listing import Skims, find_skims, is_skim, list_skims, verify_skims
from memmpy.skims.plan import Sizes
from memmpy.skims.read import Skim
from memmpy.skims.request import SkimRequest, check_groups, check_request
from memmpy.skims.skim import make_skim, skim

__all__ = [
    "SKIMS",
    "KeyCounts",
    "Sizes",
    "Skim",
    "SkimRequest",
    "Skims",
    "check_groups",
    "check_request",
    "delete_leftover",
    "find_skims",
    "is_skim",
    "lay_out",
    "leftover_skims",
    "list_skims",
    "make_skim",
    "remove_skim",
    "skim",
    "verify_skims",
]
