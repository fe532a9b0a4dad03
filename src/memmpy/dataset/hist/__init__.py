"""Histograms of the keys of a store, as sums by group and as `hist.Hist`."""

from memmpy.dataset.hist.bin_edges import BinEdges, BinsOption
from memmpy.dataset.hist.key_histograms import KeyHistogram, fill_histograms

__all__ = ["BinEdges", "BinsOption", "KeyHistogram", "fill_histograms"]
