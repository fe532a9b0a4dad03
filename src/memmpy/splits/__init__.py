"""Which columns name an event, and in which split it is: drawn, recorded and checked."""

from memmpy.splits.danger import TWO_SIDES, find_dangers
from memmpy.splits.event_names import USUAL_COLUMNS, Naming, find_naming, variations_of
from memmpy.splits.identities_by_file import process_groups
from memmpy.splits.loader_entries import Choice, LoaderSetup
from memmpy.splits.overlap import overlap
from memmpy.splits.policy import (
    reconcile_splits,
    recorded_splits,
    resolve_by,
    set_splits,
    agree_on_splits,
    default_naming,
    default_rule,
)
from memmpy.splits.resolve import choose_of_skim, choose_of_store, open_to_split
from memmpy.splits.rule import TicketRule
from memmpy.splits.split_loader import SplitLoader
from memmpy.splits.split_options import ALL, By, check_split
from memmpy.splits.split_request import SplitRequest, check_splits
from memmpy.splits.store_tickets import (
    has_source_identity,
    check_name_columns,
    identities_of,
    num_events,
    tickets_of,
)
from memmpy.splits.value import Splits

__all__ = [
    "ALL",
    "TWO_SIDES",
    "USUAL_COLUMNS",
    "By",
    "Choice",
    "LoaderSetup",
    "Naming",
    "SplitLoader",
    "SplitRequest",
    "Splits",
    "TicketRule",
    "reconcile_splits",
    "has_source_identity",
    "check_name_columns",
    "check_split",
    "check_splits",
    "choose_of_skim",
    "choose_of_store",
    "find_dangers",
    "process_groups",
    "identities_of",
    "find_naming",
    "num_events",
    "open_to_split",
    "overlap",
    "recorded_splits",
    "resolve_by",
    "set_splits",
    "agree_on_splits",
    "tickets_of",
    "default_naming",
    "default_rule",
    "variations_of",
]
