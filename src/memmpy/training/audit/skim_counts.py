"""Reports on skims and padded columns, from counts stored when they were made."""

from collections.abc import Iterator
from pathlib import Path

from memmpy.conversion import total_clipping
from memmpy.jagged import Clipping
from memmpy.skims import KeyCounts, Skim, list_skims
from memmpy.store import Metadata
from memmpy.training.audit.findings import Finding, Level
from memmpy.training.audit.value_findings import ADVICE

__all__ = ["findings_of_padded", "findings_of_skims"]

_CUT = "nothing passes the cut of the skim: loosen it, or remove the skim with Skim.remove"


def findings_of_padded(metadata: Metadata) -> Iterator[Finding]:
    """Yield the findings on padded columns that lose items."""
    for key in metadata.current_keys():
        origin = metadata.columns[key].origin
        if origin is not None and origin.clipped:
            length = int(origin.spec["padding"][0])
            yield from _clipped(key, f"padded to {length:,} items", total_clipping(origin), length)


def findings_of_skims(path: Path, metadata: Metadata) -> Iterator[Finding]:
    """Yield the findings on the skims of a store that are up to date."""
    for skim in list_skims(path)[0]:
        if skim.is_current(metadata):
            yield from _findings_of(skim)


def _findings_of(skim: Skim) -> Iterator[Finding]:
    where = f"skim {skim.path.name}"
    if not len(skim) and skim.num_store_entries:
        yield Finding("cut", "", where, skim.num_store_entries, "warning", _CUT)
        return
    named = skim.ticket_rule.keys
    lengths = skim.padded_lengths
    inputs = set()  # of a training set: the keys of its objects lose the same items
    for key, counts in skim.counts.items():
        name = key.partition(".")[0] if key in skim.derived else key
        if key in lengths and name not in inputs:
            inputs.add(name)
            items = f"{where}, {lengths[key]:,} items"
            way_out = f"Objects(..., length={counts.clipping.max_items})" if name != key else ""
            yield from _clipped(name, items, counts.clipping, lengths[key], way_out)
        if skim.cut is None:  # then the columns of the store have the same findings
            continue
        for kind, num in _odd(counts, is_named=key in named):
            yield Finding(kind, key, where, num, "info", ADVICE[kind])


def _odd(counts: KeyCounts, *, is_named: bool) -> Iterator[tuple[str, int]]:
    """Yield each finding on the values of a key: its kind and its number of entries."""
    if counts.is_empty:
        yield "empty", counts.num_entries
        return
    if counts.is_constant and not is_named and counts.num_entries > 1:
        yield "constant", counts.num_entries
    if counts.num_nan:
        yield "NaN", counts.num_nan
    if counts.num_infinite:
        yield "infinite", counts.num_infinite


def _clipped(
    key: str, where: str, clipping: Clipping, length: int, way_out: str = ""
) -> Iterator[Finding]:
    if clipping.num_clipped_entries:
        level: Level = "warning" if clipping.is_large else "info"
        message = clipping.warning(key, length, way_out=way_out)
        yield Finding("clipped", key, where, clipping.num_clipped_entries, level, message)
