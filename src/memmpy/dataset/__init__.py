"""`Store`, the result of `memmpy.open`, and the maintenance of stores."""

from memmpy.dataset.column_statistics import ColumnStatistics
from memmpy.dataset.hist import BinsOption, GroupHistogram, fill_histograms
from memmpy.dataset.loader_columns import resolve_cut_split
from memmpy.dataset.maintenance import Leftover, clean, repair_problems, verify
from memmpy.dataset.open_store import Store, open
from memmpy.dataset.store_columns import ColumnSummary, process_keys
from memmpy.dataset.store_info import StoreInfo

__all__ = [
    "BinsOption",
    "ColumnStatistics",
    "ColumnSummary",
    "GroupHistogram",
    "Leftover",
    "Store",
    "StoreInfo",
    "clean",
    "fill_histograms",
    "open",
    "process_keys",
    "repair_problems",
    "resolve_cut_split",
    "verify",
]
