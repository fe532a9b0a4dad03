"""Finds the column type of a branch of uproot, or the error if no column can hold it."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from memmpy.columns import ColumnType
from memmpy.errors import MemmpyError
from memmpy.sources.access.file_errors import first_line, in_parentheses
from memmpy.sources.awkward_types import type_of_form
from memmpy.sources.root.baskets import Encoding, NotDecodedError, encoding_of
from memmpy.sources.root.branches import Place
from memmpy.sources.root.leaves import struct_of

__all__ = ["not_decoded", "type_of_branch", "type_of_field", "type_of_leaves", "typename_of"]


@contextmanager
def not_decoded(branch: Any) -> Iterator[None]:
    """Raise any error of uproot about a sound branch as a `NotDecodedError`."""
    from uproot.interpretation.objects import CannotBeAwkward

    try:
        yield
    except (NotDecodedError, MemmpyError, MemoryError):
        raise
    except CannotBeAwkward as error:
        raise _objects_error(branch) from error
    except Exception as error:
        # uproot raises many kinds of errors here.
        message = f"cannot be decoded by uproot{_typename(branch)}: {_reason(error)}; "
        raise NotDecodedError(message + "leave it out, or see whether ROOT reads it") from error


def type_of_field(ntuple: Any, field: Any) -> ColumnType:
    """Return the type of the column that holds a field of an RNTuple.

    Raises
    ------
    NotDecodedError
        If there is no such column.
    """
    with not_decoded(field):
        # By id: uproot would read a dot in the name as a nested field.
        keys = [field.name, *(f"{field.name}.{key}" for key in field.iterkeys())]
        return _column_type(ntuple.field_form(field.field_id, keys), field)


def type_of_branch(place: Place, path: str) -> tuple[ColumnType, Encoding | None]:
    """Return the column type of a branch of a TTree, and the encoding of plain numbers.

    Parameters
    ----------
    place : Place
        The branch.
    path : str
        The file of the tree.

    Raises
    ------
    NotDecodedError
        If there is no such column, or the values are in another file.
    """
    branch = place.branch
    with not_decoded(branch):
        _check_own_file(branch, path)
        _ = branch.embedded_baskets  # uproot needs these to find any entry, and fails at some
        encoding = encoding_of(branch)
        if encoding is not None and encoding.truncation is not None:
            truncation = encoding.truncation
            shape = encoding.shape[: len(encoding.shape) - len(truncation.stored[1])]
            kind = "vector" if encoding.header is None else "jagged"
            return ColumnType(kind, truncation.dtype, shape), encoding
        if type(branch.interpretation).__name__ == "AsGrouped":
            raise _objects_error(branch)  # its members are branches of their own
        return _column_type(branch.interpretation.awkward_form(branch.file), branch), encoding


def type_of_leaves(place: Place, path: str) -> tuple[ColumnType, Encoding | None]:
    """Return column type and encoding of a branch of several leaves, or of one leaf.

    Raises
    ------
    NotDecodedError
        If the leaves cannot be decoded, or no column holds all of them.
    """
    branch, struct = place.branch, struct_of(place.leaves)
    with not_decoded(branch):
        _check_own_file(branch, path)
    if struct is None:
        message = (
            f"cannot be decoded by uproot: its leaves {branch.title!r} differ in length from entry "
            "to entry, or are not plain numbers; write each as a branch of its own"
        )
        raise NotDecodedError(message)
    if place.leaf is None:
        try:
            return type_of_branch(place, path)
        except NotDecodedError as error:
            leaves = in_parentheses(place.leaf_names())
            message = f"has leaves that no column holds together; give them by name{leaves}"
            raise NotDecodedError(message) from error
    dtype = place.leaves[place.leaf].dtype
    assert dtype is not None
    column_type = ColumnType("vector", dtype.base.newbyteorder("="), dtype.shape)
    return column_type, Encoding(struct, (), None)


def _check_own_file(branch: Any, path: str) -> None:
    other = _other_file(branch)
    if other and posixpath.join(posixpath.dirname(path), other) != path:
        # Changes of that file would go unnoticed, and it could be any file of this machine.
        message = f"has its baskets in another file, {other!r}, which memmpy does not open; "
        raise NotDecodedError(message + "copy the tree into one file, as with Snapshot of ROOT")


def _column_type(form: Any, branch: Any) -> ColumnType:
    column_type = type_of_form(form)
    if column_type is None:
        raise _objects_error(branch)
    return column_type


def _objects_error(branch: Any) -> NotDecodedError:
    message = f"holds C++ objects{_typename(branch)} that no column can hold; "
    return NotDecodedError(message + "give its members that are numbers, vectors or strings")


def _reason(error: Exception) -> str:
    """Return the line of an error of uproot that has the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines[:1] == ["while reading"]:
        return [line for line in lines if not line.startswith("in file")][-1]
    return first_line(error)


def typename_of(branch: Any) -> str:
    """Return the C++ type of a branch or field; empty if uproot does not know it."""
    try:
        return str(branch.typename)
    except Exception:  # noqa: BLE001 - uproot fails in many ways
        return ""


def _typename(branch: Any) -> str:
    """Return the C++ type of a branch in parentheses; empty if uproot does not know it."""
    name = typename_of(branch)
    return f" ({name})" if name else ""


def _other_file(branch: Any) -> str:
    """Return the name of another file with the baskets of a branch; empty if there is none.

    uproot would read these baskets from the wrong file.
    """
    if branch.has_member("fFileName"):
        return str(branch.member("fFileName"))
    record = branch
    while record.classname != "TBranch":
        record = record.bases[0]
    # uproot skips the name, which is at the end of the record, after the offsets of the baskets.
    start, octets = record.cursor.index, branch.tree.chunk.raw_data
    if octets[start + record.num_bytes - 1] == 0:
        return ""
    octets = np.asarray(octets[start : start + record.num_bytes]).tobytes()
    places = record.member("fBasketSeek").tobytes()
    name = octets[octets.rindex(places) + len(places) :]
    return name[5 if name[0] == 255 else 1 :].decode(errors="replace")
