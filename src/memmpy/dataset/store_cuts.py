"""`StoreCuts`: the methods of `Store` that take expressions: cut, cutflow, add, hist, export."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.checks import check_flag, check_key, check_progress
from memmpy.columns import ReadJagged
from memmpy.cuts import (
    STEP_SIZE,
    Constant,
    CutFlow,
    Cuts,
    GroupOptions,
    Selection,
    add_column,
    count_steps,
    find_entries,
    keys_of,
    list_cuts,
    plan_flow,
    read_cut,
    selection_of,
)
from memmpy.dataset.hist import BinsOption, fill_histograms
from memmpy.dataset.store_mapping import StoreMapping
from memmpy.errors import argument_hints, require
from memmpy.export import ColumnsFile, export_columns
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from memmpy.dataset.hist.store_hist import StoreHist

__all__ = ["StoreCuts"]


@argument_hints
class StoreCuts(StoreMapping):
    """A store with cuts: the methods `cut`, `cuts`, `cutflow`, `add`, `hist` and `export`.

    Parameters
    ----------
    path : path-like
        The directory of the store.
    """

    def cut(
        self,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> Selection:
        """Return the int64 entries that pass a cut; see `compute_cut_batched`.

        Examples
        --------
        >>> entries = store.cut("nJets >= 6 && met > limit", constants={"limit": 50})
        >>> store["met"][entries]
        """
        cut = read_cut(expression, aliases=aliases, constants=constants)
        self._check_whole(keys_of(cut))
        cached = find_entries(
            self._snapshot,
            cut,
            stored_as={},
            step_size=STEP_SIZE,
            num_threads=num_threads,
            recreate=False,
        )
        return selection_of(cached)

    def add(
        self,
        key: str,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        recreate: bool = False,
        num_threads: int | None = None,
    ) -> np.memmap[Any, Any] | ReadJagged:
        """Compute a column from other columns and write it to the store.

        memmpy opens no source file. If the column is up to date, the call only returns it; another
        expression replaces a computed column. A computed column becomes stale if a column that it
        uses is rewritten: then add it again.

        Parameters
        ----------
        key : str
            The key of the new column.
        expression : str
            An expression in the language of cuts, of any value: ``"Sum$(jet_pt)"``,
            ``"jet_pt[0] / met"``. Its dtype follows C++: float32 for a quotient of float32,
            float64 for a `Sum$` of floats, bool for a condition. A float is NaN if an entry lacks
            the element that the expression picks.
        aliases : mapping of str to str, optional
            Names for expressions.
        constants : mapping of str to bool, number or str, optional
            Names for values.
        recreate : bool, default False
            Compute the column again, and replace a column of this key that was not computed.
        num_threads : int, optional
            Threads that evaluate, beside the thread of the caller; see `compute_cut_batched`.

        Returns
        -------
        np.memmap or ReadJagged
            The column. This object shows the last commit from now on, and so the new column.

        Raises
        ------
        CutError
            If memmpy cannot read or compute the expression; shows the place.
        OptionError
            If the key belongs to a column that was not computed, or the expression uses it.
        ReadOnlyStoreError, StoreLockedError, DiskError
            If memmpy cannot write to the store. The store keeps its content.

        Examples
        --------
        >>> store.add("HT", "Sum$(jet_pt)")
        >>> store.add("is_hard", "HT > 500 && met > 50")
        """
        add_column(
            self.path,
            check_key(key),
            expression,
            aliases=aliases,
            constants=constants,
            recreate=recreate,
            num_threads=num_threads,
        )
        self._open()
        column = self[key]
        assert isinstance(column, np.memmap | ReadJagged)
        return column

    @property
    def cuts(self) -> Cuts:
        """The selections that the store caches now, a sequence that prints as a table.

        A selection is outdated if one of its columns was rewritten; see `CutRecord.is_current`. The
        next cut removes outdated selections.
        """
        return Cuts(list_cuts(self.path, self._metadata))

    def cutflow(
        self,
        cuts: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        weight: str | None = None,
        signal: str | Sequence[str] | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> CutFlow:
        """Count the entries that each step of a cut leaves; see `memmpy.cutflow`.

        Examples
        --------
        >>> print(store.cutflow("nJets >= 6 && met > 50", by="process"))
        """
        plan = plan_flow(
            cuts, by=by, weight=weight, signal=signal, aliases=aliases, constants=constants
        )
        self._check_whole(plan.keys)
        return count_steps(self._snapshot, plan, step_size=STEP_SIZE, num_threads=num_threads)

    def hist(
        self,
        key: str,
        *,
        by: str | Sequence[str] | None = None,
        bins: BinsOption = "auto",
        cut: str | None = None,
        weight: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> "StoreHist":
        """Fill a histogram of a key or an expression, by group, in one pass over the store.

        Parameters
        ----------
        key : str
            A key of the store, or an expression in the language of cuts: ``"jet_pt"``,
            ``"Sum$(jet_pt) / 1000"``. Each element of a list, or of lists of lists, counts with the
            weight of its event. A key of text or metadata has its texts as bins.
        by : str or sequence of str, optional
            One or several columns to group by, such as ``"process"``; see `memmpy.cutflow`.
        bins : "auto", int, (int, float, float) or sequence of float, default "auto"
            A tuple of three is the number of bins and a range: ``(50, 0, 500)``; a list holds
            ascending edges; an integer is a number of bins. By default memmpy looks at some entries
            first. Then integers have bins of width one, and long tails are in the overflow, as are
            numbers far from all others, such as -999, in the underflow.
        cut : str, optional
            The events that count. A cut on a list passes an event if any element passes, and all
            elements of the event count. To count some elements, give the others a value below the
            bins, as in ``hist("where(jet_pt > 30, jet_eta, -9)", bins=(50, -2.5, 2.5))``.
        weight : str, optional
            An expression with one number per event. By default each weight is 1.
        aliases : mapping of str to str, optional
            Names for expressions, in the key, the cut and the weight.
        constants : mapping of str to bool, number or str, optional
            Names for values.
        num_threads : int, optional
            Threads that evaluate, beside the thread of the caller; see `compute_cut_batched`.

        Returns
        -------
        StoreHist
            A `hist.Hist`, with `StoreHist.plot`. Its storage is ``Weight``: sums of weights and of
            squared weights, in float64. With `by`, the first axis holds the groups, and has the
            name of the column. Bin i holds the values with ``edges[i] <= value < edges[i + 1]``, as
            in `boost_histogram`, so the last edge is in the overflow. NaN is in the overflow, too.

        Raises
        ------
        CutError, OptionError
            If memmpy cannot read or compute an expression, the key does not hold numbers, booleans
            or texts, or the bins make no sense.
        MissingKeyError, LengthError
            If the store lacks a column to group by, or columns differ in length.
        MissingPackageError
            If hist is not installed: ``pip install 'memmpy[plot]'``.

        Notes
        -----
        Values are compared with the edges. ``hist.axis.Regular`` divides instead, and puts some
        values that lie on an edge into the bin below, such as 29 in 100 bins from 0 to 100.

        Examples
        --------
        >>> jets = store.hist("jet_pt", by="process", bins=(50, 0, 500), weight="weight")
        >>> jets["ttH", :].values()
        >>> jets.plot("jet_pt.png", density=True)
        """
        require("hist", what="Store.hist", extra="plot")
        from memmpy.dataset.hist.store_hist import to_hist

        check_key(key, name="the key of a histogram")
        options = GroupOptions(by, cut, weight, aliases, constants)
        own = {key} if key in self else keys_of(options.read(key))
        self._check_whole(options.keys | own)
        (histogram,) = fill_histograms(
            self._snapshot, [key], bins=bins, options=options, num_threads=num_threads
        )
        return to_hist(histogram, by=options.by_columns, is_weighted=weight is not None)

    def export(
        self,
        path: PathLike,
        *,
        keys: str | Collection[str] | None = None,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        overwrite: bool = False,
        progress: bool | None = None,
    ) -> ColumnsFile:
        """Write columns to a Parquet, HDF5 or ROOT file, for other programs.

        Numbers keep their bits, and lists stay lists. Names of the metadata are written as texts.
        The file appears when it is complete. Memory is bounded by a step of entries.

        Parameters
        ----------
        path : path-like
            The file. Its suffix is that of the format: ``.parquet`` or ``.pq``, ``.h5`` or
            ``.hdf5``, ``.root``. A ROOT file has a TTree ``Events``, and an HDF5 file a dataset for
            each column. In their names, ``_`` replaces what ROOT and HDF5 do not allow, such as the
            dot of ``AnalysisJetsAuxDyn.pt`` in ROOT.
        keys : str, or collection of str, optional
            The columns, by names and patterns such as ``"jet_*"``; by default all.
        cut : str, optional
            The entries to write, in the order of the store. All entries by default.
        aliases : mapping of str to str, optional
            Names for expressions in the cut.
        constants : mapping of str to bool, number or str, optional
            Names for values in the cut.
        overwrite : bool, default False
            Whether to replace a file. Files that the store was made from are never replaced.
        progress : bool, optional
            Whether to show a progress bar; by default only on a terminal.

        Returns
        -------
        ColumnsFile
            The path, the keys and the number of entries.

        Raises
        ------
        MissingKeyError, ColumnError
            If there is no such column; names the nearest. If a column is stale.
        OptionError
            If the suffix is of no format; if the file exists; if two columns would have one name.
        ColumnError, LengthError
            If the format cannot hold a column; if columns differ in length.
        CutError
            If memmpy cannot read the cut; shows the place.
        MissingPackageError
            If pyarrow or h5py is not installed.
        DiskError, ReadOnlyStoreError
            If memmpy cannot write the file. An older file of this name is unchanged.

        Examples
        --------
        >>> store.export("selected.parquet", keys=["met", "jet_*"], cut="nJets >= 6")
        """
        selected = self._select(keys)
        self._check_whole(selected)
        entries, cut_keys = None, frozenset[str]()
        if cut is not None:
            entries = self.cut(cut, aliases=aliases, constants=constants)
            cut_keys = keys_of(read_cut(cut, aliases=aliases, constants=constants))
        return export_columns(
            self._snapshot,
            path,
            keys=selected,
            entries=entries,
            cut_keys=cut_keys.intersection(self),
            overwrite=check_flag("overwrite", overwrite),
            progress=check_progress(progress),
        )
