"""`ScoreSet`: rows of scores, each entry once, or once from every fold."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from memmpy.display import format_count
from memmpy.errors import OptionError, SplitError
from memmpy.order import SeenEntries
from memmpy.training.scoring.score_rows import ScoreRows
from memmpy.typing import Entries

__all__ = ["ScoreSet"]


@final
class ScoreSet:
    """Rows of scores, each entry once, or once from every fold.

    Parameters
    ----------
    num_entries : int
        The number of all entries.
    num_means : int or None
        The number of folds whose mean is the score of an event; None if an event has one row.
    """

    def __init__(self, num_entries: int, *, num_means: int | None) -> None:
        self._num_entries, self._num_means = num_entries, num_means
        self._parts: list[ScoreRows] = []
        self._means: ScoreRows | None = None
        self._seen: dict[int, SeenEntries] = {}

    @property
    def rows(self) -> ScoreRows:
        """All rows, sorted by entry, then by fold."""
        if len(self._parts) > 1:
            self._parts = [ScoreRows.joined(self._parts)]
        return self._parts[0] if self._parts else ScoreRows.empty()

    @property
    def num_events(self) -> int:
        """The number of entries that have a row."""
        return int(np.count_nonzero(self.rows.is_first))

    @property
    def num_incomplete(self) -> int:
        """The number of entries that lack the row of some fold; 0 if an event has one row."""
        if self._num_means is None:
            return 0
        starts = np.flatnonzero(self.rows.is_first)
        num_rows = np.diff(starts, append=len(self.rows))
        return int(np.count_nonzero(num_rows != self._num_means))

    @property
    def events(self) -> ScoreRows:
        """One row for each entry, sorted by entry.

        Raises
        ------
        SplitError
            If the row of some fold is missing for a mean.
        """
        if self._num_means is None:
            return self.rows
        if self._means is None:
            num = self.num_incomplete
            if num:
                message = (
                    f"{num:,} of {format_count(self.num_events, 'event')} lack the scores of some "
                    f"folds: average=True needs those of all {self._num_means} folds for each event"
                )
                raise SplitError(message)
            self._means = self.rows.mean(self._num_means)
        return self._means

    @property
    def num_scores(self) -> int | None:
        """The number of scores of an entry; None without rows."""
        return self._parts[0].num_scores if self._parts else None

    def add(self, parts: Sequence[ScoreRows]) -> None:
        """Add rows; if this raises an error, it adds none. See `check`."""
        rows = self.check(parts)
        if len(rows):
            for fold, entries in self._groups(rows).items():
                self._seen_of(fold).add(entries)
            self._parts.append(rows)
            self._means = None

    def check(self, parts: Sequence[ScoreRows]) -> ScoreRows:
        """Return rows, sorted, if they can be added.

        Raises
        ------
        SplitError
            If an entry has a row already; for a mean, one of its fold.
        OptionError
            If the rows differ in their number of scores.
        """
        parts = [rows for rows in parts if len(rows)]
        if not parts:
            return ScoreRows.empty()
        nums = [rows.num_scores for rows in [*self._parts[:1], *parts]]
        for num in nums:
            if num != nums[0]:
                message = f"all events need the same number of scores: {nums[0]} before, now {num}"
                raise OptionError(message)
        rows = ScoreRows.joined(parts)
        groups = self._groups(rows)
        repeated = {
            fold: entries[self._seen_of(fold).repeated(entries)] for fold, entries in groups.items()
        }
        num_repeated = sum(map(len, repeated.values()))
        if num_repeated:
            fold, entries = next((fold, some) for fold, some in repeated.items() if len(some))
            by = f" of fold {fold}" if fold >= 0 else ""
            message = (
                f"{num_repeated:,} of {format_count(len(rows), 'event')} have a score already, "
                f"such as entry {entries[0]}{by}; add each event once, and take new scores = "
                "data.scores() to score again"
            )
            raise SplitError(message)
        return rows

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_parts": [self.rows], "_means": None, "_seen": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for fold, entries in self._groups(self.rows).items():
            self._seen_of(fold).add(entries)

    def _groups(self, rows: ScoreRows) -> dict[int, Entries]:
        """Return the entries that must differ, ascending: those of each fold for a mean, or all."""
        if self._num_means is None:
            return {-1: rows.entries}
        return {int(fold): rows.entries[rows.folds == fold] for fold in np.unique(rows.folds)}

    def _seen_of(self, fold: int) -> SeenEntries:
        if fold not in self._seen:
            self._seen[fold] = SeenEntries(self._num_entries)
        return self._seen[fold]
