"""`StoreCuts`: a store as a mapping of columns, with cuts, and columns computed from others."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from memmpy.checks import check_flag, check_key, check_progress
from memmpy.columns import ReadJagged, check_keys
from memmpy.cuts import (
    STEP_SIZE,
    Constant,
    CutFlow,
    Cuts,
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
from memmpy.dataset.store_mapping import StoreMapping
from memmpy.errors import MissingKeyError, OptionError, nearest
from memmpy.export import ColumnsFile, export_columns
from memmpy.typing import PathLike

__all__ = ["StoreCuts"]


class StoreCuts(StoreMapping):
    """Columns by key, with cuts.

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
        """The selections that the store caches now: a sequence, which prints as a table.

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
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> CutFlow:
        """Count the entries that each step of a cut leaves; see `memmpy.cutflow`.

        Examples
        --------
        >>> print(store.cutflow("nJets >= 6 && met > 50", by="process"))
        """
        plan = plan_flow(cuts, by=by, weight=weight, aliases=aliases, constants=constants)
        self._check_whole(plan.keys)
        return count_steps(self._snapshot, plan, step_size=STEP_SIZE, num_threads=num_threads)

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
        MissingKeyError
            If there is no such column; names the nearest.
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
        selected = _select(self, keys)
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


def _select(known: Collection[str], keys: str | Collection[str] | None) -> list[str]:
    """Return the keys that names and patterns select; all by default."""
    keys = [*known] if keys is None else [keys] if isinstance(keys, str) else keys
    check_keys(keys)
    selected: dict[str, None] = {}
    for key in keys:
        matches = [key] if key in known else [one for one in known if fnmatchcase(one, key)]
        if not matches:
            raise MissingKeyError(f"no column {key!r}{nearest(key, known)}", key)
        selected |= dict.fromkeys(matches)
    if not selected:
        raise OptionError("keys is empty: name a column, or leave it out for all columns")
    return list(selected)
