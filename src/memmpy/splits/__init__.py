"""Which columns name an event, and in which split it is: drawn, recorded and checked."""

from memmpy.splits.danger import TWO_SIDES, find_dangers
from memmpy.splits.event_names import USUAL_COLUMNS, Naming, naming_columns, variations_of
from memmpy.splits.identities_by_file import groups_of
from memmpy.splits.loader_entries import Choice, LoaderSetup
from memmpy.splits.overlap import overlap
from memmpy.splits.policy import (
    agreed,
    recorded,
    resolved,
    set_splits,
    settle,
    usual_naming,
    usual_rule,
)
from memmpy.splits.resolve import choose_of_skim, choose_of_store, open_to_split
from memmpy.splits.rule import TicketRule
from memmpy.splits.split_loader import SplitLoader
from memmpy.splits.split_options import ALL, By, check_split
from memmpy.splits.split_request import SplitRequest, check_splits
from memmpy.splits.store_tickets import (
    are_named_by_files,
    check_named,
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
    "agreed",
    "are_named_by_files",
    "check_named",
    "check_split",
    "check_splits",
    "choose_of_skim",
    "choose_of_store",
    "find_dangers",
    "groups_of",
    "identities_of",
    "naming_columns",
    "num_events",
    "open_to_split",
    "overlap",
    "recorded",
    "resolved",
    "set_splits",
    "settle",
    "tickets_of",
    "usual_naming",
    "usual_rule",
    "variations_of",
]
