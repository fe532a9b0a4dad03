"""`Store`, the result of `memmpy.open`, and the maintenance of stores."""

from memmpy.dataset.hist import BinsOption, KeyHistogram, fill_histograms
from memmpy.dataset.loader_columns import resolve_cut_split
from memmpy.dataset.maintenance import Leftover, clean, repair_problems, verify
from memmpy.dataset.open_store import Store, open

__all__ = [
    "BinsOption",
    "KeyHistogram",
    "Leftover",
    "Store",
    "clean",
    "fill_histograms",
    "open",
    "repair_problems",
    "resolve_cut_split",
    "verify",
]
