"""The table of file formats, and the function that opens a file of any format.

To add a format, write an `EventFile` in a module beside this one, and add a line to `_FORMATS`. A
format without fixed first bytes, such as CSV, needs a rule in `_format_of` instead.
"""

from collections.abc import Callable
from contextlib import ExitStack

from memmpy.errors import InputFileError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.locations import State, check_state
from memmpy.sources.event_file import EventFile
from memmpy.sources.hdf5 import HdfTable
from memmpy.sources.missing_values import NullRules
from memmpy.sources.parquet import ParquetTable
from memmpy.sources.root import TreeFile

__all__ = ["open_event_file"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
#: First bytes of a file to the reader of its format. The name of the file plays no role.
_FORMATS: dict[bytes, Callable[[ByteSource, str | None, NullRules], EventFile]] = {
    b"root": lambda source, tree, _: TreeFile(source, tree),
    b"PAR1": ParquetTable,
    _HDF5: lambda source, tree, _: HdfTable(source, tree),
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
    path: str, tree: str | None, state: State, nulls: NullRules, *, is_friend: bool
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

    Raises
    ------
    MissingFileError, InputFileError
        If the file is missing, has changed, has another format, or is broken.
    """
    with ExitStack() as stack:
        source = stack.enter_context(ByteSource(path))
        check_state(path, source.status.state, state)
        reader = _format_of(source)
        file = reader(source, None if is_friend and reader is ParquetTable else tree, nulls)
        stack.pop_all()  # the file closes the source from here on
        return file


def _format_of(source: ByteSource) -> Callable[[ByteSource, str | None, NullRules], EventFile]:
    """Return the reader of a file, found by its first bytes."""
    start = source.read(0, min(len(_HDF5), source.size))
    for magic, reader in _FORMATS.items():
        if start.startswith(magic):
            return reader
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
