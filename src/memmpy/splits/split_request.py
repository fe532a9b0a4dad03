"""The options `split=`, `splits=` and `fold=` of a call."""

import os
from dataclasses import dataclass

import numpy as np

from memmpy.errors import OptionError, SplitError
from memmpy.splits.definition import Splits
from memmpy.splits.split_options import ALL
from memmpy.typing import PathLike

__all__ = ["SplitRequest", "check_splits"]


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """The split that a call asks for, and the splits that it gives.

    Parameters
    ----------
    split : str or int, or None
        The split, as the user named it; None for all events of a store without splits.
    splits : Splits or None
        The rule that assigns events to splits; None for the splits of the store.
    fold : int or None
        The fold.

    Raises
    ------
    OptionError
        If `splits` is no `Splits`.
    """

    split: str | int | None = None
    splits: Splits | None = None
    fold: int | None = None

    def __post_init__(self) -> None:
        check_splits(self.splits)
        for name in ("split", "fold"):  # which are recorded as JSON
            value = getattr(self, name)
            if isinstance(value, np.str_ | np.integer):
                object.__setattr__(self, name, value.item())

    @property
    def needs_splits(self) -> bool:
        """Whether the call splits the events; if not, it loads all and records no splits."""
        is_all = isinstance(self.split, str) and self.split == ALL
        return self.splits is not None or not (self.split is None or is_all)

    @property
    def name(self) -> str | int:
        """The split, as the user named it; ``"all"`` if the call names none."""
        return ALL if self.split is None else self.split

    def check_named(self, splits: Splits | None, *, path: PathLike | None = None) -> None:
        """Raise a `SplitError` if the data has splits and the call names none of them.

        Parameters
        ----------
        splits : Splits or None
            The splits of the data.
        path : path-like or None
            The store that records them; None if the call gives them.
        """
        if self.split is None and splits is not None:
            owner = "this call gives" if path is None else f"{os.fspath(path)!r} has"
            fold = "" if splits.num_folds is None else ", with fold="
            message = (
                f"{owner} the splits {splits}: name the one to load, split='train', "
                f"'val' or 'test'{fold}, or split='all' for all events"
            )
            raise SplitError(message)

    def ranges(self, splits: Splits | None) -> list[tuple[int, int]] | None:
        """Return the intervals of tickets of the split; None for all events.

        Raises
        ------
        SplitError, OptionError
            If the splits have no such split or fold.
        """
        ranges = (splits or Splits()).ranges(self.name, self.fold)
        return None if self.name == ALL else ranges


def check_splits(splits: object) -> Splits | None:
    """Return the ``splits=`` of a user, or raise an `OptionError`."""
    if splits is None or isinstance(splits, Splits):
        return splits
    message = (
        f"splits= must be a Splits, such as memmpy.Splits(by=('run', 'event')), got {splits!r}"
    )
    raise OptionError(message)
