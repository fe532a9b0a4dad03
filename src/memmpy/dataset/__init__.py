"""`Store`, the result of `memmpy.open`, its tables, and the maintenance of stores."""

from memmpy.dataset.column_statistics import ColumnStatistics, Description
from memmpy.dataset.cut_split import resolve_cut_split
from memmpy.dataset.event_table import EventTable
from memmpy.dataset.hist import BinsOption
from memmpy.dataset.maintenance import Leftover, clean, repair_problems, verify
from memmpy.dataset.open_store import Store, open
from memmpy.dataset.store_columns import Columns, ColumnSummary, process_keys
from memmpy.dataset.store_info import FileSummary, ProcessSummary, SkimSummary, StoreInfo

__all__ = [
    "BinsOption",
    "ColumnStatistics",
    "ColumnSummary",
    "Columns",
    "Description",
    "EventTable",
    "FileSummary",
    "Leftover",
    "ProcessSummary",
    "SkimSummary",
    "Store",
    "StoreInfo",
    "clean",
    "open",
    "process_keys",
    "repair_problems",
    "resolve_cut_split",
    "verify",
]
