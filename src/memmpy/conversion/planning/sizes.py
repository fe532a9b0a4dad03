"""How many bytes columns will take: exact where entries have one size, at most about where not."""

from collections.abc import Mapping, Sequence

from memmpy.columns import Layout
from memmpy.conversion.planning.partition import Range
from memmpy.conversion.planning.recipe import Recipe

__all__ = ["is_exact", "size_of_lists", "size_of_rows"]

#: Offsets have 8 bytes an entry here, and 4 in a TTree.
_MORE_BYTES = 4


def is_exact(layout: Layout) -> bool:
    """Say whether the size of a column follows from its number of entries."""
    return all(field.is_fixed for field in layout.fields)


def size_of_rows(layout: Layout, num_entries: int) -> int:
    """Return the bytes of a column whose entries all have one size."""
    return num_entries * sum(field.row_bytes for field in layout.fields)


def size_of_lists(
    ranges: Sequence[Range], recipes: Mapping[str, Recipe], layouts: Mapping[str, Layout]
) -> dict[str, int]:
    """Return at most about how many bytes entries of different sizes take once they are read.

    Parameters
    ----------
    ranges : sequence of Range
        What is read.
    recipes, layouts : mapping of key to Recipe, and to Layout
        How columns are made of it, and their arrays.

    Returns
    -------
    dict
        Bytes by key, of columns for which `is_exact` is false. What the branches of a range take
        decompressed, less those of one size, is shared evenly among the branches that are left; a
        column is thought to take what one such branch does, and its wider offsets. It will take
        less where it shares its offsets with others.
    """
    sizes: dict[str, float] = {}
    for read in ranges:
        varying = [key for key in read.keys if not is_exact(layouts[key])]
        if not varying:
            continue
        plain = {
            recipes[key].branches[0]: size_of_rows(layouts[key], read.num_entries)
            for key in read.keys
            if is_exact(layouts[key]) and _is_plain(recipes[key])
        }
        used = {branch for key in read.keys for branch in recipes[key].branches}
        left = max(0, read.unpacked - sum(plain.values()))
        share = left / max(1, len(used - plain.keys()))
        for key in varying:
            sizes[key] = sizes.get(key, 0) + share + _MORE_BYTES * read.num_entries
    return {key: round(size) for key, size in sizes.items()}


def _is_plain(recipe: Recipe) -> bool:
    return recipe.program is None and recipe.padding is None and recipe.dtype is None
