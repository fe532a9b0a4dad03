"""The one place that reads ROOT files: trees, the types of branches, entries in steps."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, final

from memmpy.errors import MemmpyError, MissingKeyError, RootFileError, nearest
from memmpy.inputs.types import BranchType, from_awkward, type_of_form

__all__ = ["TreeFile"]

_TREE_CLASSES = {
    "TTree": "TTree",
    "TNtuple": "TTree",
    "TNtupleD": "TTree",
    "ROOT::RNTuple": "RNTuple",
    "ROOT::Experimental::RNTuple": "RNTuple",
}


@final
class TreeFile:
    """A TTree or RNTuple of an open ROOT file.

    Parameters
    ----------
    path : str
        The file.
    tree : str or None
        The tree, with its directories and perhaps its cycle; None for the only one.

    Raises
    ------
    RootFileError
        If the file is not a ROOT file or is broken, or the tree is not in it.
    """

    def __init__(self, path: str, tree: str | None) -> None:
        import uproot

        self.path = path
        self._types: dict[str, BranchType] = {}
        self._stack = ExitStack()
        with _said_of(path, "cannot be opened"):
            _check_magic(path)
            # Caches would keep what was read: memory is bounded by the step.
            options: dict[str, Any] = {"array_cache": None, "object_cache": None}
            self._file = self._stack.enter_context(uproot.open(path, **options))
        try:
            self._tree, self._is_ntuple = self._find(tree)
        except BaseException:
            self._stack.close()
            raise

    @property
    def uuid(self) -> str:
        """The file's identity: 32 hexadecimal digits."""
        uuid: str = self._file.file.uuid.hex
        return uuid

    @property
    def tree(self) -> str:
        """Path of the tree in the file, with its cycle."""
        name: str = self._tree.object_path.strip("/")
        return name

    @property
    def num_entries(self) -> int:
        """Entries of the tree."""
        with _said_of(self.where, "is damaged"):
            return int(self._tree.num_entries)

    @property
    def where(self) -> str:
        """File and tree, for messages."""
        return f"{self.path}:{self.tree}"

    def branches(self) -> list[str]:
        """Return the names of all branches or fields."""
        with _said_of(self.where, "is damaged"):
            if self._is_ntuple:
                return [field.name for field in self._tree.fields]
            return list(self._tree.keys())

    def type_of(self, branch: str) -> BranchType:
        """Return what kind of column holds a branch.

        Raises
        ------
        MissingKeyError
            If the tree has no such branch.
        RootFileError
            If no column can hold what it gives.
        """
        if branch in self._types:
            return self._types[branch]
        found = self._branch(branch)
        held, reason = self._held(found)
        if held is None:
            message = (
                f"branch {branch!r} of {self.where!r} holds C++ objects ({found.typename}) that no "
                "column can hold; give its members that are numbers, vectors or strings"
            )
            raise RootFileError(message) from reason
        self._types[branch] = held
        return held

    def iterate(self, branches: Iterable[str], *, step_bytes: int) -> Iterator[dict[str, Any]]:
        """Read branches in steps of entries.

        Parameters
        ----------
        branches : iterable of str
            What to read; an empty one gives nothing.
        step_bytes : int
            About how many bytes of decompressed data a step may take. An RNTuple is read by
            whole clusters.

        Yields
        ------
        dict of branch to values
            As `from_awkward` gives them, for one run of entries after the other.
        """
        types = {branch: self.type_of(branch) for branch in branches}
        if not types or not self.num_entries:
            return
        read = self._iterate_ntuple if self._is_ntuple else self._iterate_tree
        with _said_of(self.where, "is damaged"):
            for arrays in read(list(types), step_bytes):
                yield {name: from_awkward(arrays[name], types[name].kind) for name in types}

    def __enter__(self) -> "TreeFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _find(self, tree: str | None) -> tuple[Any, bool]:
        with _said_of(self.path, "cannot be read"):
            classes: dict[str, str] = self._file.classnames(recursive=True)
        trees = {name: _TREE_CLASSES[c] for name, c in classes.items() if c in _TREE_CLASSES}
        known = sorted({name.rpartition(";")[0] for name in trees})
        if tree is None:
            names = sorted({name.rpartition(";")[0] for name in trees})
            if len(names) != 1:
                message = (
                    f"{self.path!r} has {len(names)} trees{_list(names)}; say which with tree="
                )
                raise RootFileError(message)
            tree = names[0]
        name = tree if ";" in tree else _last_cycle(tree, trees)
        if name not in trees:
            known = sorted({name.rpartition(";")[0] for name in trees})
            if tree in classes or _last_cycle(tree, classes) in classes:
                kind = classes.get(tree) or classes[_last_cycle(tree, classes)]
                raise RootFileError(f"{tree!r} of {self.path!r} is a {kind}, not a tree")
            has = f"its trees are{_list(known)}" if known else "it has no tree at all"
            message = f"no tree {tree!r} in {self.path!r}: {has}{nearest(tree, known)}"
            raise RootFileError(message)
        with _said_of(f"{self.path}:{name}", "cannot be read"):
            return self._file[name], trees[name] == "RNTuple"

    def _branch(self, name: str) -> Any:
        with suppress(KeyError):
            # A field of a field is not a column of its own.
            if not self._is_ntuple or name in self.branches():
                return self._tree[name]
        known = self.branches()
        message = f"no branch {name!r} in {self.where!r}{nearest(name, known)}"
        raise MissingKeyError(message, name)

    def _held(self, branch: Any) -> tuple[BranchType | None, Exception | None]:
        """Return the type of a branch, or None and perhaps why it has none."""
        try:
            if self._is_ntuple:
                form, path = branch.to_akform()
                return type_of_form(form.content(path[0])), None
            if type(branch.interpretation).__name__ == "AsGrouped":
                return None, None  # its members are branches of their own
            return type_of_form(branch.interpretation.awkward_form(self._tree.file)), None
        except Exception as error:  # noqa: BLE001 - uproot says in many ways that it cannot
            return None, error

    def _iterate_tree(self, names: list[str], step_bytes: int) -> Iterator[dict[str, Any]]:
        branches = {name: self._tree[name] for name in names}
        size = sum(branch.uncompressed_bytes for branch in branches.values())
        yield from self._tree.iterate(
            # With interpretations, names are taken as they are and not as formulas.
            [(name, branch.interpretation) for name, branch in branches.items()],
            step_size=max(1, int(step_bytes * self.num_entries / max(size, 1))),
            library="ak",
            how=dict,
        )

    def _iterate_ntuple(self, names: list[str], step_bytes: int) -> Iterator[dict[str, Any]]:
        wanted = set(names)
        # Pages are read by whole clusters: a step that ends inside one would read it again.
        stops = [c.num_first_entry + c.num_entries for c in self._tree.cluster_summaries]
        start, bytes_per_entry = 0, float("inf")
        for i, stop in enumerate(stops):
            is_last = i + 1 == len(stops)
            if not is_last and (stops[i + 1] - start) * bytes_per_entry <= step_bytes:
                continue
            arrays = self._tree.arrays(
                filter_field=lambda field: field.path in wanted,
                entry_start=start,
                entry_stop=stop,
            )
            bytes_per_entry = arrays.nbytes / max(1, stop - start)
            start = stop
            yield {name: arrays[name] for name in names}


@contextmanager
def _said_of(what: str, failure: str) -> Iterator[None]:
    """Turn whatever the reader raises into an error that names the file."""
    try:
        yield
    except (MemmpyError, GeneratorExit):
        raise
    except MemoryError as error:
        raise MemoryError(f"not enough memory for {what!r}; give a smaller step_bytes") from error
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        message = f"{what!r} {failure}: {first or type(error).__name__}"
        raise RootFileError(message) from error


def _check_magic(path: str) -> None:
    with Path(path).open("rb") as file:
        start = file.read(4)
    if start != b"root":
        raise RootFileError(f"{path!r} is not a ROOT file: it begins with {start!r}, not b'root'")


def _last_cycle(tree: str, names: Iterable[str]) -> str:
    cycles = [name for name in names if name.rpartition(";")[0] == tree]
    return max(cycles, key=lambda name: int(name.rpartition(";")[2]), default=tree)


def _list(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:10]))
    return f" ({shown}{', ...' if len(names) > 10 else ''})" if names else ""
