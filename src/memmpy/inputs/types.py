"""What kind of column holds what a branch gives."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.lists import Jagged
from memmpy.store import ColumnRecord
from memmpy.typing import Array

__all__ = [
    "BranchType",
    "form_of_type",
    "from_awkward",
    "type_of_column",
    "type_of_form",
    "type_of_values",
]


@dataclass(frozen=True, slots=True)
class BranchType:
    """Kind, dtype and shape of the entries of a branch or a column.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``text`` or ``nested``.
    dtype : np.dtype or None
        Of the numbers; None for text and nested.
    shape : tuple of int
        Of an entry of a vector, or of an item of a jagged entry.
    type : str
        Of nested data, as awkward writes it.
    """

    kind: str
    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] = ()
    type: str = ""

    def __str__(self) -> str:
        lists = ["var"] if self.kind == "jagged" else []
        numbers = " * ".join([*lists, *map(str, self.shape), str(self.dtype)])
        return {"text": "text", "nested": self.type}.get(self.kind, numbers)


def type_of_form(form: Any) -> BranchType | None:
    """Return what an awkward form needs, or None where no column can hold it."""
    import awkward as ak

    if form.parameter("__array__") in {"string", "bytestring"}:
        return BranchType("text")
    numbers = _numbers(form)
    if numbers is not None:
        return BranchType("vector", *numbers)
    is_list = isinstance(form, ak.forms.ListOffsetForm)
    numbers = _numbers(form.content) if is_list else None
    if numbers is not None:
        return BranchType("jagged", *numbers)
    return BranchType("nested", type=str(form.type)) if _can_be_nested(form) else None


def form_of_type(held: BranchType) -> Any:
    """Return the awkward form of the entries of a branch."""
    import awkward as ak

    if held.dtype is None:
        text = "string" if held.kind == "text" else held.type
        return ak.forms.from_type(ak.types.from_datashape(text, highlevel=False))
    form = ak.forms.NumpyForm(ak.types.numpytype.dtype_to_primitive(held.dtype))
    for size in reversed(held.shape):
        form = ak.forms.RegularForm(form, size)
    return form if held.kind == "vector" else ak.forms.ListOffsetForm("i64", form)


def type_of_values(values: Array | Jagged) -> BranchType:
    """Return what evaluated values need."""
    if isinstance(values, Jagged):
        return BranchType("jagged", values.dtype, values.content.shape[1:])
    return BranchType("vector", values.dtype, values.shape[1:])


def type_of_column(column: ColumnRecord) -> BranchType:
    """Return the type of a stored column."""
    if column.kind == "text":
        return BranchType("text")
    if column.kind == "nested":
        import awkward as ak

        form = ak.forms.from_json(json.dumps(column.details["form"]))
        return BranchType("nested", type=str(form.type))
    array = column.arrays["values" if column.kind == "vector" else "content"]
    return BranchType(column.kind, array.dtype, array.shape[1:])


def from_awkward(array: Any, kind: str) -> Any:
    """Return what a branch gave as its column takes it.

    Returns
    -------
    np.ndarray for ``vector``, `Jagged` for ``jagged`` and (UTF-8 bytes) ``text``, the `ak.Array`
    itself for ``nested``.

    Raises
    ------
    ValueError
        If lists do not lie in their content, as those of a damaged file may not.
    """
    import awkward as ak

    if kind == "vector":
        return ak.to_numpy(array, allow_missing=False)
    wrong = ak.validity_error(array)
    if wrong:
        raise ValueError(f"what was read makes no sense: {wrong}")
    if kind == "nested":
        return array
    layout = array.layout.to_ListOffsetArray64(True)
    offsets = np.asarray(layout.offsets.data)
    content = ak.to_numpy(ak.without_parameters(layout.content[: offsets[-1]]), allow_missing=False)
    return Jagged.trusted(np.asarray(content), offsets)


def _numbers(form: Any) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return dtype and shape where a form is of numbers of one shape."""
    import awkward as ak

    shape: list[int] = []
    while isinstance(form, ak.forms.RegularForm) and form.parameter("__array__") is None:
        shape.append(form.size)
        form = form.content
    if not isinstance(form, ak.forms.NumpyForm) or form.parameter("__array__") is not None:
        return None
    return np.dtype(form.primitive), (*shape, *form.inner_shape)


def _can_be_nested(form: Any) -> bool:
    import awkward as ak

    if isinstance(form, (ak.forms.EmptyForm, ak.forms.UnionForm)):
        return False
    if isinstance(form, ak.forms.RecordForm):
        # A record of that name is a C++ object: its members are its own business.
        is_object = form.parameter("__record__") is not None
        return not is_object and all(_can_be_nested(content) for content in form.contents)
    return isinstance(form, ak.forms.NumpyForm) or _can_be_nested(form.content)
