"""Documents, offsets, cuts and input files that Hypothesis makes wrong: an error, and soon."""

import copy
import json
import resource
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st

import memmpy
from memmpy import RFileConfig
from tests.stress.children import attempt, run
from tests.stress.flips import STORE_WAYS, expected_of, read_with
from tests.stress.operations import OPERATIONS, Place, clean, state, whole
from tests.stress.outcomes import VERDICTS, Outcome, Verdict, worst

__all__ = ["TARGETS", "Target", "fuzz"]

#: Bytes of memory that an action may take beside what a child has.
_MEMORY = 6 << 30
_INTEGERS = st.sampled_from(
    [-(1 << 63), -1, 0, 1, 2, 7, 127, 1 << 16, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 64, 10**30]
)
_TEXTS = [*("", "/", "..", "ä", "\ud800", "vector", "jagged"), *("<f8", "<i4", "|O", "<U9", "|V0")]
_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    _INTEGERS,
    st.floats(),
    st.sampled_from(_TEXTS),
    st.just([]),
    st.just({}),
    st.lists(_INTEGERS, max_size=3),
)
_PLACES = st.integers(0, 1 << 20)


@dataclass(frozen=True, slots=True)
class Target:
    """Something that is given wrong data.

    Parameters
    ----------
    strategy : SearchStrategy
        The wrong data.
    read : callable
        Uses it in a trial at its beginning, and judges what comes of it.
    """

    strategy: st.SearchStrategy[Any]
    read: Callable[[Place, Any], Outcome]


def fuzz(target: Target, place: Place, *, seed: int, num: int) -> Iterator[tuple[str, Outcome]]:
    """Yield examples as text, and what came of each."""
    found: list[tuple[str, Outcome]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=num,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(target.strategy)
    def act(example: Any) -> None:
        place.reset()
        end = run(lambda: _with_little_memory(partial(target.read, place, example)), log=place.log)
        outcome = end.value
        if end.how != "value":
            outcome = Outcome(VERDICTS[end.how], end.text, end.place)
        found.append((repr(example), outcome))

    act()
    yield from found


def _with_little_memory(action: Callable[[], Outcome]) -> Outcome:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return action()


def _judge(action: Callable[[], object]) -> Outcome:
    """Judge something that may give any value: an error must be one of memmpy."""
    end = attempt(action)
    return Outcome(VERDICTS[end.how], end.text, end.place)


# Documents: values at any place of the JSON are replaced, removed or copied, and the checksum is
# that of the new bytes.

_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "remove", "copy", "rename"]),
        st.lists(_PLACES, max_size=6),
        st.lists(_PLACES, max_size=6),
        _VALUES,
    ),
    min_size=1,
    max_size=3,
)


def _read_document(place: Place, example: tuple[int, list[Any]]) -> Outcome:
    number, edits = example
    files = sorted(place.store.rglob("*.json"))
    file = files[number % len(files)]
    document = json.loads(file.read_bytes())
    for what, path, source, value in edits:
        _edit(document, what, path, _at(document, source) if what == "copy" else value)
    file.write_bytes(_sealed(document))
    convert = OPERATIONS["convert a key"].run
    ways = (*STORE_WAYS.values(), state, whole, clean, convert)
    return worst(*(_judge(partial(read, place)) for read in ways))


def _edit(document: Any, what: str, path: list[int], value: Any) -> None:
    """Change one place of a JSON document; each number of the path picks an item."""
    parent: Any = None
    key: Any = None
    for number in path or [0]:
        if not isinstance(document, dict | list) or not document:
            break
        parent = document
        key = (
            list(document)[number % len(document)]
            if isinstance(document, dict)
            else number % len(document)
        )
        document = document[key]
    if parent is None:
        return
    if what == "remove":
        del parent[key]
    elif what == "rename" and isinstance(parent, dict):
        parent[str(value)] = parent.pop(key)
    else:
        parent[key] = copy.deepcopy(value)


def _at(document: Any, path: list[int]) -> Any:
    for number in path:
        items = list(document.values()) if isinstance(document, dict) else document
        if not isinstance(items, list) or not items:
            break
        document = items[number % len(items)]
    return document


def _sealed(document: Any) -> bytes:
    """Return a document as text; one with a checksum gets that of all bytes before it."""
    if "checksum" not in document:
        return json.dumps(document).encode()
    body = json.dumps({k: v for k, v in document.items() if k != "checksum"}).encode()[:-1]
    return body + b',\n "checksum": "crc32:%08x"\n}\n' % zlib.crc32(body)


# Offsets: some of them are replaced, in files of any list column or skim.


def _read_offsets(place: Place, example: tuple[int, list[tuple[int, int]]]) -> Outcome:
    number, edits = example
    files = {f: ways for f, ways in expected_of(place).items() if "offsets" in f.means}
    file = sorted(files, key=lambda file: file.path)[number % len(files)]
    data = (place.trial / file.path).read_bytes()
    offsets = np.frombuffer(data, np.int64, offset=file.header_bytes).copy()
    for index, value in edits:
        offsets[index % len(offsets)] = value
    return read_with(place, file, data[: file.header_bytes] + offsets.tobytes(), files[file])


# Cuts: pieces of expressions one after the other, on columns of all kinds.

_PIECES = [
    *("number", "jets", "eta", "process", "own", "words", "nested", "shaped", "nothing"),
    *("1", "0", "-1", "2.5", "1e308", "9999999999999999999", "'a'", "true", "pi"),
    *("abs(", "min(", "max(", "Sum$(", "Min$(", "MaxIf$(", "any(", "Alt$(", "Length$(", "sqrt("),
    *("+", "-", "*", "/", "%", "**", "^", "<<", ">>", "<", "<=", "==", "!=", "!", "~", "&", "|"),
    *("&&", "||", "and", "or", "not", "in", "(", ")", "[", "]", "[0]", "[-1]", "?", ":", ",", "@"),
]
_CUTS = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=14).map(" ".join)


def _read_cut(place: Place, example: str) -> Outcome:
    store = memmpy.open(place.store)
    outcomes = [_judge(lambda: store.cut(example)), _judge(lambda: store.add("new", example))]
    return worst(*outcomes, _judge(lambda: state(place)))


# Input files: some bytes are replaced, or the end is cut off.

_BYTES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from(
        [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 8, bytes(64)]
    ),
)
_PATCHES = st.tuples(
    st.lists(st.tuples(_PLACES, _BYTES), min_size=1, max_size=4), st.none() | _PLACES
)


def _read_input(
    place: Place, example: tuple[list[tuple[int, bytes]], int | None], *, name: str
) -> Outcome:
    patches, stop = example
    data = bytearray((place.folder / "inputs" / name).read_bytes())
    for at, patch in patches:
        start = at % len(data)
        data[start : start + len(patch)] = patch
    if stop is not None:
        del data[stop % len(data) :]
    file = place.trial / name
    file.write_bytes(data)
    store = place.trial / "new.mmpy"
    files = [RFileConfig(file, None, {"process": "x"})]
    keys = {"number", "weight", "jets"}
    outcome = _judge(lambda: memmpy.convert(files, store, keys=keys, progress=False))
    if store.exists() and (problems := memmpy.verify(store)):
        return Outcome(Verdict.LOST, str(problems[0]))
    return outcome


TARGETS = {
    "documents": Target(st.tuples(_PLACES, _EDITS), _read_document),
    "offsets": Target(
        st.tuples(
            _PLACES,
            st.lists(
                st.tuples(_PLACES, st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-2, 400)),
                min_size=1,
                max_size=4,
            ),
        ),
        _read_offsets,
    ),
    "cuts": Target(_CUTS, _read_cut),
    **{
        name: Target(_PATCHES, partial(_read_input, name=name))
        for name in ("a.root", "rntuple.root", "events.parquet", "events.h5")
    },
}
