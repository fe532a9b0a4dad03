"""One flipped bit in a file of a store: every way of reading it is right, or says so."""

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

import memmpy
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.store import METADATA, SKIM_METADATA, UNFINISHED, read_metadata
from tests.stress.children import attempt, run, run_each
from tests.stress.operations import (
    OLD_CUT,
    OPERATIONS,
    SKIM,
    Place,
    state,
    whole,
)
from tests.stress.outcomes import VERDICTS, Outcome, Verdict, worst

__all__ = ["File", "Flip", "expected_of", "flips", "outcomes_of", "read_with"]

#: Flips of one child.
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class File:
    """A file of a store, and what it is.

    Parameters
    ----------
    path : Path
        Relative to the trial.
    means : str
        A row of the table: ``metadata``, ``skim document``, ``offsets``, ``content``, ...
    key : str
        The column that it is of; empty for a document.
    header_bytes : int
        Bytes of the header of an array.
    """

    path: Path
    means: str
    key: str
    header_bytes: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A bit that is wrong."""

    file: File
    byte: int
    bit: int

    def __str__(self) -> str:
        return f"bit {self.bit} of byte {self.byte} of {self.file.path.name} {self.file.key}"


def flips(place: Place, generator: random.Random) -> Iterator[Flip]:
    """Yield every bit of every file of the store, in a random order; each byte once, then again."""
    _leave_unfinished(place)
    todo = [
        (file, byte)
        for file in expected_of(place)
        if file.path.suffix in {".json", ".jsonl", ".npy"}
        for byte in range((place.template / file.path).stat().st_size)
    ]
    for bit in range(8):
        generator.shuffle(todo)
        for file, byte in todo:
            yield Flip(file, byte, (bit + byte) % 8)


def outcomes_of(todo: Iterator[Flip], place: Place) -> Iterator[tuple[Flip, Outcome]]:
    """Read the store after each flip."""
    expected = expected_of(place)

    def act(flip: Flip) -> Outcome:
        place.reset()
        data = bytearray((place.trial / flip.file.path).read_bytes())
        data[flip.byte] ^= 1 << flip.bit
        return read_with(place, flip.file, bytes(data), expected[flip.file])

    while chunk := list(islice(todo, _CHUNK)):
        for flip, end in zip(chunk, run_each(chunk, act, log=place.log), strict=True):
            outcome = end.value
            if end.how != "value":
                assert end.how in {"hang", "signal"}, end
                outcome = Outcome(VERDICTS[end.how], end.text, end.place)
            yield flip, outcome


@cache
def expected_of(place: Place) -> dict[File, dict[str, Any]]:
    """Return what the ways of reading each file give of a whole store.

    Once in a parent, so that its children have what is imported and compiled by then.
    """
    place.reset()
    files = [_file(path, place) for path in sorted(place.store.rglob("*.*")) if path.is_file()]
    expected: dict[File, dict[str, Any]] = {}
    for file in files:
        place.reset()
        expected[file] = {way: read(place) for way, read in _ways(file).items()}
    return expected


def _file(path: Path, place: Place) -> File:
    means, key, header_bytes = "cut", "", 0
    if path.suffix == ".npy":
        header_bytes = 10 + int.from_bytes(path.read_bytes()[8:10], "little")
    if path.suffix == ".json":
        names = {METADATA: "metadata", SKIM_METADATA: "skim document"}
        means = names.get(path.name, "cut document")
    elif path.parent.name == UNFINISHED:
        means, header_bytes = "unfinished", 0  # the header is written last
    elif "skims" in path.parts:
        means = "skim offsets" if ".offsets." in path.name else "skim content"
    else:
        for name, column in read_metadata(place.store).columns.items():
            for role, array in column.arrays.items():
                if array.file == path.name:
                    means, key = "offsets" if "offsets" in role else "content", name
    return File(path.relative_to(place.trial), means, key, header_bytes)


def read_with(place: Place, file: File, data: bytes, expected: dict[str, Any]) -> Outcome:
    """Give a file other bytes, read the store in all ways that use it, and judge the values.

    Parameters
    ----------
    place : Place
        A trial at its beginning.
    file : File
        The file.
    data : bytes
        What it has now.
    expected : mapping of str to object
        What each way of reading gave before.
    """
    old = (place.trial / file.path).read_bytes()
    (place.trial / file.path).write_bytes(data)
    is_noticed = _is_noticed(place)
    may_differ = is_noticed and _is_value(place, file)
    outcomes = [Outcome(Verdict.RIGHT)]
    for way, read in _ways(file).items():
        end = attempt(partial(read, place))
        outcome = Outcome(VERDICTS[end.how], f"{way}: {end.text}", end.place)
        if end.how == "value" and end.value != expected[way]:
            verdict = Verdict.VERIFY if may_differ else Verdict.WRONG
            outcome = Outcome(verdict, "another value, and no error", way)
        outcomes.append(outcome)
    found = worst(*outcomes)
    is_used = data != old and file.means != "unfinished"
    if found.verdict is Verdict.RIGHT and is_used and not is_noticed:
        return Outcome(Verdict.WRONG, "verify finds nothing", "verify")
    return found


def _is_noticed(place: Place) -> bool:
    try:
        return bool(whole(place))
    except MemmpyError:
        return True


def _is_value(place: Place, file: File) -> bool:
    """Say whether what differs are values that only a checksum tells from others.

    Offsets that fall, or lead out of the content, are no such: no way of reading may use them.
    """
    if file.path.suffix != ".npy":
        return False
    old, new = ((root / file.path).read_bytes() for root in (place.template, place.trial))
    if old[: file.header_bytes] != new[: file.header_bytes]:
        return False
    if "offsets" not in file.means:
        return True
    good, bad = (np.frombuffer(data, np.int64, offset=file.header_bytes) for data in (old, new))
    return bool(np.all(bad[1:] >= bad[:-1]) and bad[0] == good[0] and bad[-1] == good[-1])


def _ways(file: File) -> dict[str, Callable[[Place], object]]:
    """Return the ways of reading that use a file."""
    ways = STORE_WAYS
    if file.means == "unfinished":
        return {"conversion": _conversion}
    if file.key in {"words", "nested", "shaped"}:
        ways = {}
    if file.key in {"jets", "words", "nested", "shaped"}:
        ways = ways | {f"{way} of lists": _of_column(file.key, r) for way, r in LIST_WAYS.items()}
    return ways


def _of_column(key: str, read: Callable[[Any], object]) -> Callable[[Place], object]:
    return lambda place: read(memmpy.load_memmaps(place.store, [key])[key])


def _plain(values: Any) -> object:
    """Return values as Python has them; of an array its dtype, shape and bytes."""
    if isinstance(values, np.ndarray) and not values.dtype.hasobject:
        return values.dtype.str, values.shape, values.tobytes()
    if isinstance(values, memmpy.Jagged):
        return [_plain(entry) for entry in values]
    return values if isinstance(values, str) else ak.to_list(values)


def _entries(values: Any) -> list[object]:
    return [_plain(entry) for entry in values]


def _loaded(data: Any, split: str) -> object:
    loader = memmpy.SplitLoader(data, batch_size=50, num_threads=0, split=split)
    return [{key: _plain(values) for key, values in batch.items()} for batch in loader]


def _loaded_columns(place: Place) -> object:
    keys = ["number", "jets", "eta", "own", "process"]
    return _loaded(memmpy.load_memmaps(place.store, keys), "all")


def _loaded_skims(place: Place) -> object:
    """Of all, also those that a store leaves out because they are damaged."""
    folders = sorted((place.store / "skims").glob("*/"))
    return [_loaded(memmpy.Skim(folder), "train") for folder in folders]


def _skim_again(place: Place) -> object:
    skim = memmpy.skim(place.store, **SKIM, cut=OLD_CUT, progress=False)
    return skim.rows.tobytes(), _loaded(skim, "train")


def _conversion(place: Place) -> object:
    """Go on with what was not finished; what `verify` finds is an error."""
    value = OPERATIONS["convert a key"].run(place)
    if problems := whole(place):
        raise CorruptStoreError(problems[0])
    return value, state(place)


def _leave_unfinished(place: Place) -> None:
    """Let the template have what a conversion leaves that is killed before it commits."""

    def convert() -> None:
        sys.addaudithook(_die_at_a_rename)
        OPERATIONS["convert a key"].run(place)

    place.reset()
    assert run(convert, log=place.log).text == "SIGKILL"
    unfinished = place.template / place.store.name / UNFINISHED
    (place.store / UNFINISHED).rename(unfinished)
    assert (unfinished / "journal.jsonl").exists()


def _die_at_a_rename(event: str, arguments: tuple[Any, ...]) -> None:
    """Kill this process where a finished array is moved into the store."""
    if event == "os.rename" and UNFINISHED in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)


#: Ways of reading a store.
STORE_WAYS: dict[str, Callable[[Place], object]] = {
    "open": lambda place: {key: len(column) for key, column in memmpy.open(place.store).items()},
    "sources": lambda place: memmpy.open(place.store).sources,
    "splits": lambda place: memmpy.open(place.store).splits,
    "cut": lambda place: memmpy.compute_cut_batched(place.store, OLD_CUT).tolist(),
    "cut of lists": lambda place: memmpy.open(place.store).cut("Sum$(jets) > 90").tolist(),
    "cut of a text": lambda place: memmpy.open(place.store).cut("process == 'a'").tolist(),
    "loader of columns": _loaded_columns,
    "loader of a split": lambda place: _loaded(memmpy.open(place.store), "val"),
    "loader of a skim": _loaded_skims,
    "skim": _skim_again,
}
#: Ways of reading a column of lists, texts or nested lists.
LIST_WAYS: dict[str, Callable[[Any], object]] = {
    "each entry": lambda column: [_plain(column[i]) for i in range(len(column))],
    "iteration": _entries,
    "slices": lambda column: [_entries(column[i : i + 9]) for i in range(0, len(column), 9)],
    "chosen entries": lambda column: [_entries(column[[i, i // 2]]) for i in range(len(column))],
    "awkward": lambda column: ak.to_list(column.to_awkward()),
}
