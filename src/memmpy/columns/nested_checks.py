"""Checks of the offsets of nested columns, and of their index of missing values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from memmpy.errors import damaged
from memmpy.kernels import check_offsets
from memmpy.typing import Array, Entries

__all__ = ["check_ends", "check_nested"]

#: Values of an index that are compared at a time.
_STEP = 1 << 20


def check_ends(form: Mapping[str, Any], arrays: Mapping[str, Array], num: int, *, of: str) -> None:
    """Raise a `CorruptStoreError` unless each array is as long as the arrays that point into it.

    Reads the index of missing values, and the first and last offset of each array of offsets.

    Parameters
    ----------
    form : mapping
        The form of the column, as its metadata has it.
    arrays : mapping of str to array
        Its arrays by role.
    num : int
        Number of its entries.
    of : str
        Its name in errors.
    """
    name, num_rows = form["form_key"], _num_rows(form, arrays)
    if num_rows is not None and num_rows != num:
        raise damaged(of, f"{name!r} has {num_rows} items, expected {num}")
    match form["class"]:
        case "ListOffsetArray":
            offsets = arrays[f"{name}-offsets"]
            if offsets[0] != 0:
                raise damaged(of, f"the offsets {name!r} start at {offsets[0]}, not at 0")
            check_ends(form["content"], arrays, int(offsets[-1]), of=of)
        case "RegularArray":
            check_ends(form["content"], arrays, num * form["size"], of=of)
        case "RecordArray":
            for content in form["contents"]:
                check_ends(content, arrays, num, of=of)
        case "IndexedOptionArray":
            # The content may be longer than the index needs: values under a mask are kept.
            num_rows = _num_rows(form["content"], arrays)
            # Awkward reads the whole index, too.
            _check_index(arrays[f"{name}-index"], num_rows, name, of=of)
            if num_rows is not None:
                check_ends(form["content"], arrays, num_rows, of=of)


def check_nested(form: Mapping[str, Any], arrays: Mapping[str, Array], *, of: str) -> None:
    """Raise a `CorruptStoreError` if offsets at any depth fall or lead out; reads all of them."""
    name = form["form_key"]
    if form["class"] == "ListOffsetArray":
        offsets = arrays[f"{name}-offsets"]
        what = of if "." not in name else f"{of}, in its lists {name!r},"
        check_offsets(offsets, int(offsets[-1]), of=what)
    for content in form.get("contents", [form["content"]] if "content" in form else []):
        check_nested(content, arrays, of=of)


def _check_index(index: Entries, num: int | None, name: str, *, of: str) -> None:
    """Raise a `CorruptStoreError` unless an index ascends; -1 stands for a missing value."""
    last = -1
    for start in range(0, len(index), _STEP):
        own = index[start : start + _STEP]
        present = own[own != -1]
        wrong = np.diff(present, prepend=last) <= 0
        if num is not None:
            wrong |= present >= num
        for at in np.flatnonzero(wrong | (present < 0))[:1]:
            what = f"its index {name!r} has {present[at]}, which falls or leads out"
            raise damaged(of, what)
        last = int(present[-1]) if len(present) else last


def _num_rows(form: Mapping[str, Any], arrays: Mapping[str, Array]) -> int | None:
    """Return the number of rows of a node; None if its arrays do not tell it."""
    name = form["form_key"]
    match form["class"]:
        case "ListOffsetArray":
            return len(arrays[f"{name}-offsets"]) - 1
        case "IndexedOptionArray":
            return len(arrays[f"{name}-index"])
        case "RecordArray":
            counts = [_num_rows(content, arrays) for content in form["contents"]]
            return min((count for count in counts if count is not None), default=None)
        case "RegularArray":
            num = _num_rows(form["content"], arrays)
            return None if num is None or form["size"] == 0 else num // form["size"]
        case _:
            return len(arrays[f"{name}-data"])
