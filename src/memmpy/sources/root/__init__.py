"""Reads TTrees and RNTuples of ROOT files: branches and baskets in, arrays out."""

from memmpy.sources.root.tree_file import TreeFile

__all__ = ["TreeFile"]
