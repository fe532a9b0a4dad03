"""Why columns are written, and which ones must not be, in the user's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from memmpy.conversion.planning.recipe import missing_in_words
from memmpy.errors import OptionError
from memmpy.store import ColumnRecord

__all__ = ["check_replaceable", "reason_to_write"]


def reason_to_write(
    column: ColumnRecord | None,
    recipe: Mapping[str, Any],
    held: Sequence[object],
    *,
    recreate: bool,
) -> str:
    """Return why a column has to be written.

    Parameters
    ----------
    column : ColumnRecord or None
        What the store has under that key.
    recipe : mapping
        How its entries shall be made, as JSON values.
    held : sequence of object or None
        For each source, what the store has of it.
    recreate : bool
        Whether everything was to be read again.
    """
    if recreate:
        return "to be read again"
    if column is None:
        return "new"
    if column.origin is None:
        return "replaces a computed column"
    if "metadata" in recipe:
        return "the files or their metadata changed"
    if column.origin.recipe != recipe:
        return f"was {_short(column.origin.recipe)}, now {_short(recipe)}"
    if None not in held:
        return "files left or changed places"
    return "files are new or changed"


def _short(recipe: Mapping[str, Any]) -> str:
    """Return a recipe in a few words."""
    text = str(recipe.get("branch", recipe.get("expression", "text of the files")))
    text += missing_in_words(recipe)
    if "padding" in recipe:
        length, fill = recipe["padding"]
        text += f" padded to {length} with {fill}"
    text += ", its mask" if recipe.get("mask") else ""
    return text + (f" as {recipe['dtype']}" if "dtype" in recipe else "")


def check_replaceable(key: str, column: ColumnRecord, recipe: Mapping[str, Any]) -> None:
    """Raise an `OptionError` if a column is not convert's; what was computed can be again."""
    if column.computed is None:
        message = (
            f"column {key!r} of the store was not made by convert and would be lost; "
            "take the branch under another name (aliases=), or replace it (recreate=True)"
        )
        raise OptionError(message)
    if "branch" in recipe:
        message = (
            f"column {key!r} of the store was computed by Store.add, and would be lost for a "
            f"branch of that name; to compute it from branches, give aliases={{{key!r}: "
            f"{column.computed.expression!r}}}; to use it as it is, memmpy.open(...).loader(); to "
            "take the branch, recreate=True"
        )
        raise OptionError(message)
