"""Missing values of files: what columns hold in their place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.display import format_count
from memmpy.errors import InputFileError, OptionError
from memmpy.jagged import fits
from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form

__all__ = [
    "Fill",
    "MissingValuesError",
    "Nulls",
    "UntypedError",
    "check_suits",
    "fill_missing",
    "filled_type",
    "format_fill",
    "has_unknown",
    "plain_layout",
    "with_type",
]

#: What a user puts where a value is missing: a number or a text, an empty tuple for an empty list,
#: or None to keep it missing.
Fill: TypeAlias = bool | int | float | str | tuple[()] | None


@dataclass(frozen=True, slots=True)
class Nulls:
    """How a file is read where it has no values.

    Parameters
    ----------
    fills : mapping of str to Fill
        By branch, what stands for a missing value.
    types : mapping of str to ColumnType
        By branch, the type that other files give it where this one has no value at all.
    """

    fills: Mapping[str, Fill] = field(default_factory=dict)
    types: Mapping[str, ColumnType] = field(default_factory=dict)

    def fill_of(self, branch: str) -> tuple[Fill, ...]:
        """Return the fill of a branch in a tuple, which is empty where the user named none."""
        return (self.fills[branch],) if branch in self.fills else ()


class MissingValuesError(Exception):
    """Values are missing, and nothing is known to stand for them; says how many.

    Parameters
    ----------
    num : int
        How many.
    example : str
        What could stand for them, as a user would write it.
    """

    def __init__(self, num: int, example: str) -> None:
        super().__init__(num, example)
        self.num, self.example = num, example


class UntypedError(InputFileError):
    """A file does not tell the type of a branch, since all its values are missing."""

    def __init__(self, message: str, branch: str) -> None:
        super().__init__(message)
        self.branch = branch

    def __reduce__(self) -> tuple[Any, ...]:  # it may come from another process
        return type(self), (str(self), self.branch), self.__dict__


def format_fill(fill: Fill) -> str:
    """Return a fill as the user writes it."""
    return "[]" if fill == () else repr(fill)


def check_suits(form: Any, fill: Fill, *, branch: str, where: str) -> None:
    """Raise an `OptionError` where a branch has no place for a fill."""
    if fill is not None and not _suits(form, fill):
        message = (
            f"missing={{{branch!r}: {format_fill(fill)}}} does not fit branch {branch!r} of "
            f"{where!r}, which is {form.type}: give a value that it can hold, or None to keep what "
            "is missing"
        )
        raise OptionError(message)


def has_unknown(form: Any) -> bool:
    """Say whether a form leaves open of which type some values are."""
    if form.is_record:
        return any(map(has_unknown, form.contents))
    if form.is_unknown or form.is_numpy or form.is_union:
        return bool(form.is_unknown)
    return has_unknown(form.content)


def filled_type(held: ColumnType, fill: tuple[Fill, ...], *, branch: str) -> ColumnType:
    """Return the type of nested entries of an option type, once a fill stands for what is missing.

    Raises
    ------
    OptionError
        If the branch has no place for the fill.
    """
    if held.kind != "nested" or not fill or fill == (None,):
        return held
    form = form_of_type(held)
    check_suits(form, fill[0], branch=branch, where="the files")
    plain = plain_layout(form.length_zero_array(highlevel=False), fill)
    return type_of_form(plain.form) or held


def fill_missing(values: Any, fill: tuple[Fill, ...], *, branch: str) -> Any:
    """Return entries of a branch as a column takes them, with a fill for what is missing.

    Raises
    ------
    InputFileError
        If the fill does not stand for all that is missing.
    """
    import awkward as ak

    if not isinstance(values, ak.Array) or not fill or fill == (None,):
        return values
    try:
        plain = ak.Array(plain_layout(values.layout, fill))
    except MissingValuesError as error:
        message = f"{branch!r} has {format_count(error.num, 'missing value')} for which "
        message += f"missing={{{branch!r}: {format_fill(fill[0])}}} has none"
        raise InputFileError(f"{message}; give None to keep what is missing") from None
    held = type_of_form(plain.layout.form)
    return values if held is None else from_awkward(plain, held.kind)


def with_type(layout: Any, form: Any) -> Any:
    """Return data whose values are all missing as data of the type of a form.

    Where lists and records differ from those of the form, they are left as they are.
    """
    if layout.is_unknown:
        return form.length_zero_array(highlevel=False)
    if layout.is_option or layout.is_indexed:
        return layout.copy(content=with_type(layout.content, form))
    if layout.is_record and form.is_record and set(layout.fields) <= set(form.fields):
        contents = [
            with_type(content, form.content(name))
            for name, content in zip(layout.fields, layout.contents, strict=True)
        ]
        return layout.copy(contents=contents)
    if layout.is_list and form.is_list:
        return layout.copy(content=with_type(layout.content, form.content))
    return layout


def plain_layout(layout: Any, fill: tuple[Fill, ...]) -> Any:
    """Return data without the names and dictionaries it came with, and without missing values.

    A missing float becomes NaN, and a missing instant NaT, if the fill is no other number. Any
    other missing value becomes the fill: a number, a text, or an empty list, also where the fill
    is for the items of the list. A missing record is one whose members are missing.

    Parameters
    ----------
    layout : awkward layout
        The data.
    fill : tuple of Fill
        One fill, or none. None keeps what is missing, and with it the type of an option.

    Raises
    ------
    MissingValuesError
        If values are missing and nothing stands for them.
    """
    import awkward as ak

    if layout.is_option:
        if fill == (None,):
            content = plain_layout(layout.content, fill)
            return layout.copy(content=content, parameters=None)
        is_valid = layout.mask_as_bool(valid_when=True)
        if is_valid.all():
            content = layout.project() if layout.is_indexed else layout.content[: layout.length]
            return plain_layout(content, fill)
        return _filled(layout.project(), np.where(is_valid, np.cumsum(is_valid) - 1, -1), fill)
    if layout.is_indexed:
        return plain_layout(layout.project(), fill)
    if layout.is_record:
        contents = [plain_layout(content, fill) for content in layout.contents]
        return ak.contents.RecordArray(contents, layout.fields, layout.length)
    if isinstance(layout, ak.contents.ListArray):  # lists of which some were left out
        layout = layout.to_ListOffsetArray64(True)
    means = layout.parameter("__array__")
    parameters = {"__array__": means} if means in {"string", "bytestring", "char", "byte"} else None
    if layout.is_list:
        content = plain_layout(layout.content, fill)
        return layout.copy(content=content, parameters=parameters)
    return layout if layout.is_unknown else layout.copy(parameters=parameters)


def _filled(layout: Any, index: NDArray[np.int64], fill: tuple[Fill, ...]) -> Any:
    """Return the entry of each index, and what stands for a missing one at each index of -1."""
    import awkward as ak

    if layout.is_option:
        options = ak.contents.IndexedOptionArray.simplified(ak.index.Index64(index), layout)
        return plain_layout(options, fill)
    if layout.is_indexed:
        return _filled(layout.project(), index, fill)
    if layout.is_record:
        contents = [_filled(c[: layout.length], index, fill) for c in layout.contents]
        return ak.contents.RecordArray(contents, layout.fields, len(index))
    is_text = layout.parameter("__array__") in {"string", "bytestring"}
    if layout.is_regular and layout.is_list and not is_text:
        items = index[:, np.newaxis] * layout.size + np.arange(layout.size)
        items[index < 0] = -1
        content = _filled(layout.content, items.reshape(-1), fill)
        return ak.contents.RegularArray(content, layout.size, len(index))
    plain = plain_layout(layout, fill)
    stands_in = _stand_in(plain, fill)
    if stands_in is None:
        raise MissingValuesError(int(np.count_nonzero(index < 0)), _example(plain))
    both = ak.concatenate([ak.Array(plain), ak.Array(stands_in)])
    return plain_layout(both[np.where(index < 0, len(plain), index)].layout, fill)


def _stand_in(layout: Any, fill: tuple[Fill, ...]) -> Any | None:
    """Return data of one entry that stands for a missing one, or None where nothing does."""
    import awkward as ak

    means = layout.parameter("__array__")
    if means in {"string", "bytestring"}:
        if not fill or not isinstance(fill[0], str):
            return None
        text = fill[0].encode() if means == "bytestring" else fill[0]
        return ak.Array([text]).layout
    if layout.is_list:
        offsets = ak.index.Index64(np.zeros(2, np.int64))
        return ak.contents.ListOffsetArray(offsets, layout.content[:0]) if fill else None
    if not layout.is_numpy:
        return None
    dtype = layout.dtype
    if fill and _suits(layout.form, fill[0]):
        return ak.contents.NumpyArray(np.array([fill[0]], dtype))
    if dtype.kind in "fc":
        return ak.contents.NumpyArray(np.array([np.nan], dtype))
    return ak.contents.NumpyArray(np.array(["NaT"], dtype)) if dtype.kind in "mM" else None


def _example(layout: Any) -> str:
    """Return what could stand for a missing value."""
    if layout.parameter("__array__") in {"string", "bytestring"}:
        return "''"
    if not layout.is_numpy:
        return "[]" if layout.is_list else "None"
    return {"b": "False", "u": "0"}.get(layout.dtype.kind, "-1")


def _suits(form: Any, fill: Fill) -> bool:
    """Say whether a fill can stand for some value of a form."""
    if form.parameter("__array__") in {"string", "bytestring"}:
        return isinstance(fill, str)
    if form.is_record:
        return any(_suits(content, fill) for content in form.contents)
    if form.is_list and not form.is_regular and fill == ():
        return True
    if form.is_numpy and not form.inner_shape:
        is_number = isinstance(fill, bool | int | float)
        return is_number and fits(np.asarray(fill), np.dtype(form.primitive))
    return not form.is_unknown and not form.is_numpy and _suits(form.content, fill)
