"""Stores to skim, and a slow reference of what their skims must hold."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.columns import (
    WriteJagged,
    WriteVector,
    load_memmaps,
    open_columns,
)
from memmpy.jagged import Jagged
from memmpy.parallel import WorkOption, check_work
from memmpy.skims import Skim
from memmpy.skims.make_skim import make_skim
from memmpy.skims.skim_request import check_request
from memmpy.skims.sorting.sort_plan import Sizes
from memmpy.splits import Splits, TicketRule, tickets_of
from memmpy.store import SKIM_METADATA, Transaction
from tests import documents

#: So small that a hundred entries make many chunks and buckets.
TINY = Sizes(chunk_bytes=700, bucket_bytes=500)

#: For tests of which many entries have one name, so that their order follows from the entry.
FEW_NAMES = pytest.mark.filterwarnings("ignore:.* does not name the events:memmpy.MemmpyWarning")

NOTHING: dict[str, Any] = {
    "keys": (),
    "keys_padded": {},
    "groups": {},
    "cut": None,
    "aliases": None,
    "constants": None,
    "dtype": None,
}


def write_store(path: Path, columns: Mapping[str, Any]) -> Path:
    """Write arrays as vectors, and `Jagged` as lists, in one commit."""
    with Transaction(path) as transaction:
        for key, values in columns.items():
            writer = WriteJagged if isinstance(values, Jagged) else WriteVector
            dtype = values.dtype
            shape = (values.content if isinstance(values, Jagged) else values).shape[1:]
            with writer(path, key, dtype=dtype, shape=shape, transaction=transaction) as column:
                column.extend(values)
    return path


def make_events(num: int = 200, *, seed: int = 0) -> dict[str, Any]:
    """Return columns of all kinds that a skim holds."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 6, num)
    offsets = np.concatenate([[0], np.cumsum(counts)])

    def lists(dtype: str) -> Jagged:
        return Jagged(random.integers(0, 100, offsets[-1]).astype(dtype), offsets)

    others = np.concatenate([[0], np.cumsum(random.integers(0, 3, num))])
    return {
        "run": random.integers(0, 4, num).astype(np.int32),
        "event": np.arange(num).astype(np.uint64) + np.uint64(1 << 63),
        "met": random.random(num, dtype=np.float32),
        "ht": random.random(num, dtype=np.float32),
        "weight": random.random(num),
        "is_good": random.random(num) < 0.5,
        "matrix": random.integers(-99, 99, (num, 2, 3)).astype(np.int16),
        "fixed": random.random((num, 4), dtype=np.float32),
        "pt": lists("f4"),
        "eta": lists("f4"),
        "tag": lists("i4"),
        "pairs": Jagged(random.random((others[-1], 2)), others),
    }


def skim_of(
    path: Path,
    *,
    sizes: Sizes = TINY,
    work: WorkOption = None,
    recreate: bool = False,
    splits: Splits | None = None,
    **asked: Any,
) -> Skim:
    """Skim with tasks of other sizes."""
    return make_skim(
        path,
        check_request(**{**NOTHING, **asked}),
        check_work(work),
        splits=splits,
        recreate=recreate,
        progress=False,
        sizes=sizes,
    )


def rewrite(skim: Skim, **changes: Any) -> None:
    """Change what the metadata of a skim says, and its checksum with it."""
    changes.pop("checksum", None)
    documents.rewrite(skim.path / SKIM_METADATA, lambda fields: fields.update(changes))


def as_version_1(skim: Skim, change: Callable[[dict[str, Any]], object]) -> None:
    """Let the metadata of a skim be as version 1 had them, but for a change."""
    fields = documents.fields_of((skim.path / SKIM_METADATA).read_bytes()) | {"format_version": 1}
    checksum = f"crc32:{zlib.crc32(json.dumps(fields, sort_keys=True).encode()):08x}"
    fields["checksum"] = checksum
    change(fields)
    (skim.path / SKIM_METADATA).write_text(json.dumps(fields, indent=1))


def bytes_of(skim: Skim) -> dict[str, bytes]:
    """Return the bytes of each file of a skim."""
    return {file.name: file.read_bytes() for file in skim.path.iterdir()}


def drawn_tickets(path: Path, num_entries: int, splits: Splits | None) -> np.ndarray:
    """Return the ticket of each entry, as a loader of the store has it."""
    entries = np.arange(num_entries)
    snapshot = open_columns(path, None)
    if splits is None:
        run, event = (
            next((name for name in names if name in snapshot.columns), None)
            for names in (("runNumber", "run"), ("eventNumber", "event"))
        )
        by = tuple(name for name in (run, event) if name is not None)
        rule = TicketRule("file" if event is None else by, 0)
    else:
        rule = splits.ticket_rule
    if rule.by == "file" and not snapshot.metadata.sources:
        return TicketRule(("entry",), rule.seed).draw({"entry": entries})
    return tickets_of(snapshot, rule, num_entries=num_entries)(entries)


def check_skim(
    path: Path,
    skim: Skim,
    *,
    passing: np.ndarray,
    keys: Sequence[str] = (),
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    splits: Splits | None = None,
) -> None:
    """Check every bit of a skim against the columns of its store."""
    padded, groups = keys_padded or {}, groups or {}
    columns: dict[str, Any] = dict(load_memmaps(path))
    num_entries = len(next(iter(columns.values())))
    all_tickets = drawn_tickets(path, num_entries, splits)
    entries = passing[np.lexsort((passing, all_tickets[passing]))]
    assert len(skim) == len(passing)
    assert skim.num_store_entries == num_entries
    assert np.array_equal(skim.rows["_index"], entries)
    assert np.array_equal(skim.tickets, all_tickets[entries])
    shared = np.unique(all_tickets[entries], return_counts=True)[1]
    numbers, num_events = np.unique(shared, return_counts=True)
    expected = dict(zip(numbers.tolist(), num_events.tolist(), strict=True))
    assert skim.multiplicities().num_events == expected
    seen = {"_index"}
    for key in keys:
        seen |= _check(skim, key, columns[key][entries])
    for key, (length, fill) in padded.items():
        if not any(key in members for members in groups.values()):
            lists = _lists(columns[key][entries])
            seen |= _check(skim, key, lists.pad(length, fill))
            seen |= _check(skim, f"{key}_mask", np.arange(length) < lists.counts[:, None])
    for name, members in groups.items():
        values = [columns[key][entries] for key in members]
        masks = []
        for i, key in enumerate(members):
            if key in padded:
                length, fill = padded[key]
                lists = _lists(values[i])
                masks.append(np.arange(length) < lists.counts[:, None])
                values[i] = lists.pad(length, fill)
        if masks:
            seen |= _check(skim, f"{name}_mask", masks[0])
        dtype = (skim.lists[name][0] if name in skim.lists else skim.rows[name]).dtype
        if isinstance(values[0], Jagged):
            content = np.stack([one.content for one in values], axis=-1).astype(dtype)
            seen |= _check(skim, name, Jagged(content, values[0].offsets))
        else:
            seen |= _check(skim, name, np.stack(values, axis=-1).astype(dtype))
    assert seen == skim.fields.keys() | skim.lists.keys()
    assert skim.verify() == []


def _lists(values: Any) -> Jagged:
    return values if isinstance(values, Jagged) else Jagged.from_arrays([*values])


def _check(skim: Skim, name: str, expected: Any) -> set[str]:
    if isinstance(expected, Jagged):
        content, offsets = skim.lists[name]
        assert content.dtype == expected.dtype
        assert content.shape == expected.content.shape
        assert np.array_equal(offsets, expected.offsets)
        assert content.tobytes() == expected.content.tobytes()
    else:
        found = skim.rows[name]
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()
        field = skim.fields[name]
        assert (field.dtype, field.shape) == (expected.dtype, expected.shape[1:])
        assert field.offset % field.dtype.alignment == 0
    return {name}
