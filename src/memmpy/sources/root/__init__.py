"""Reads TTrees, RNTuples and histograms of ROOT files."""

from memmpy.sources.root.histograms import read_bin
from memmpy.sources.root.tree_file import TreeFile
from memmpy.sources.root.tree_list import tree_names

__all__ = ["TreeFile", "read_bin", "tree_names"]
