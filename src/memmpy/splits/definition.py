"""`Splits`: the columns that name an event, and the rule that puts it into a split."""

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer, check_path, check_seed
from memmpy.cuts import keys_of, parse
from memmpy.errors import OptionError, SplitError, argument_hints
from memmpy.figures import Drawable
from memmpy.order import (
    NUM_TICKETS,
    SPLIT_NAMES,
    check_fractions,
    in_ticket_ranges,
    position_ranges,
    ticket_ranges,
)
from memmpy.splits.cpp_header import header_text
from memmpy.splits.split_options import (
    DEFAULT_FRACTIONS,
    By,
    check_by_columns,
    check_expression,
    check_shares,
    check_split,
    check_val,
)
from memmpy.splits.split_ring import draw_ring
from memmpy.splits.ticket_rule import TicketRule, edges_of, regions_of
from memmpy.store import write_atomically
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Splits"]

_VAL = 0.1
_MAX_FOLDS = 10_000


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Splits(Drawable):
    """The columns that name an event, and the rule that puts it into train, val or test.

    The values of some columns name an event. The *ticket* of an event is a keyed hash of these
    values, uniform in [0, 1). Splits and folds are intervals of tickets. So the split of an event
    depends only on its name and the seed, and not on cuts, files, machines or batch sizes. `plot`
    draws a ring of tickets for each fold, with its arcs for train, val and test.

    Parameters
    ----------
    by : tuple of str, "file" or None
        Columns of integers, or names of the metadata, that together name an event:
        ``("process", "run", "event")``. The order matters. With ``"file"``, the UUID of the file,
        the tree and the entry name an event: then a rewritten file holds other events. With None,
        memmpy takes the usual columns of the files if there is an event number, and otherwise
        ``"file"``. The usual columns are mcChannelNumber or process, year, runNumber or run,
        luminosityBlock, eventNumber or event.
    fractions : mapping of str to float, optional
        The shares of ``"train"``, ``"val"`` and ``"test"``, which sum to 1. A share that you leave
        out is 0. By default 0.8, 0.1 and 0.1. Not with folds.
    num_folds : int, optional
        The number of folds k, for cross-validation. Fold f, 0 to k - 1, tests on the events with
        tickets from f / k to (f + 1) / k.
    val : float, optional
        The share of val among the events that a fold does not test; the fold trains on the others.
        By default 0.1.
    fold_by : str, optional
        For rules made elsewhere: an expression, such as ``"jetFoldHash % 4"``, that gives the fold
        in which an event is tested, 0 to num_folds - 1. `by` then only selects the events of val.
    split_by : str, optional
        For rules made elsewhere: an expression that gives 0, 1 or 2 for train, val and test.
    seed : int
        Another seed gives other splits.

    Raises
    ------
    OptionError
        If the options contradict each other.
    CutError
        If memmpy cannot read an expression; shows the place.

    Examples
    --------
    >>> splits = Splits(by=("run", "event"), num_folds=5)
    >>> splits.of({"run": [1, 1, 2], "event": [7, 8, 7]}, fold=0)  # 0 train, 1 val, 2 test
    array([0, 0, 2])
    >>> splits.plot("folds.png")
    """

    by: By = None
    _: KW_ONLY
    fractions: Mapping[str, float] | None = None
    num_folds: int | None = None
    val: float | None = None
    fold_by: str | None = None
    split_by: str | None = None
    seed: int = 0
    _normal: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_together(self)
        changes: dict[str, Any] = {
            "by": check_by_columns(self.by),
            "seed": check_seed("seed", self.seed),
            "_normal": None,
        }
        for name in ("fold_by", "split_by"):
            if getattr(self, name) is not None:
                changes["_normal"] = check_expression(name, getattr(self, name))
        if self.num_folds is not None:
            changes["num_folds"] = check_integer("num_folds", self.num_folds, minimum=2)
            if self.num_folds > _MAX_FOLDS:
                message = f"num_folds is at most {_MAX_FOLDS:,}, got {self.num_folds!r}"
                raise OptionError(message)
            changes["val"] = check_val(_VAL if self.val is None else self.val)
        elif self.split_by is None:
            changes["fractions"] = check_shares(
                DEFAULT_FRACTIONS if self.fractions is None else self.fractions
            )
        for name, value in changes.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_json(), sort_keys=True))

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name an event, and the columns of the expression."""
        expression = self.fold_by or self.split_by
        more = () if expression is None else sorted(keys_of(parse(expression)))
        return tuple(dict.fromkeys([*(self.by if isinstance(self.by, tuple) else ()), *more]))

    def of(self, arrays: Mapping[str, Any], *, fold: int | None = None) -> NDArray[np.int64]:
        """Return the split of each event.

        Parameters
        ----------
        arrays : mapping of str to array-like of shape (n,)
            The columns that name an event, as integers. Metadata may be texts, or their hashes as
            in a store.
        fold : int, optional
            The fold. Splits with folds need it.

        Returns
        -------
        int64 array of shape (n,)
            0 for train, 1 for val, 2 for test.

        Raises
        ------
        SplitError
            If no columns name the events, a fold is missing, or the expression gives no split.
        MissingKeyError
            If a column is not given.
        ColumnError
            If a column does not hold one integer per event.
        """
        return self.splits_of_tickets(self.ticket_rule.draw(arrays), fold=fold)

    def splits_of_tickets(
        self, tickets: NDArray[np.uint64], *, fold: int | None
    ) -> NDArray[np.int64]:
        """Return the split of each ticket: 0 for train, 1 for val, 2 for test."""
        ranges = [self.ranges(split, fold) for split in SPLIT_NAMES]
        numbers = np.zeros(len(tickets), np.int64)
        for number, intervals in enumerate(ranges):
            numbers[in_ticket_ranges(tickets, intervals)] = number
        return numbers

    def fold_of(self, arrays: Mapping[str, Any]) -> NDArray[np.int64]:
        """Return the fold that tests each event, 0 to num_folds - 1; see `of`.

        Raises
        ------
        SplitError
            If there are no folds.
        """
        return self.folds_of_tickets(self.ticket_rule.draw(arrays))

    def to_cpp(self, path: PathLike) -> None:
        """Write a C++ header of the same rule: `split_of` and `fold_of` of one event.

        Parameters
        ----------
        path : path-like
            The file; it is replaced.

        Raises
        ------
        SplitError
            If no columns name an event.
        ReadOnlyStoreError, DiskError
            If memmpy cannot write the file.
        """
        if self.ticket_rule.by == "file":
            message = f"{self} names events by their files: code without the files has no names; "
            raise SplitError(f"{message}name columns with by=")
        folds = [None] if self.num_folds is None else [*range(self.num_folds)]
        ranges = [
            (start, stop, fold or 0, number)
            for fold in folds
            for number, split in enumerate(SPLIT_NAMES)
            for start, stop in self.ranges(split, fold)
        ]
        text = header_text(self.ticket_rule, ranges, num_folds=self.num_folds, title=str(self))
        write_atomically(check_path(path), text.encode(), durable=False, is_in_store=False)

    def _draw(self) -> "Figure":
        folds = [None] if self.num_folds is None else [*range(self.num_folds)]
        arcs = [{split: self.ranges(split, fold) for split in SPLIT_NAMES} for fold in folds]
        return draw_ring(arcs, num_folds=self.num_folds)

    @property
    def ticket_rule(self) -> TicketRule:
        """The rule of the tickets: splits of one rule share the order of a skim."""
        if self.by is None:
            message = (
                f"{self} does not say what names an event; give by=, such as by=('run', 'event'), "
                "or take store.splits, which has the columns of the store"
            )
            raise SplitError(message)
        num_regions = 3 if self.split_by is not None else self.num_folds or 0
        if self._normal is None:
            return TicketRule(self.by, self.seed)
        return TicketRule(self.by, self.seed, self._normal, num_regions)

    def ranges(self, split: str | int, fold: int | None) -> list[tuple[int, int]]:
        """Return the (start, stop) of the tickets of a split; `stop` is up to 2**64.

        Parameters
        ----------
        split : str
            ``"train"``, ``"val"``, ``"test"`` or ``"all"``.
        fold : int or None
            The fold; None only without folds, or for all events.
        """
        number = check_split(split)
        if number is None:
            if fold is not None:
                self.check_fold(fold)
            return [(0, NUM_TICKETS)]
        fold = self.check_fold(fold)
        if fold is None:
            if self.split_by is not None:
                edges = edges_of(len(SPLIT_NAMES))
                return [(edges[number], edges[number + 1])]
            assert self.fractions is not None
            return ticket_ranges(check_fractions([*self.fractions.values()]), number)
        assert self.num_folds is not None
        assert self.val is not None
        val = Fraction(str(self.val))
        if self.fold_by is not None:
            return _ranges_of_regions(self.num_folds, fold, number, val)
        share = Fraction(1, self.num_folds)
        # From the start of the fold on: what it tests, then what it validates on.
        fractions = (share, val * (1 - share), (1 - val) * (1 - share))
        return ticket_ranges(fractions, 2 - number, turn=Fraction(fold, self.num_folds))

    def folds_of_tickets(self, tickets: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the fold that tests each ticket."""
        if self.num_folds is None:
            raise SplitError(f"{self} has no folds; give num_folds=, or use of(...)")
        return regions_of(tickets, self.num_folds)

    def check_fold(self, fold: int | None) -> int | None:
        """Check a fold and return it; None if there are no folds.

        Raises
        ------
        SplitError
            If splits with folds get no fold, or splits without folds get one.
        OptionError
            If there is no such fold.
        """
        if self.num_folds is None:
            if fold is not None:
                message = f"fold={fold!r} was given, and {self} has no folds"
                raise SplitError(f"{message}; leave it out, or give num_folds=")
            return None
        last = self.num_folds - 1
        if fold is None:
            raise SplitError(f"{self} has folds: give one, fold=0 to {last}, or split='all'")
        fold = check_integer("fold", fold, minimum=0)
        if fold > last:
            raise OptionError(f"no fold {fold} of {self.num_folds} folds: give 0 to {last}")
        return fold

    def to_json(self) -> dict[str, Any]:
        """Return the splits as JSON values, without those that are None."""
        values = {
            "by": list(self.by) if isinstance(self.by, tuple) else self.by,
            "fractions": None if self.fractions is None else dict(self.fractions),
            "num_folds": self.num_folds,
            "val": self.val,
            "fold_by": self.fold_by,
            "split_by": self.split_by,
            "seed": self.seed,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Splits":
        """Return splits from the values of `to_json`; raise a `ValueError` if they contradict."""
        by = values.get("by")
        return cls(**{**values, "by": tuple(by) if isinstance(by, list) else by})

    @property
    def meaning(self) -> tuple[Any, ...]:
        """A value that is equal for splits that assign all events alike, in any spelling."""
        fractions = None if self.fractions is None else tuple(self.fractions.values())
        return (self.by, fractions, self.num_folds, self.val, self._normal, self.seed)

    def __str__(self) -> str:
        shown = [] if self.by is None else [f"by={self.by!r}"]
        default = dict(DEFAULT_FRACTIONS)
        for name, value in self.to_json().items():
            if name != "by" and (name, value) != ("seed", 0) and value != default:
                shown.append(f"{name}={value!r}")
        return f"Splits({', '.join(shown)})"

    def __repr__(self) -> str:
        return str(self)


def _check_together(splits: Splits) -> None:
    """Raise an `OptionError` for options that contradict each other."""
    if splits.fold_by is not None and splits.split_by is not None:
        raise OptionError("give fold_by= or split_by=, not both: each is a whole rule")
    if splits.fold_by is not None and splits.num_folds is None:
        raise OptionError("fold_by= needs num_folds=, the number of its folds")
    others = {"num_folds": splits.num_folds, "split_by": splits.split_by}
    other = next((name for name, given in others.items() if given is not None), None)
    if splits.fractions is not None and other is not None:
        message = f"fractions= is for splits without {other}="
        raise OptionError(f"{message}; folds take val=, the share that validates")
    if splits.val is not None and splits.num_folds is None:
        raise OptionError("val= is for folds; without them give fractions={'train': 0.8, ...}")
    if splits.split_by is not None and splits.num_folds is not None:
        raise OptionError("split_by= has no folds; give fold_by= for a rule that has")


def _ranges_of_regions(
    num_folds: int, fold: int, number: int, val: Fraction
) -> list[tuple[int, int]]:
    """Return the tickets of a split where `fold_by` makes folds regions: val is a share of each."""
    edges = edges_of(num_folds)
    if number == SPLIT_NAMES.index("test"):
        return [(edges[fold], edges[fold + 1])]
    ranges = []
    for other in range(num_folds):
        start, stop = edges[other], edges[other + 1]
        if other != fold:
            inner = position_ranges(
                stop - start, (1 - val, val), number, turn=Fraction(fold, num_folds)
            )
            ranges += [(start + first, start + last) for first, last in inner]
    return sorted(ranges)
