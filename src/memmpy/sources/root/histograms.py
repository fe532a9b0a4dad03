"""Reads the content of one bin of a histogram of a ROOT file."""

from typing import Any

from memmpy.errors import RootFileError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import has_instead, reader_errors
from memmpy.sources.access.locations import State, check_state
from memmpy.sources.root.contents import open_root

__all__ = ["read_bin"]


def read_bin(path: str, name: str, which: int | str, state: State) -> float:
    """Return the content of a bin of a histogram of one dimension.

    Parameters
    ----------
    path : str
        A ROOT file: a local path or a URL.
    name : str
        The histogram, with its directories, perhaps with its cycle.
    which : int or str
        ROOT's number of the bin, where 0 is the underflow and N + 1 the overflow of N bins; or the
        label of the bin.
    state : State
        The state of the file when it was looked at.

    Raises
    ------
    RootFileError
        If the file is no ROOT file, is broken, or has no such histogram, bin or label.
    InputFileError
        If the file has changed.
    """
    with ByteSource(path) as source:
        check_state(path, source.status.state, state)
        if bytes(source.read(0, min(4, source.size))) != b"root":
            message = f"{path!r} is not a ROOT file, so it has no histogram {name!r}; "
            raise RootFileError(f"{message}name a column: 'tree:expression'")
        with reader_errors(path, "cannot be opened as ROOT", RootFileError):
            file = open_root(source)
        with file, reader_errors(f"{path}:{name}", "cannot be read", RootFileError):
            return _content(_find(file, path, name), f"{path}:{name}", which)


def _find(file: Any, path: str, name: str) -> Any:
    """Return a histogram of a file as an object of uproot."""
    classes: dict[str, str] = file.classnames(recursive=True)
    kinds: dict[str, str] = {}
    for key, kind in classes.items():
        kinds.setdefault(key.rpartition(";")[0], kind)
        kinds[key] = kind
    if name not in kinds:
        known = sorted({key.rpartition(";")[0] for key, kind in classes.items() if _is_th1(kind)})
        has = has_instead(name, "histogram", known)
        raise RootFileError(f"no histogram {name!r} in {path!r}: {has}")
    if not _is_th1(kinds[name]):
        message = f"{name!r} of {path!r} is a {kinds[name]}, not a histogram of one dimension (TH1)"
        raise RootFileError(message)
    return file[name]


def _is_th1(kind: str) -> bool:
    """Return whether a class is a TH1 of some type: a bin of a TProfile is a mean, no sum."""
    return kind.startswith("TH1")


def _content(histogram: Any, where: str, which: int | str) -> float:
    contents = histogram.values(flow=True)
    number = which if isinstance(which, int) else _number_of(histogram, where, which)
    if number >= len(contents):
        message = f"no bin {number} in {where!r}: it has {len(contents) - 2} bins, and 0 and "
        message += f"{len(contents) - 1} are the underflow and the overflow"
        raise RootFileError(message)
    return float(contents[number])


def _number_of(histogram: Any, where: str, label: str) -> int:
    """Return the number of the bin with a label."""
    labels = histogram.member("fXaxis").member("fLabels")
    entries = [] if labels is None else list(labels)
    names = [str(text) for text in entries]
    if label not in names:
        has = has_instead(label, "label", names)
        raise RootFileError(f"no bin {label!r} in {where!r}: {has}")
    # ROOT gives each label the number of its bin; uproot writes labels in order, without numbers.
    number = int(entries[names.index(label)].member("@fUniqueID"))
    return number or names.index(label) + 1
