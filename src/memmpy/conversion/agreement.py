"""The type of each column of a conversion, on which all its files must agree."""

from collections.abc import Mapping

from memmpy.errors import RootFileError
from memmpy.conversion.plan import Pieces, Wanted
from memmpy.root.reading import TreeFile
from memmpy.conversion.recipe import branches_of
from memmpy.inputs.types import BranchType, type_of_column
from memmpy.store import Metadata

__all__ = ["column_types"]


def column_types(
    plan: Mapping[str, Pieces], wanted: Wanted, metadata: Metadata
) -> dict[str, BranchType]:
    """Return the types of the columns of a plan, without reading any entry.

    Raises
    ------
    MissingKeyError, RootFileError
        If a file lacks a branch, no column can hold it, or files differ in its type.
    """
    types: dict[str, tuple[BranchType, str]] = {}
    for recipe in wanted.recipes:
        if any(piece is not None for piece in plan.get(recipe.key, ())):
            types[recipe.key] = (type_of_column(metadata.columns[recipe.key]), "the store")
    for source, recipes in zip(wanted.sources, wanted.to_read(plan), strict=True):
        if not recipes:
            continue
        with TreeFile(source.path, source.tree) as file:
            branch_types = {branch: file.type_of(branch) for branch in branches_of(recipes)}
        for recipe in recipes:
            found = recipe.type(branch_types)
            first, where = types.setdefault(recipe.key, (found, source.path))
            if found != first:
                message = (
                    f"{recipe.key!r} is {first} in {where!r} and {found} in {source.path!r}; "
                    "convert them into two stores, or make the files agree"
                )
                raise RootFileError(message)
    return {key: found for key, (found, _) in types.items()}
