"""Missing values of input files, and the fills that columns hold in their place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.display import format_count
from memmpy.errors import InputFileError, OptionError
from memmpy.jagged import fits
from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form

__all__ = [
    "NO_FILL",
    "Fill",
    "MissingValuesError",
    "NoFill",
    "NullRules",
    "UntypedError",
    "check_fill_suits",
    "fill_missing",
    "filled_type",
    "format_fill",
    "has_unknown",
    "plain_layout",
    "with_type",
]

#: In place of a missing value: a number, a text, or an empty tuple for an empty list. None keeps
#: the value missing.
Fill: TypeAlias = bool | int | float | str | tuple[()] | None


class NoFill(Enum):
    """The type of `NO_FILL`: an enum, so that it is one object also after pickling."""

    NO_FILL = "no fill"


#: In place of a fill where the user gave none.
NO_FILL = NoFill.NO_FILL


@dataclass(frozen=True, slots=True)
class NullRules:
    """How to read missing values of a file.

    Parameters
    ----------
    fills : mapping of str to Fill
        Branch to the fill of its missing values.
    types : mapping of str to ColumnType
        Branch to the type that other files give it, if all its values are missing in this file.
    """

    fills: Mapping[str, Fill] = field(default_factory=dict)
    types: Mapping[str, ColumnType] = field(default_factory=dict)

    def fill_of(self, branch: str) -> Fill | NoFill:
        """Return the fill of a branch."""
        return self.fills.get(branch, NO_FILL)


class MissingValuesError(Exception):
    """Values are missing, and there is no fill for them.

    Parameters
    ----------
    num : int
        Number of missing values.
    example : str
        A possible fill, as a user writes it.
    """

    def __init__(self, num: int, example: str) -> None:
        super().__init__(num, example)
        self.num: int = num
        self.example: str = example


class UntypedError(InputFileError):
    """The type of a branch is unknown, since all its values are missing in this file."""

    def __init__(self, message: str, branch: str) -> None:
        super().__init__(message)
        self.branch = branch

    def __reduce__(self) -> tuple[Any, ...]:  # it may come from another process
        return type(self), (str(self), self.branch), self.__dict__


def format_fill(fill: Fill) -> str:
    """Return a fill as a user writes it."""
    return "[]" if fill == () else repr(fill)


def check_fill_suits(form: Any, fill: Fill, *, branch: str, where: str) -> None:
    """Raise an `OptionError` if a branch cannot hold a fill."""
    if fill is not None and not _suits(form, fill):
        message = (
            f"missing={{{branch!r}: {format_fill(fill)}}} does not fit branch {branch!r} of "
            f"{where!r}, which is {form.type}: give a value that it can hold, or None to keep what "
            "is missing"
        )
        raise OptionError(message)


def has_unknown(form: Any) -> bool:
    """Return whether a form has values of unknown type."""
    if form.is_record:
        return any(map(has_unknown, form.contents))
    if form.is_unknown or form.is_numpy or form.is_union:
        return bool(form.is_unknown)
    return has_unknown(form.content)


def filled_type(column_type: ColumnType, fill: Fill | NoFill, *, branch: str) -> ColumnType:
    """Return the type of nested entries after a fill has replaced missing values.

    Raises
    ------
    OptionError
        If the branch cannot hold the fill.
    """
    if column_type.kind != "nested" or fill is NO_FILL or fill is None:
        return column_type
    form = form_of_type(column_type)
    check_fill_suits(form, fill, branch=branch, where="the files")
    plain = plain_layout(form.length_zero_array(highlevel=False), fill)
    return type_of_form(plain.form) or column_type


def fill_missing(values: Any, fill: Fill | NoFill, *, branch: str) -> Any:
    """Return entries of a branch with a fill in place of missing values.

    Raises
    ------
    InputFileError
        If the fill does not suit all missing values.
    """
    import awkward as ak

    if not isinstance(values, ak.Array) or fill is NO_FILL or fill is None:
        return values
    try:
        plain = ak.Array(plain_layout(values.layout, fill))
    except MissingValuesError as error:
        message = f"{branch!r} has {format_count(error.num, 'missing value')} for which "
        message += f"missing={{{branch!r}: {format_fill(fill)}}} has none"
        raise InputFileError(f"{message}; give None to keep missing values") from None
    column_type = type_of_form(plain.layout.form)
    return values if column_type is None else from_awkward(plain, column_type.kind)


def with_type(layout: Any, form: Any) -> Any:
    """Return data whose values are all missing as data of the type of a form.

    Lists and records that differ from those of the form stay unchanged.
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


def plain_layout(layout: Any, fill: Fill | NoFill) -> Any:
    """Return data without type names, dictionaries and missing values.

    A missing float becomes NaN, and a missing time NaT, unless the fill is another number. Any
    other missing value becomes the fill. A missing list becomes empty even if the fill is for its
    items. A missing record becomes a record of missing members.

    Parameters
    ----------
    layout : awkward layout
        The data.
    fill : Fill or NO_FILL
        None keeps missing values, and with them the option type.

    Raises
    ------
    MissingValuesError
        If values are missing and there is no fill for them.
    """
    import awkward as ak

    if layout.is_option:
        if fill is None:
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
    if isinstance(layout, ak.contents.ListArray):  # lists with gaps between them
        layout = layout.to_ListOffsetArray64(True)
    kind = layout.parameter("__array__")
    parameters = {"__array__": kind} if kind in {"string", "bytestring", "char", "byte"} else None
    if layout.is_list:
        content = plain_layout(layout.content, fill)
        return layout.copy(content=content, parameters=parameters)
    return layout if layout.is_unknown else layout.copy(parameters=parameters)


def _filled(layout: Any, index: NDArray[np.int64], fill: Fill | NoFill) -> Any:
    """Return the entry of each index, and the fill for each index of -1."""
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
    fill_entry = _fill_entry(plain, fill)
    if fill_entry is None:
        raise MissingValuesError(int(np.count_nonzero(index < 0)), _example(plain))
    both = ak.concatenate([ak.Array(plain), ak.Array(fill_entry)])
    return plain_layout(both[np.where(index < 0, len(plain), index)].layout, fill)


def _fill_entry(layout: Any, fill: Fill | NoFill) -> Any | None:
    """Return data of one entry that holds the fill, or None if there is no suitable fill."""
    import awkward as ak

    kind = layout.parameter("__array__")
    if kind in {"string", "bytestring"}:
        if not isinstance(fill, str):
            return None
        text = fill.encode() if kind == "bytestring" else fill
        return ak.Array([text]).layout
    if layout.is_list:
        offsets = ak.index.Index64(np.zeros(2, np.int64))
        return (
            ak.contents.ListOffsetArray(offsets, layout.content[:0])
            if fill is not NO_FILL
            else None
        )
    if not layout.is_numpy:
        return None
    dtype = layout.dtype
    if fill is not NO_FILL and _suits(layout.form, fill):
        return ak.contents.NumpyArray(np.array([fill], dtype))
    if dtype.kind in "fc":
        return ak.contents.NumpyArray(np.array([np.nan], dtype))
    return ak.contents.NumpyArray(np.array(["NaT"], dtype)) if dtype.kind in "mM" else None


def _example(layout: Any) -> str:
    """Return a possible fill, as a user writes it."""
    if layout.parameter("__array__") in {"string", "bytestring"}:
        return "''"
    if not layout.is_numpy:
        return "[]" if layout.is_list else "None"
    return {"b": "False", "u": "0"}.get(layout.dtype.kind, "-1")


def _suits(form: Any, fill: Fill) -> bool:
    """Return whether a form has a value that the fill can replace."""
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
