"""Which kind of column holds a branch of uproot, and the errors where none can."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from memmpy.columns import ColumnType
from memmpy.errors import MemmpyError
from memmpy.sources.awkward_types import type_of_form
from memmpy.sources.failures import first_line, listed
from memmpy.sources.root.baskets import Encoding, NotDecodedError, encoding_of
from memmpy.sources.root.branches import Place
from memmpy.sources.root.leaves import struct_of

__all__ = ["not_decoded", "type_of_branch", "type_of_field", "type_of_leaves"]


@contextmanager
def not_decoded(branch: Any) -> Iterator[None]:
    """Turn what uproot raises for a sound branch into a `NotDecodedError`."""
    from uproot.interpretation.objects import CannotBeAwkward

    try:
        yield
    except (NotDecodedError, MemmpyError, MemoryError):
        raise
    except CannotBeAwkward as error:
        raise _objects(branch) from error
    except Exception as error:
        # uproot has many errors for it.
        message = f"cannot be decoded by uproot{_typename(branch)}: {_reason(error)}; "
        raise NotDecodedError(message + "leave it out, or see whether ROOT reads it") from error


def type_of_field(ntuple: Any, field: Any) -> ColumnType:
    """Return what kind of column holds a field of an RNTuple.

    Raises
    ------
    NotDecodedError
        If there is none.
    """
    with not_decoded(field):
        # By number: where names of fields hold a dot, uproot may look for fields of fields.
        keys = [field.name, *(f"{field.name}.{key}" for key in field.iterkeys())]
        return _held(ntuple.field_form(field.field_id, keys), field)


def type_of_branch(branch: Any, path: str) -> tuple[ColumnType, Encoding | None]:
    """Return what kind of column holds a branch of a TTree, and how plain numbers are stored.

    Parameters
    ----------
    branch : uproot.TBranch
        The branch.
    path : str
        The file that it is read from.

    Raises
    ------
    NotDecodedError
        If there is none, or the values lie in another file.
    """
    with not_decoded(branch):
        _check_own_file(branch, path)
        _ = branch.embedded_baskets  # uproot fails at some, and needs them to find any entry
        encoding = encoding_of(branch)
        if encoding is not None and encoding.truncation is not None:
            truncation = encoding.truncation
            shape = encoding.shape[: len(encoding.shape) - len(truncation.stored[1])]
            kind = "vector" if encoding.header is None else "jagged"
            return ColumnType(kind, truncation.dtype, shape), encoding
        if type(branch.interpretation).__name__ == "AsGrouped":
            raise _objects(branch)  # its members are branches of their own
        return _held(branch.interpretation.awkward_form(branch.file), branch), encoding


def type_of_leaves(place: Place, path: str) -> tuple[ColumnType, Encoding | None]:
    """Return the same of a branch of several leaves, or of one of them.

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
            return type_of_branch(branch, path)
        except NotDecodedError as error:
            leaves = listed(place.leaf_names())
            message = f"has leaves that no column holds together; give them by name{leaves}"
            raise NotDecodedError(message) from error
    dtype = place.leaves[place.leaf].dtype
    assert dtype is not None
    found = ColumnType("vector", dtype.base.newbyteorder("="), dtype.shape)
    return found, Encoding(struct, (), None)


def _check_own_file(branch: Any, path: str) -> None:
    other = _other_file(branch)
    if other and posixpath.join(posixpath.dirname(path), other) != path:
        # A change of that file would go unnoticed, and it could be any file of this machine.
        message = f"has its baskets in another file, {other!r}, which memmpy does not open; "
        raise NotDecodedError(message + "copy the tree into one file, as with Snapshot of ROOT")


def _held(form: Any, branch: Any) -> ColumnType:
    held = type_of_form(form)
    if held is None:
        raise _objects(branch)
    return held


def _objects(branch: Any) -> NotDecodedError:
    message = f"holds C++ objects{_typename(branch)} that no column can hold; "
    return NotDecodedError(message + "give its members that are numbers, vectors or strings")


def _reason(error: Exception) -> str:
    """Return the line of an error of uproot with the reason: it may begin with what it read."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines[:1] == ["while reading"]:
        return [line for line in lines if not line.startswith("in file")][-1]
    return first_line(error)


def _typename(branch: Any) -> str:
    """Return the C++ type of a branch in brackets; nothing where uproot cannot say it."""
    try:
        return f" ({branch.typename})"
    except Exception:  # noqa: BLE001 - uproot fails in many ways
        return ""


def _other_file(branch: Any) -> str:
    """Return the name of the file that a branch keeps its baskets in, or nothing for its own.

    uproot reads the baskets at these places of the wrong file.
    """
    if branch.has_member("fFileName"):
        return str(branch.member("fFileName"))
    record = branch
    while record.classname != "TBranch":
        record = record.bases[0]
    # uproot leaves out the name: it is the last of the record, and behind the places of baskets.
    start, octets = record.cursor.index, branch.tree.chunk.raw_data
    if octets[start + record.num_bytes - 1] == 0:
        return ""
    octets = np.asarray(octets[start : start + record.num_bytes]).tobytes()
    places = record.member("fBasketSeek").tobytes()
    name = octets[octets.rindex(places) + len(places) :]
    return name[5 if name[0] == 255 else 1 :].decode(errors="replace")
