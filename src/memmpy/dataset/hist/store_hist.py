"""`StoreHist`: a `hist.Hist` of a key of a store, which draws itself by group.

This module needs the package hist: `Store.hist` imports it.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, final

import hist
import numpy as np
from numpy.typing import NDArray

from memmpy.dataset.hist.hist_plot import Bars, PlotOptions, draw_bars
from memmpy.dataset.hist.key_histograms import KeyHistogram
from memmpy.errors import OptionError, argument_hints
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["StoreHist", "to_hist"]


@argument_hints
@final
class StoreHist(hist.Hist, family=hist):  # type: ignore[misc,call-arg]
    """A `hist.Hist` of a key of a store: the result of `Store.hist`.

    It has all methods of `hist.Hist`, such as ``values()``, ``variances()``, ``project``, slices
    and ``+``. Its storage is ``hist.storage.Weight()``: sums of weights and of squared weights.
    """

    @argument_hints
    def plot(  # type: ignore[override,unused-ignore]
        self,
        path: PathLike | None = None,
        *,
        stack: bool | None = None,
        density: bool = False,
        ratio: str | None = None,
        overflow: bool = False,
        log: bool = False,
        label: str | None = None,
    ) -> "Figure":
        """Draw the histogram by group.

        Parameters
        ----------
        path : path-like, optional
            The file to write: ``.png``, ``.pdf`` or ``.svg``.
        stack : bool, optional
            Whether the groups stand on top of each other. By default they do, unless `density` or a
            `ratio` of two groups compares them.
        density : bool, default False
            Whether to normalise each group to an area of 1.
        ratio : str, optional
            The panel below. ``"data"`` draws the group ``data`` as points over the stack of all
            others, and divides by their sum. ``"A/B"`` divides group A by group B.
        overflow : bool, default False
            Whether to draw the underflow and the overflow as bins at the ends. NaN is in the
            overflow. By default a note at the side shows their sums, if there are any.
        log : bool, default False
            Whether the vertical axis is logarithmic.
        label : str, optional
            The label of an experiment, such as ``"CMS Simulation"``, ``"ATLAS Internal"``. The
            first word also selects the style of `mplhep`, if it has one.

        Returns
        -------
        matplotlib.figure.Figure
            It has no window: notebooks show it, and ``figure.savefig`` writes it. Its axes are
            ``figure.axes``. Matplotlib's settings stay as they are.

        Raises
        ------
        OptionError
            If `ratio` names no group, there are more axes, or the suffix of the file is another.
        MissingPackageError
            If matplotlib is not installed, or mplhep, which `label` needs.
        DiskError, ReadOnlyStoreError
            If the file cannot be written.

        Examples
        --------
        >>> jets = store.hist("nJets", by="process", weight="weight")
        >>> figure = jets.plot(ratio="data", label="CMS Simulation")
        """
        options = PlotOptions(
            stack=stack,
            density=density,
            ratio=ratio,
            overflow=overflow,
            log=log,
            label=label,
        )
        return draw_bars(_bars_of(self), options, path=path)


def _bars_of(histogram: StoreHist) -> Bars:
    """Return what is drawn: rows of values, with the underflow and the overflow."""
    axes = list(histogram.axes)
    values, variances = histogram.values(flow=True), histogram.variances(flow=True)
    groups = ["all"]
    if len(axes) == 2 and isinstance(axes[0], hist.axis.StrCategory):
        groups = list(axes[0])
        values, variances = values[: len(groups)], variances[: len(groups)]
        del axes[0]
    elif len(axes) == 1:
        values, variances = values[None], variances[None]
    if len(axes) != 1:
        message = f"plot draws one axis by group, and this histogram has {len(histogram.axes)} axes"
        raise OptionError(f"{message}; project it, as in h.project('met')")
    axis, traits = axes[0], axes[0].traits
    missing = (0, 0), (not traits.underflow, not traits.overflow)
    is_text = isinstance(axis, hist.axis.StrCategory)
    edges: NDArray[Any] = np.arange(len(axis) + 1) - 0.5 if is_text else axis.edges
    return Bars(
        key=axis.label or axis.name or "",
        counted=histogram.label or "events",
        groups=groups,
        edges=edges.astype(np.float64),
        texts=list(axis) if is_text else None,
        values=np.pad(values, missing),
        variances=np.pad(variances, missing),
    )


def _axis_name(key: str, *, used: Collection[str]) -> str:
    """Return the name of the axis of a key, unless hist or another axis uses it."""
    is_taken = key in used or key in {"weight", "sample", "threads"}
    return f"bins of {key}" if is_taken else key


def to_hist(histogram: KeyHistogram, *, by: tuple[str, ...], is_weighted: bool) -> StoreHist:
    """Return sums of a key by group as a `StoreHist`.

    Parameters
    ----------
    histogram : KeyHistogram
        The sums.
    by : tuple of str
        The columns to group by; the first axis has their names.
    is_weighted : bool
        Whether the sums are of weights, for the label of the vertical axis.
    """
    label = "sum of weights" if is_weighted else "values" if histogram.has_lists else "events"
    key, bins = histogram.key, histogram.bins
    axes = []
    if by:
        words = ", ".join(by)
        name = _axis_name(words, used=())
        axes.append(hist.axis.StrCategory(histogram.groups, name=name, label=words))
    names = {"name": _axis_name(key, used=[axis.name for axis in axes]), "label": key}
    if isinstance(bins, tuple):
        # hist refuses bytes that are no UTF-8.
        texts = [text.encode(errors="backslashreplace").decode() for text in bins]
        axes.append(hist.axis.StrCategory(texts, **names))
    elif bins.is_regular:
        ends = float(bins.edges[0]), float(bins.edges[-1])
        axes.append(hist.axis.Regular(len(bins.edges) - 1, *ends, **names))
    else:
        axes.append(hist.axis.Variable(bins.edges, **names))
    result = StoreHist(*axes, storage=hist.storage.Weight(), label=label)
    view = result.view(flow=True)
    for field, sums in (("value", histogram.sums), ("variance", histogram.squares)):
        bins_of_hist = np.append(sums[:, :-2], sums[:, -2:].sum(axis=1, keepdims=True), axis=1)
        if isinstance(bins, tuple):
            bins_of_hist = bins_of_hist[:, 1:]  # an axis of texts has no underflow
        if by:
            view[field][: len(bins_of_hist)] = bins_of_hist
        else:
            view[field] = bins_of_hist[0]
    return result
