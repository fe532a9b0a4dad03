"""The table of file formats, and the function that opens a file of any format.

To add a format, write an `EventFile` in a module beside this one, and add a line to `_FORMATS`. A
format without fixed first bytes, such as CSV, needs a rule in `_format_of` instead.
"""

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from memmpy.checks import is_pattern
from memmpy.errors import InputFileError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import has_instead
from memmpy.sources.access.locations import State, check_state
from memmpy.sources.event_file import EventFile, FileObject
from memmpy.sources.hdf5 import HdfTable, hdf_objects
from memmpy.sources.missing_values import NullRules
from memmpy.sources.parquet import ParquetTable
from memmpy.sources.root import TreeFile, TreeIndex, root_objects

__all__ = ["match_trees", "objects_of_file", "open_event_file"]


@dataclass(frozen=True, slots=True)
class _Format:
    """A file format: its name, the reader of a tree, and what lists the objects of a file."""

    name: str
    reader: Callable[[ByteSource, str | None, NullRules], EventFile]
    objects: Callable[[ByteSource, bool], list[FileObject]]


_HDF5 = b"\x89HDF\r\n\x1a\n"
#: First bytes of a file to its format. The name of the file plays no role.
_FORMATS: dict[bytes, _Format] = {
    b"root": _Format(
        "ROOT",
        lambda source, tree, _: TreeFile(source, tree),
        lambda source, details: root_objects(source, details=details),
    ),
    b"PAR1": _Format("Parquet", ParquetTable, lambda *_: [FileObject("", "table", True)]),
    _HDF5: _Format(
        "HDF5",
        lambda source, tree, _: HdfTable(source, tree),
        lambda source, _: hdf_objects(source),
    ),
}

#: First bytes of files that memmpy does not read, with the way out.
_UNSUPPORTED = {
    b"ARROW1": "an Arrow (Feather) file; write it as Parquet: pyarrow.parquet.write_table(table)",
    b"FEA1": "a Feather file; write it as Parquet: pyarrow.parquet.write_table(table)",
    b"PARE": "a Parquet file with an encrypted footer, which memmpy cannot decrypt",
    b"\x93NUMPY": "a NumPy file; memmpy.WriteVector writes an array to a store",
    b"PK\x03\x04": "a zip archive, such as .npz; memmpy.WriteVector writes an array to a store",
    b"\x1f\x8b": "compressed by gzip; decompress it first",
    b"\x89HDF": "an HDF5 file that is truncated, or was changed on its way; copy it again",
    b"<": "a page of text, perhaps what a server answered instead of the file",
}


def open_event_file(
    path: str,
    tree: str | None,
    state: State,
    nulls: NullRules,
    *,
    is_friend: bool,
    index: TreeIndex | None = None,
) -> EventFile:
    """Open a file of any format, provided that it still has a state.

    Parameters
    ----------
    path : str
        A local path or a URL.
    tree : str or None
        The tree or table; None for the only one.
    state : State
        The state of the file when it was looked at.
    nulls : NullRules
        The rules for missing values.
    is_friend : bool
        Whether it is a friend. A friend always has a name, even a Parquet file, which is one table.
    index : TreeIndex or None
        The index of a tree of a ROOT file, if it is known.

    Raises
    ------
    MissingFileError, InputFileError
        If the file is missing, has changed, has another format, or is broken.
    """
    with ExitStack() as stack:
        source = stack.enter_context(ByteSource(path))
        check_state(path, source.status.state, state)
        if index is None:
            reader = _format_of(source).reader
            file = reader(source, None if is_friend and reader is ParquetTable else tree, nulls)
        else:
            file = TreeFile(source, tree, index)
        stack.pop_all()  # the file closes the source from here on
        return file


def objects_of_file(path: str, state: State, *, details: bool) -> tuple[str, list[FileObject]]:
    """Return the name of the format of a file, and the objects in it, perhaps with details.

    Raises
    ------
    MissingFileError, InputFileError
        If the file is missing, has changed, has another format, or is broken.
    """
    with ByteSource(path) as source:
        check_state(path, source.status.state, state)
        file_format = _format_of(source)
        return file_format.name, file_format.objects(source, details)


def match_trees(path: str, objects: Sequence[FileObject], trees: Iterable[str]) -> list[str]:
    """Return the names of the trees of a file that names and patterns mean, each once.

    Raises
    ------
    InputFileError
        If a pattern matches none of the trees. A name without a tree stays.
    """
    known = [one.name for one in objects if one.is_tree and one.name]
    names: dict[str, None] = {}
    for name in (one.strip("/") or one for one in trees):
        is_one = name in known or not is_pattern(name) or not known
        matches = [name] if is_one else sorted(fnmatch.filter(known, name))
        if not matches:
            has = has_instead(name, "tree", known)
            raise InputFileError(f"no tree of {path!r} matches {name!r}: {has}")
        names |= dict.fromkeys(matches)
    return [*names]


def _format_of(source: ByteSource) -> _Format:
    """Return the format of a file, found by its first bytes."""
    start = source.read(0, min(len(_HDF5), source.size))
    for magic, file_format in _FORMATS.items():
        if start.startswith(magic):
            return file_format
    # HDF5 allows a block of the user in front, of 512 bytes times a power of two.
    offsets = [512 << i for i in range(40) if (512 << i) + len(_HDF5) <= source.size]
    if _HDF5 in source.read_many([(offset, offset + len(_HDF5)) for offset in offsets]):
        return _FORMATS[_HDF5]
    message = f"{source.path!r} is not a ROOT, Parquet or HDF5 file: "
    if not start:
        raise InputFileError(f"{message}it is empty; write it again, or leave it out")
    for magic, hint in _UNSUPPORTED.items():
        if start.startswith(magic):
            raise InputFileError(f"{message}it is {hint}")
    raise InputFileError(f"{message}it begins with {start[:4]!r}")
