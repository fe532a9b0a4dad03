"""Lists the objects of a ROOT file: trees, histograms and others."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from memmpy.display import format_count, shorten
from memmpy.errors import RootFileError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import has_instead, in_parentheses, reader_errors
from memmpy.sources.event_file import FileObject

__all__ = ["find_tree", "open_root", "root_objects"]

#: Class of a tree to its kind.
_TREE_CLASSES = {
    "TTree": "TTree",
    "TNtuple": "TTree",
    "TNtupleD": "TTree",
    "ROOT::RNTuple": "RNTuple",
    "ROOT::Experimental::RNTuple": "RNTuple",
}
#: Objects that are read for their details. A file may have thousands of histograms.
_MAX_DETAILS = 100
#: Labels of bins, and characters of a text, that the details show.
_MAX_LABELS, _MAX_TEXT = 12, 60

_reader_errors = partial(reader_errors, kind=RootFileError)


def open_root(source: ByteSource) -> Any:
    """Open a ROOT file with uproot."""
    from memmpy.sources.root.uproot_source import open_with  # uproot is slow to import

    return open_with(source)


def find_tree(file: Any, path: str, tree: str | None) -> tuple[str, bool]:
    """Return the name of a tree with its cycle, and whether it is an RNTuple.

    Parameters
    ----------
    file : uproot.ReadOnlyDirectory
        The open file.
    path : str
        Its path, for messages.
    tree : str or None
        Name of the tree with its directories, perhaps with its cycle; None for the only tree.

    Raises
    ------
    RootFileError
        If the file has no such tree.
    """
    with _reader_errors(path, "cannot be read"):
        classes: dict[str, str] = file.classnames(recursive=True)
    trees = {name: _TREE_CLASSES[c] for name, c in classes.items() if c in _TREE_CLASSES}
    known = sorted({name.rpartition(";")[0] for name in trees})
    if tree is None:
        if len(known) != 1:
            has = f"{len(known)} trees{in_parentheses(known)}; give one as tree="
            raise RootFileError(f"{path!r} has {has if known else 'no tree at all'}")
        tree = known[0]
    name = tree if ";" in tree else _last_cycle(tree, trees)
    if name not in trees:
        if tree in classes or _last_cycle(tree, classes) in classes:
            kind = classes.get(tree) or classes[_last_cycle(tree, classes)]
            raise RootFileError(f"{tree!r} of {path!r} is a {kind}, not a tree")
        raise RootFileError(f"no tree {tree!r} in {path!r}: {has_instead(tree, 'tree', known)}")
    return name, trees[name] == "RNTuple"


def root_objects(source: ByteSource, *, details: bool) -> list[FileObject]:
    """Return the objects of a ROOT file but for directories, in its order.

    Only older cycles have a cycle in their names. `details` reads those of histograms and texts.

    Raises
    ------
    RootFileError
        If the file is broken.
    """
    with _reader_errors(source.path, "cannot be opened as ROOT"), open_root(source) as file:
        classes: dict[str, str] = file.classnames(recursive=True)
        cycles: dict[str, int] = {}
        for name in classes:
            plain, _, cycle = name.rpartition(";")
            cycles[plain] = max(int(cycle), cycles.get(plain, 0))
        objects = []
        for name, kind in classes.items():
            plain, _, cycle = name.rpartition(";")
            is_newest = int(cycle) == cycles[plain]
            if kind in _TREE_CLASSES:
                tree_kind = _TREE_CLASSES[kind] if is_newest else f"older {_TREE_CLASSES[kind]}"
                objects.append(FileObject(plain if is_newest else name, tree_kind, is_newest))
            elif not kind.startswith("TDirectory"):
                is_read = details and len(objects) < _MAX_DETAILS
                text = _details_of(file, name, kind) if is_read else ""
                objects.append(FileObject(plain if is_newest else name, kind, False, text))
    return objects


def _details_of(file: Any, name: str, kind: str) -> str:
    """Return bins and entries of a histogram, or a text or number; empty for other objects."""
    is_histogram = kind.startswith(("TH1", "TH2", "TH3", "TProfile"))
    if not is_histogram and not kind.startswith(("TObjString", "TParameter", "TNamed")):
        return ""
    try:
        value = file[name]
        if not is_histogram:
            content = value.member("fVal", none_if_missing=True)
            content = value.member("fTitle", none_if_missing=True) if content is None else content
            return shorten(str(value if content is None else content), _MAX_TEXT)
        axes = [_axis(value.member(f"f{letter}axis")) for letter in "XYZ"[: len(value.axes)]]
        num_entries = format_count(int(value.member("fEntries")), "entry", "entries")
        return f"{' by '.join(axes)}; {num_entries}"
    except Exception:  # noqa: BLE001 - details are not worth an error, and uproot raises many kinds
        return ""


def _axis(axis: Any) -> str:
    """Return the bins of an axis of a histogram in words."""
    bins = format_count(int(axis.member("fNbins")), "bin")
    labels = [str(label) for label in axis.member("fLabels") or ()]
    if not labels:
        return f"{bins} from {axis.member('fXmin'):g} to {axis.member('fXmax'):g}"
    shown = ", ".join(map(repr, labels[:_MAX_LABELS]))
    return f"{bins}: {shown}{', ...' if len(labels) > _MAX_LABELS else ''}"


def _last_cycle(name: str, names: Iterable[str]) -> str:
    """Return a name with its newest cycle, or the name itself if there is none."""
    cycles = [other for other in names if other.rpartition(";")[0] == name]
    return max(cycles, key=lambda other: int(other.rpartition(";")[2]), default=name)
