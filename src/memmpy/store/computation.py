"""The record of the computation of a column: its expression, and what it was made of."""

from typing import Any

from memmpy.store.json_types import Count, JsonObject, to_json

__all__ = ["COMPUTED", "Computed"]

#: Key of the record of a computation in the details of a column.
COMPUTED = "computed"


class Computed(JsonObject, frozen=True):
    """The expression and the inputs of a computed column, which decide whether it is stale.

    Parameters
    ----------
    expression : str
        The expression as the user wrote it.
    normal : str
        The normal form of the expression, with aliases and constants substituted.
    language : int
        Version of the language, increased when an expression changes its meaning.
    made_of : mapping of str to str
        Key to fingerprint of the columns in the expression.
    """

    expression: str
    normal: str
    language: Count
    made_of: dict[str, str]

    def to_details(self) -> dict[str, Any]:
        """Return the details of a column that was computed so."""
        return {COMPUTED: to_json(self)}
