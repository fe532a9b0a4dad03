"""Which entry comes when, and in which split: pure integers, without data or files."""

from memmpy.order.blocks import BlockOrder, BlockWindows
from memmpy.order.class_shares import Mixture, batches_of_epoch
from memmpy.order.epoch_order import EpochOrder, GatherRequest, num_batches, num_delivered
from memmpy.order.exact import ExactOrder, PermutedRun
from memmpy.order.fractions import (
    NUM_TICKETS,
    SPLIT_NAMES,
    Fractions,
    check_fractions,
    in_ticket_ranges,
    position_ranges,
    split_number,
    ticket_ranges,
)
from memmpy.order.identities import TICKET_VERSION, column_identities, file_identities, tickets
from memmpy.order.members import ChosenEntries, EveryEntry, Members, PermutedEntries
from memmpy.order.mixture import MixtureOrder, MixtureRun
from memmpy.order.multiplicities import (
    Multiplicities,
    count_multiplicities,
    spread_of_blocks,
)
from memmpy.order.permutation import Permutation
from memmpy.order.ranks import RankOrder, Ranks
from memmpy.order.selection import SeenEntries, check_selection
from memmpy.order.sequential import MemberList, MemberRun, SequentialOrder
from memmpy.order.split_entries import Subindex, TicketsOf, members_by_position, members_by_ticket
from memmpy.order.subset import Subset

__all__ = [
    "NUM_TICKETS",
    "SPLIT_NAMES",
    "TICKET_VERSION",
    "BlockOrder",
    "BlockWindows",
    "ChosenEntries",
    "EpochOrder",
    "EveryEntry",
    "ExactOrder",
    "Fractions",
    "GatherRequest",
    "MemberList",
    "MemberRun",
    "Members",
    "Mixture",
    "MixtureOrder",
    "MixtureRun",
    "Multiplicities",
    "Permutation",
    "PermutedEntries",
    "PermutedRun",
    "RankOrder",
    "Ranks",
    "SeenEntries",
    "SequentialOrder",
    "Subindex",
    "Subset",
    "TicketsOf",
    "batches_of_epoch",
    "check_fractions",
    "check_selection",
    "column_identities",
    "count_multiplicities",
    "file_identities",
    "in_ticket_ranges",
    "members_by_position",
    "members_by_ticket",
    "num_batches",
    "num_delivered",
    "position_ranges",
    "split_number",
    "spread_of_blocks",
    "ticket_ranges",
    "tickets",
]
