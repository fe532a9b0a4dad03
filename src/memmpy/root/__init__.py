"""ROOT's words live here: trees, branches and baskets in, arrays out; and friend trees back."""

from memmpy.root.reading import TreeFile

__all__ = ["TreeFile"]
