"""Say where repeated events and rows are: the files and trees, the worst first."""

from collections.abc import Iterator, Sequence

from memmpy.display import format_count
from memmpy.store import Metadata, tree_name
from memmpy.training.findings import Finding
from memmpy.training.repeats import Pairs, Repeats

__all__ = ["finding_of_rows", "findings_of_repeats"]

_REPEATED = (
    "entries of one event in one tree, which go to one side together: right where a row is a jet "
    "or a candidate, else name events by more columns"
)
_OVERLAP = (
    "files of one process hold the same events, which count twice: overlapping slices, or a file "
    "that was added twice? Leave one out, or name events by columns that tell them apart"
)
_VARIATIONS = (
    "trees of one file, or files of several variations, hold the same events, which go to one side "
    "together, as they should; train on one of them"
)
_SAME_ROWS = (
    "rows of equal content have different event numbers: is a file there twice, written again or "
    "renumbered? Such events may be in training and in test; leave one of the files out"
)


def findings_of_repeats(repeats: Repeats, metadata: Metadata, key: str) -> Iterator[Finding]:
    """Yield what was found of equal identities; `key` is what names events."""
    sides, sources = repeats.sides, metadata.sources
    names = _names_of(sides.paths)
    trees = [tree_name(source) for source in sources] or [""]
    of_sources = [f"{names[file]}:{tree}" for file, tree in zip(sides.files, trees, strict=True)]
    if repeats.overlaps:
        where = _where_of_pairs(repeats.overlaps, names)
        count = sum(repeats.overlaps.values())
        yield Finding("overlap", key, where, count, "warning", _OVERLAP)
    of_trees = dict(zip(sides.file_trees.tolist(), of_sources, strict=True))
    for kind, nums, places, message in (
        ("repeated", repeats.repeated, of_trees, _REPEATED),
        ("variations", repeats.variations, dict(enumerate(of_sources)), _VARIATIONS),
    ):
        if nums.any():
            num = int((nums > 0).sum())
            where = (places[int(nums.argmax())] if sources else "") + _more(num - 1, "tree")
            yield Finding(kind, key, where, int(nums.sum()), "info", message)


def finding_of_rows(same_rows: Pairs, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield what was found of equal rows, if anything."""
    if same_rows:
        where = _where_of_pairs(same_rows, _names_of(paths))
        count = sum(same_rows.values())
        yield Finding("same rows", "", where, count, "warning", _SAME_ROWS)


def _where_of_pairs(pairs: Pairs, names: Sequence[str]) -> str:
    earlier, later = max(pairs, key=lambda pair: pairs[pair])
    if earlier == later:
        text = f"inside of {names[later]}"
    else:
        text = f"{names[later]} repeats {names[earlier]}"
    return text + _more(len(pairs) - 1, "pair of files", "pairs of files")


def _more(num: int, one: str, many: str | None = None) -> str:
    return f", and {format_count(num, f'more {one}', many and f'more {many}')}" if num else ""


def _names_of(paths: Sequence[str]) -> list[str]:
    """Return the names of files, with as many folders as tell them apart."""
    parts = [path.split("/") for path in paths]
    names = [one[-1] for one in parts]
    if len(set(names)) == len(names):
        return names
    ends = zip(min(parts), max(parts), strict=False)  # these share the least
    num_shared = next((i for i, (one, other) in enumerate(ends) if one != other), 0)
    return ["/".join(one[num_shared:]) for one in parts]
