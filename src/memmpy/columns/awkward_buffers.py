"""Awkward arrays as a form and plain buffers, which nested columns store."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from memmpy.errors import ColumnError
from memmpy.typing import Array

__all__ = ["Buffer", "buffers_of", "form_of"]

_TOP = "node0"


@dataclass(frozen=True, slots=True)
class Buffer:
    """One buffer of an awkward array.

    Parameters
    ----------
    values : array
        Its content; of offsets, the end of each list.
    node : str
        The node whose length it has.
    points_into : str or None
        The node that its values point into.
    kind : str
        ``values``, ``offsets`` or ``index``.
    """

    values: Array
    node: str
    points_into: str | None
    kind: Literal["values", "offsets", "index"]


def form_of(array: Any) -> dict[str, Any]:
    """Return the form, as JSON values, that an `ak.Array` has once it is stored.

    Raises
    ------
    ColumnError
        For unions and unknown types, which have no fixed dtype.
    """
    return _form(array.layout, _TOP)


def buffers_of(array: Any) -> tuple[dict[str, int], dict[str, Buffer]]:
    """Return the length of each node of a packed `ak.Array`, and its buffers by role."""
    lengths: dict[str, int] = {}
    buffers: dict[str, Buffer] = {}
    _take_apart(array.layout, _TOP, lengths, buffers)
    return lengths, buffers


def _form(layout: Any, name: str) -> dict[str, Any]:
    import awkward as ak

    contents = ak.contents
    layout = _plain(layout)
    form = {"form_key": name, "parameters": dict(layout.parameters)}
    if isinstance(layout, contents.NumpyArray):
        primitive = layout.form.primitive
        return {**form, "class": "NumpyArray", "primitive": primitive, "inner_shape": []}
    if isinstance(layout, contents.RecordArray):
        inner = [_form(c, f"{name}.{i}") for i, c in enumerate(layout.contents)]
        fields = None if layout.is_tuple else layout.fields
        return {**form, "class": "RecordArray", "fields": fields, "contents": inner}
    if isinstance(layout, contents.UnionArray | contents.EmptyArray):
        message = f"cannot hold the type {layout.form.type}: "
        raise ColumnError(message + "unions and unknown types have no fixed dtype")
    content = _form(layout.content, f"{name}.0")
    if layout.is_option:
        return {**form, "class": "IndexedOptionArray", "index": "i64", "content": content}
    if isinstance(layout, contents.RegularArray):
        return {**form, "class": "RegularArray", "size": layout.size, "content": content}
    return {**form, "class": "ListOffsetArray", "offsets": "i64", "content": content}


def _take_apart(
    layout: Any, name: str, lengths: dict[str, int], buffers: dict[str, Buffer]
) -> None:
    import awkward as ak

    contents = ak.contents
    layout = _plain(layout)
    lengths[name] = len(layout)
    inner = f"{name}.0"
    if isinstance(layout, contents.NumpyArray):
        buffers[f"{name}-data"] = Buffer(np.asarray(layout.data), name, None, "values")
    elif isinstance(layout, contents.RecordArray):
        for i, content in enumerate(layout.contents):
            _take_apart(content[: len(layout)], f"{name}.{i}", lengths, buffers)
    elif layout.is_option:
        index = np.asarray(layout.index.data).astype(np.int64)
        buffers[f"{name}-index"] = Buffer(index, name, inner, "index")
        _take_apart(layout.content, inner, lengths, buffers)
    elif isinstance(layout, contents.RegularArray):
        _take_apart(layout.content[: len(layout) * layout.size], inner, lengths, buffers)
    else:
        offsets = np.asarray(layout.offsets.data).astype(np.int64)
        buffers[f"{name}-offsets"] = Buffer(offsets[1:] - offsets[0], name, inner, "offsets")
        _take_apart(layout.content[offsets[0] : offsets[-1]], inner, lengths, buffers)


def _plain(layout: Any) -> Any:
    """Return a layout as one of the few classes that are stored."""
    import awkward as ak

    if isinstance(layout, ak.contents.IndexedArray):
        return _plain(layout.project().to_packed())
    if isinstance(layout, ak.contents.NumpyArray):
        return layout.to_RegularArray() if layout.data.ndim > 1 else layout
    return layout.to_IndexedOptionArray64() if layout.is_option else layout
