"""ROOT files: trees, branches and baskets in, arrays out."""

from memmpy.sources.root.tree_file import TreeFile

__all__ = ["TreeFile"]
