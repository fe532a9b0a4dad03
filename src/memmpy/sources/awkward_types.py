"""Converts awkward forms and arrays to column types and values, and back."""

from typing import Any

import numpy as np

from memmpy.columns import ColumnType
from memmpy.jagged import Jagged

__all__ = ["form_of_type", "from_awkward", "type_of_form"]


def type_of_form(form: Any) -> ColumnType | None:
    """Return the column type for an awkward form, or None if no column can hold it."""
    import awkward as ak

    if form.parameter("__array__") in {"string", "bytestring"}:
        return ColumnType("text")
    numbers = _numbers(form)
    if numbers is not None:
        return ColumnType("vector", *numbers)
    is_list = isinstance(form, ak.forms.ListOffsetForm)
    numbers = _numbers(form.content) if is_list else None
    if numbers is not None:
        return ColumnType("jagged", *numbers)
    return ColumnType("nested", type=str(form.type)) if _can_be_nested(form) else None


def form_of_type(column_type: ColumnType) -> Any:
    """Return the awkward form of the entries of a column."""
    import awkward as ak

    if column_type.dtype is None:
        text = "string" if column_type.kind == "text" else column_type.type
        return ak.forms.from_type(ak.types.from_datashape(text, highlevel=False))
    form = ak.forms.NumpyForm(ak.types.numpytype.dtype_to_primitive(column_type.dtype))
    for size in reversed(column_type.shape):
        form = ak.forms.RegularForm(form, size)
    return form if column_type.kind == "vector" else ak.forms.ListOffsetForm("i64", form)


def from_awkward(array: Any, kind: str) -> Any:
    """Return an awkward array as values for a column of some kind.

    Returns
    -------
    np.ndarray for ``vector``, `Jagged` for ``jagged`` and (UTF-8 bytes) ``text``, the `ak.Array`
    itself for ``nested``.

    Raises
    ------
    ValueError
        If the offsets do not fit the content, as in a damaged file.
    """
    import awkward as ak

    if kind == "vector":
        return ak.to_numpy(array, allow_missing=False)
    wrong = ak.validity_error(array)
    if wrong:
        raise ValueError(f"its data is inconsistent: {wrong}")
    if kind == "nested":
        return array
    layout = array.layout.to_ListOffsetArray64(True)
    offsets = np.asarray(layout.offsets.data)
    content = ak.to_numpy(ak.without_parameters(layout.content[: offsets[-1]]), allow_missing=False)
    return Jagged.trusted(np.asarray(content), offsets)


def _numbers(form: Any) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return dtype and shape of a form of numbers with one shape, else None."""
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
        # A named record is a C++ object, not plain data.
        is_object = form.parameter("__record__") is not None
        return not is_object and all(_can_be_nested(content) for content in form.contents)
    return isinstance(form, ak.forms.NumpyForm) or _can_be_nested(form.content)
