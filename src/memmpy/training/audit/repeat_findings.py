"""Report repeated events and rows, with the files and trees that have most of them."""

from collections.abc import Iterator, Sequence

from memmpy.display import format_count
from memmpy.store import Metadata, tree_name
from memmpy.training.audit.findings import Finding
from memmpy.training.audit.repeats import Pairs, Repeats

__all__ = ["file_names", "finding_of_rows", "findings_of_repeats"]

_REPEATED = (
    "several entries of a tree are of one event, and go to one split together: right if a row is a "
    "jet or a candidate, else name events by more columns"
)
_OVERLAP = (
    "files of one process hold the same events, which count twice: overlapping slices, or a file "
    "that was added twice? Leave one out, or name events by columns that tell them apart"
)
_VARIATIONS = (
    "trees of one file, or files of several variations, hold the same events, which go to one "
    "split together, as they should; train on one of them"
)
_SAME_ROWS = (
    "equal rows have different event numbers: was a file added twice, written again or renumbered? "
    "Such events may be in training and in test; leave one of the files out"
)


def findings_of_repeats(repeats: Repeats, metadata: Metadata, key: str) -> Iterator[Finding]:
    """Yield the findings on repeated identities; `key` are the columns that name events."""
    groups, sources = repeats.groups, metadata.sources
    names = file_names(groups.paths)
    trees = [tree_name(source) for source in sources] or [""]
    of_sources = [f"{names[file]}:{tree}" for file, tree in zip(groups.files, trees, strict=True)]
    if repeats.overlaps:
        where = _where_of_pairs(repeats.overlaps, names)
        count = sum(repeats.overlaps.values())
        yield Finding("overlap", key, where, count, "warning", _OVERLAP)
    of_trees = dict(zip(groups.file_trees.tolist(), of_sources, strict=True))
    for kind, nums, places, message in (
        ("repeated", repeats.repeated, of_trees, _REPEATED),
        ("variations", repeats.variations, dict(enumerate(of_sources)), _VARIATIONS),
    ):
        if nums.any():
            num = int((nums > 0).sum())
            where = (places[int(nums.argmax())] if sources else "") + _more(num - 1, "tree")
            yield Finding(kind, key, where, int(nums.sum()), "info", message)


def finding_of_rows(same_rows: Pairs, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield the finding on equal rows, if any."""
    if same_rows:
        where = _where_of_pairs(same_rows, file_names(paths))
        count = sum(same_rows.values())
        yield Finding("same rows", "", where, count, "warning", _SAME_ROWS)


def _where_of_pairs(pairs: Pairs, names: Sequence[str]) -> str:
    earlier, later = max(pairs, key=lambda pair: pairs[pair])
    if earlier == later:
        text = f"within {names[later]}"
    else:
        text = f"{names[later]} repeats {names[earlier]}"
    return text + _more(len(pairs) - 1, "pair of files", "pairs of files")


def _more(num: int, one: str, many: str | None = None) -> str:
    return f", and {format_count(num, f'more {one}', many and f'more {many}')}" if num else ""


def file_names(paths: Sequence[str]) -> list[str]:
    """Return the names of files, with as many folders as make them distinct."""
    parts = [path.split("/") for path in paths]
    names = [one[-1] for one in parts]
    if len(set(names)) == len(names):
        return names
    ends = zip(min(parts), max(parts), strict=False)  # these share the least
    num_shared = next((i for i, (one, other) in enumerate(ends) if one != other), 0)
    return ["/".join(one[num_shared:]) for one in parts]
