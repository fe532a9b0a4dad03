"""Reasons to write columns, and errors for columns that must not be replaced."""

from collections.abc import Mapping, Sequence
from typing import Any

from memmpy.conversion.planning.column_spec import format_missing
from memmpy.errors import OptionError
from memmpy.store import ColumnRecord

__all__ = ["check_replaceable", "reason_to_write"]


def reason_to_write(
    column: ColumnRecord | None,
    spec: Mapping[str, Any],
    reusable: Sequence[object],
    *,
    recreate: bool,
) -> str:
    """Return the reason why a column must be written, for the user.

    Parameters
    ----------
    column : ColumnRecord or None
        The column of the store with that key.
    spec : mapping
        The new spec, as JSON values.
    reusable : sequence of object or None
        For each source, the reusable entries of the store; None where there are none.
    recreate : bool
        Whether the user wants everything to be read again.
    """
    if recreate:
        return "to be read again"
    if column is None:
        return "new"
    if column.origin is None:
        return "replaces a computed column"
    if "branch" not in spec and "expression" not in spec:
        return "the files or their metadata changed"
    was, now = ({**one, "numbers": {}} for one in (column.origin.spec, spec))
    if was != now:
        before, after = map(_format_spec, (column.origin.spec, spec))
        return f"was {before}, now {after}"
    if None in reusable and column.origin.spec != spec:
        return "numbers or totals of files changed, or files are new"
    if None not in reusable:
        return "files were left out or reordered"
    return "files are new or changed"


def _format_spec(spec: Mapping[str, Any]) -> str:
    """Return a spec in a few words."""
    text = str(spec.get("branch", spec.get("expression", "text of the files")))
    text += format_missing(spec)
    if "padding" in spec:
        length, fill = spec["padding"]
        text += f" padded to {length} with {fill}"
    text += ", its mask" if spec.get("mask") else ""
    return text + (f" as {spec['dtype']}" if "dtype" in spec else "")


def check_replaceable(key: str, column: ColumnRecord, spec: Mapping[str, Any]) -> None:
    """Raise an `OptionError` for a column that `convert` did not make and cannot make again."""
    if column.computed is None:
        message = (
            f"column {key!r} of the store was not made by convert and would be lost; "
            "take the branch under another name (aliases=), or replace it (recreate=True)"
        )
        raise OptionError(message)
    if "branch" in spec:
        message = (
            f"column {key!r} of the store was computed by Store.add, and a branch of that "
            f"name would replace it; to compute it from branches, give aliases={{{key!r}: "
            f"{column.computed.expression!r}}}; to use it as it is, memmpy.open(...).loader(); to "
            "take the branch, recreate=True"
        )
        raise OptionError(message)
