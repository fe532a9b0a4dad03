"""JSON documents of stores, changed by hand and given the checksum of what they say then."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from memmpy.store.json_document import seal

__all__ = ["change_one", "fields_of", "flipped", "rewrite"]


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(0, 1) | st.text()
_VALUES = _SCALARS | st.recursive(
    _SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
)


def change_one(fields: Any, data: st.DataObject) -> None:
    """Put any JSON value in the place of any other one."""
    while True:
        names = [*fields] if isinstance(fields, dict) else [*range(len(fields))]
        name = data.draw(st.sampled_from(names))
        is_inner = isinstance(fields[name], dict | list) and bool(fields[name])
        if not (is_inner and data.draw(st.booleans())):
            break
        fields = fields[name]
    fields[name] = data.draw(_VALUES)


def fields_of(data: bytes) -> dict[str, Any]:
    """Return what a document says, without its checksum."""
    fields: dict[str, Any] = json.loads(data)
    del fields["checksum"]
    return fields


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield a document with each of its bits flipped."""
    for place in range(8 * len(data)):
        altered = bytearray(data)
        altered[place // 8] ^= 1 << place % 8
        yield bytes(altered)


def rewrite(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter what a document says."""
    fields = fields_of(file.read_bytes())
    change(fields)
    file.write_bytes(seal(fields))
