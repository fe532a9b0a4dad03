"""Which columns name an event, and in which split it is: drawn, recorded and checked."""

from memmpy.splits.danger import TWO_SIDES, find_dangers
from memmpy.splits.definition import Splits
from memmpy.splits.event_names import USUAL_COLUMNS, Naming, find_naming, variations_of
from memmpy.splits.name_counts import process_groups
from memmpy.splits.overlap import overlap
from memmpy.splits.policy import (
    agree_on_splits,
    default_naming,
    default_rule,
    reconcile_splits,
    recorded_splits,
    resolve_by,
    set_splits,
)
from memmpy.splits.resolve import open_event_columns, resolve_skim_split, resolve_store_split
from memmpy.splits.split_data import LoaderSpec, SkimLike, SplitData
from memmpy.splits.split_loader import SplitLoader
from memmpy.splits.split_options import ALL, By, check_split
from memmpy.splits.split_request import SplitRequest, check_splits
from memmpy.splits.store_tickets import (
    check_name_columns,
    has_source_identity,
    identities_of,
    num_events,
    tickets_of,
)
from memmpy.splits.ticket_rule import TicketRule

__all__ = [
    "ALL",
    "TWO_SIDES",
    "USUAL_COLUMNS",
    "By",
    "LoaderSpec",
    "Naming",
    "SkimLike",
    "SplitData",
    "SplitLoader",
    "SplitRequest",
    "Splits",
    "TicketRule",
    "agree_on_splits",
    "check_name_columns",
    "check_split",
    "check_splits",
    "default_naming",
    "default_rule",
    "find_dangers",
    "find_naming",
    "has_source_identity",
    "identities_of",
    "num_events",
    "open_event_columns",
    "overlap",
    "process_groups",
    "reconcile_splits",
    "recorded_splits",
    "resolve_by",
    "resolve_skim_split",
    "resolve_store_split",
    "set_splits",
    "tickets_of",
    "variations_of",
]
