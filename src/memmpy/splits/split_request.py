"""The split that a call asks for, and the splits that it names."""

import os
from dataclasses import dataclass

from memmpy.errors import OptionError, SplitError
from memmpy.splits.definition import Splits
from memmpy.splits.split_options import ALL
from memmpy.typing import PathLike

__all__ = ["SplitRequest", "check_splits"]


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """The split that a call asks for, and the splits that it names.

    Parameters
    ----------
    split : str or int, or None
        Which split, as the user named it; None for all events of a store without splits.
    splits : Splits or None
        Who is an event, and on which side; None for what the store says.
    fold : int or None
        Which fold.

    Raises
    ------
    OptionError
        If `splits` is something else.
    """

    split: str | int | None = None
    splits: Splits | None = None
    fold: int | None = None

    def __post_init__(self) -> None:
        check_splits(self.splits)

    @property
    def needs_splits(self) -> bool:
        """Whether the call splits the events; else it hands out all, and nothing is recorded."""
        is_all = isinstance(self.split, str) and self.split == ALL
        return self.splits is not None or not (self.split is None or is_all)

    @property
    def name(self) -> str | int:
        """The split, as the user named it; ``"all"`` where it was not named."""
        return ALL if self.split is None else self.split

    def check_complete(self) -> None:
        """Raise a `SplitError` where the call gives splits, and does not say which it loads."""
        if self.split is None and self.splits is not None:
            message = f"{self.splits} was given: say which split to load, such as split='train'"
            raise SplitError(message)

    def check_named(self, splits: Splits | None, *, path: PathLike) -> None:
        """Raise a `SplitError` where there are splits, and the call does not say which it loads."""
        if self.split is None and splits is not None:
            fold = "" if splits.num_folds is None else ", with fold="
            message = (
                f"{os.fspath(path)!r} has the splits {splits}: say which to load, split='train', "
                f"'val' or 'test'{fold}, or split='all' for all events"
            )
            raise SplitError(message)

    def ranges(self, splits: Splits | None) -> list[tuple[int, int]] | None:
        """Return the intervals of tickets of the split; None for all events.

        Raises
        ------
        SplitError, OptionError
            If there is no such split or fold.
        """
        ranges = (splits or Splits()).ranges(self.name, self.fold)
        return None if self.name == ALL else ranges


def check_splits(splits: object) -> Splits | None:
    """Return what a user gave as splits, if it is that."""
    if splits is None or isinstance(splits, Splits):
        return splits
    message = f"splits= is a Splits, such as memmpy.Splits(by=('run', 'event')), got {splits!r}"
    raise OptionError(message)
