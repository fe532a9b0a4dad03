"""Reads TTrees, RNTuples and histograms of ROOT files."""

from memmpy.sources.root.contents import root_objects
from memmpy.sources.root.histograms import read_bin
from memmpy.sources.root.tree_file import TreeFile
from memmpy.sources.root.tree_index import TreeIndex

__all__ = ["TreeFile", "TreeIndex", "read_bin", "root_objects"]
