"""`StoreViews`: the methods of `Store` that show what is in it: info, columns, head, describe."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag, check_indices, check_integer
from memmpy.cuts import Constant, GroupOptions, plan_groups
from memmpy.dataset.column_statistics import Description
from memmpy.dataset.describe_columns import describe_columns
from memmpy.dataset.event_table import EventTable, events_of_store, first_passing
from memmpy.dataset.store_columns import (
    MAX_ROWS,
    Columns,
    left_out_in_words,
    list_columns,
    process_keys,
    select_aligned,
    select_keys,
)
from memmpy.dataset.store_contents import info_of
from memmpy.dataset.store_cuts import StoreCuts
from memmpy.dataset.store_info import StoreInfo
from memmpy.errors import OptionError, argument_hints
from memmpy.parallel import check_threads

__all__ = ["StoreViews"]


@argument_hints
class StoreViews(StoreCuts):
    """A store with tables: the methods `info`, `columns`, `head` and `describe`.

    Parameters
    ----------
    path : path-like
        The directory of the store.
    """

    def info(
        self,
        *,
        weight: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        check_files: bool | None = None,
    ) -> StoreInfo:
        """Return what is in the store: processes, files, columns, skims, cuts and problems.

        Parameters
        ----------
        weight : str, optional
            The weight whose sum the table of processes shows: ``"genWeight * xsec"``. By default
            the weight of the training sets in the store, if they agree and its columns have up to
            256 MiB.
        aliases, constants : mapping, optional
            Names for expressions and values in the weight.
        check_files : bool, optional
            Whether to compare the size and the time of each file with those of its conversion. By
            default as many files as a quarter of a second allows. Files on servers are not checked.

        Returns
        -------
        StoreInfo
            Its attributes, which print as tables. Only the columns of a weight are read.

        Raises
        ------
        CutError
            If memmpy cannot read the weight, or the store lacks a key of it.

        Examples
        --------
        >>> print(store.info(weight="genWeight * xsec"))
        """
        if check_files is not None:
            check_files = check_flag("check_files", check_files)
        options = GroupOptions(weight=weight, aliases=aliases, constants=constants)
        self._check_whole(options.keys)
        return info_of(self._snapshot, self._damage, options, check_files=check_files)

    def columns(self, keys: str | Collection[str] | None = None) -> Columns:
        """Return the kind, type, size and origin of columns; nothing is read.

        Parameters
        ----------
        keys : str or collection of str, optional
            Keys, or patterns such as ``"jet_*"``; all columns by default.

        Returns
        -------
        Columns
            A sequence of `ColumnSummary`, which prints as a table.

        Raises
        ------
        MissingKeyError, ColumnError
            If a name or a pattern selects no column; names the nearest. If a column is stale.

        Examples
        --------
        >>> store.columns("jet_*")
        """
        selected = self._select(keys)
        return list_columns(self.path, self._metadata, selected, damage=self._damage, max_rows=0)

    def head(
        self,
        n: int = 5,
        *,
        keys: str | Collection[str] | None = None,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        entries: Sequence[int] | NDArray[Any] | None = None,
    ) -> EventTable:
        """Return a few events.

        Parameters
        ----------
        n : int, default 5
            The number of events.
        keys : str or collection of str, optional
            Keys, or patterns such as ``"jet_*"``; all columns by default.
        cut : str, optional
            A cut that the events pass; the first `n` of them. memmpy reads no further.
        aliases : mapping of str to str, optional
            Names for expressions in the cut.
        constants : mapping of str to bool, number or str, optional
            Names for values in the cut.
        entries : array of int, optional
            The entries to show, instead of the first ones.

        Returns
        -------
        EventTable
            The events, which print as a table with a row for each key. Integers are exact, and
            metadata are texts.

        Raises
        ------
        MissingKeyError, ColumnError
            If a name or a pattern selects no column; names the nearest. If a column is stale.
        LengthError
            If a column that was named has not one value for each entry.
        CutError
            If memmpy cannot read the cut; shows the place.
        OptionError
            If an option is invalid, or an entry is out of range.

        Examples
        --------
        >>> print(store.head(3, keys=["process", "jet_*"], cut="nJets >= 6"))
        """
        num = check_integer("n", n, minimum=1)
        if cut is not None and entries is not None:
            raise OptionError("give cut= or entries=, not both")
        if keys is not None:
            self._check_whole(self._select(keys))
        selected, others = select_aligned(self._columns, keys, num_entries=self._num_events)
        if entries is not None:
            chosen = check_indices(entries, self._num_events, of="entries of the store")
        elif cut is None:
            chosen = np.arange(min(num, self._num_events))
        else:
            options = GroupOptions(cut=cut, aliases=aliases, constants=constants)
            self._check_whole(options.keys)
            chosen = first_passing(self._snapshot, options, num=num)
        return events_of_store(
            self._snapshot,
            selected,
            chosen,
            left_out=left_out_in_words(others, [*self._damage] if keys is None else []),
            max_rows=MAX_ROWS if keys is None else 0,
        )

    def describe(
        self,
        keys: str | Collection[str] | None = None,
        *,
        by: str | Sequence[str] | None = None,
        cut: str | None = None,
        weight: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> Description:
        """Return the mean, width, extremes, shares and distribution of columns.

        memmpy reads each column once, on threads, in bounded memory. Sums are made in float64. The
        result is the same to the last bit for any `num_threads`.

        Parameters
        ----------
        keys : str or collection of str, optional
            Keys, or patterns such as ``"jet_*"``; all columns by default.
        by : str or sequence of str, optional
            One or several columns to group by, as `cutflow` takes them. ``"process"`` also stands
            for all texts of the metadata, if none has this name.
        cut : str, optional
            A cut that the entries pass.
        weight : str, optional
            A weight of each entry, for the mean, the width and the distribution.
        aliases : mapping of str to str, optional
            Names for expressions in the cut and the weight.
        constants : mapping of str to bool, number or str, optional
            Names for values in the cut and the weight.
        num_threads : int, optional
            Threads that read, beside the thread of the caller; see `compute_cut_batched`.

        Returns
        -------
        Description
            A sequence of `ColumnStatistics`, one for each column and group, which prints as a
            table.

        Raises
        ------
        MissingKeyError, ColumnError
            If a name or a pattern selects no column, or the store lacks a column to group by; if a
            column is stale.
        LengthError
            If there are groups, a cut or a weight, and a column that was named has another length.
        CutError
            If memmpy cannot read the cut or the weight; shows the place.
        OptionError
            If memmpy cannot group by a column.
        CorruptStoreError
            If a column that was named is damaged; others are left out, and the table says so.

        Warns
        -----
        CutWarning
            See `memmpy.cutflow`, also if weights are NaN or infinite.

        Examples
        --------
        >>> print(store.describe(["met", "jet_*"], by="process", cut="nJets >= 6"))
        """
        threads = check_threads(num_threads)
        if keys is not None:
            self._check_whole(self._select(keys))
        if by == "process" and by not in self._columns:
            by = process_keys(self._metadata) or "process"
        grouping, others = None, list[str]()
        if by is None and cut is None and weight is None:
            selected = select_keys([*self._columns], keys)
        else:
            num_entries = self._num_events
            selected, others = select_aligned(self._columns, keys, num_entries=num_entries)
            options = GroupOptions(by, cut, weight, aliases, constants)
            self._check_whole(options.keys)
            grouping = plan_groups(self._snapshot, (), keys=(), options=options)
        rows = describe_columns(self._snapshot, selected, grouping=grouping, num_threads=threads)
        return Description(
            str(self.path),
            rows,
            () if grouping is None else grouping.by,
            cut,
            weight,
            tuple(others),
            tuple(self._damage) if keys is None else (),
            MAX_ROWS if keys is None else 0,
        )
