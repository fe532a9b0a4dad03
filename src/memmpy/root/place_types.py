"""What kind of column holds a branch, leaf or field; or an error that says why none can."""

from typing import Any

from memmpy.errors import RootFileError, UndecodableError
from memmpy.inputs import BranchType, listed, type_of_form
from memmpy.root.branches import Place
from memmpy.root.leaves import struct_of

__all__ = ["NOT_KNOWN", "is_surely_decodable", "type_of_place", "undecodable"]

#: What uproot raises where it has no code for how a branch is stored.
NOT_KNOWN = (NotImplementedError, AttributeError)


def type_of_place(name: str, place: Place, *, ntuple: Any, file: str, where: str) -> BranchType:
    """Return what kind of column holds a branch, a leaf or a field.

    Parameters
    ----------
    name : str
        What was asked for.
    place : Place
        What it means.
    ntuple : uproot.RNTuple or None
        What has the field; None for a branch of a TTree.
    file, where : str
        The file, and the file with the path of the tree, for messages.

    Raises
    ------
    UndecodableError
        If its leaves cannot be decoded.
    RootFileError
        If no column can hold what it gives.
    """
    what = f"branch {name!r} of {where!r}"
    if place.leaves and struct_of(place.leaves) is None:
        reason = (
            f"its leaves {place.branch.title!r} differ in length from entry to entry, or are not "
            "plain numbers"
        )
        raise undecodable(name, reason, file=file, where=where)
    try:
        held, error = _type_of(place, ntuple), None
    except Exception as caught:  # noqa: BLE001 - uproot says in many ways that it cannot
        held, error = None, caught
    if held is not None:
        return held
    if place.leaves:
        leaves = listed(place.leaf_names())
        message = f"{what} has leaves that no column holds together; give them by name{leaves}"
        raise RootFileError(message) from error
    message = (
        f"{what} holds C++ objects{_typename(place.branch)} that no column can hold; "
        "give its members that are numbers, vectors or strings"
    )
    raise RootFileError(message) from error


def is_surely_decodable(branch: Any) -> bool:
    """Say whether uproot decodes a branch of a TTree whatever lies in it: numbers and texts."""
    import uproot

    found = branch.interpretation
    if type(found) is uproot.AsJagged:
        found = found.content
    return type(found) in {uproot.AsDtype, uproot.AsStrings}


def undecodable(name: str, reason: str, *, file: str, where: str) -> UndecodableError:
    """Return the error for a branch that uproot has no code for."""
    message = (
        f"uproot cannot decode branch {name!r} of {where!r}: {reason}; leave it out, or write it "
        "anew as plain numbers, vectors or strings"
    )
    return UndecodableError(message, file, where.removeprefix(f"{file}:"), name)


def _type_of(place: Place, ntuple: Any) -> BranchType | None:
    branch = place.branch
    if place.leaf is not None:
        dtype = place.leaves[place.leaf].dtype
        assert dtype is not None
        return BranchType("vector", dtype.base.newbyteorder("="), dtype.shape)
    if ntuple is not None:
        # By number: where names of fields hold a dot, uproot may look for fields of fields.
        keys = [branch.name, *(f"{branch.name}.{key}" for key in branch.iterkeys())]
        return type_of_form(ntuple.field_form(branch.field_id, keys))
    if type(branch.interpretation).__name__ == "AsGrouped":
        return None  # its members are branches of their own
    return type_of_form(branch.interpretation.awkward_form(branch.file))


def _typename(branch: Any) -> str:
    """Return the C++ type of a branch in brackets; nothing where uproot cannot say it."""
    try:
        return f" ({branch.typename})"
    except Exception:  # noqa: BLE001 - uproot fails in many ways
        return ""
