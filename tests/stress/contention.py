"""Two writers and six readers of one store, each a process, for some seconds."""

import os
import pickle
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

import memmpy
from memmpy import ReadJagged, WriteJagged, WriteVector
from tests.stress.children import End, run_each
from tests.stress.operations import NUM_ENTRIES, OLD_CUT, SKIM, Place, whole
from tests.stress.outcomes import VERDICTS, Outcome, Verdict

__all__ = ["ROLES", "contend"]


#: Not one for each event: a conversion of other files makes them stale, and others do not.
_NUM_VALUES = NUM_ENTRIES + 1


def _write_columns(place: Place, step: int) -> None:
    """Commit two columns that tell the same number."""
    with memmpy.Transaction(place.store) as transaction:
        with WriteVector(place.store, "left", transaction=transaction) as vector:
            vector.extend(np.full(_NUM_VALUES, step))
        with WriteJagged(place.store, "right", transaction=transaction) as lists:
            lists.extend([np.full(i % 3, step) for i in range(_NUM_VALUES)])


def _convert_and_skim(place: Place, step: int) -> None:
    """Convert other files than before, and make what depends on them."""
    files = place.files("a", "b") if step % 2 else place.files("a", "b_longer")
    memmpy.convert(
        files, place.store, keys={"number", "jets"}, keys_padded={"eta": (3, -1.0)}, progress=False
    )
    memmpy.skim(place.store, **SKIM, cut=OLD_CUT, recreate=step % 3 == 0, progress=False)


def _read_columns(place: Place, step: int) -> None:
    columns = memmpy.load_memmaps(place.store, ["left", "right"])
    left, right = columns["left"], columns["right"]
    assert isinstance(right, ReadJagged)
    assert set(np.asarray(left).tolist()) == set(right.content.tolist()), "halves of two commits"


def _read_files(place: Place, step: int) -> None:
    columns = memmpy.load_memmaps(place.store, ["number", "jets"])
    number, jets = columns["number"], columns["jets"]
    assert len(number) == len(jets), "columns of two conversions"
    assert isinstance(jets, ReadJagged)
    counts = np.asarray(number) % 4
    assert np.array_equal(jets.counts, counts), "lists of other files"


def _read_cut(place: Place, step: int) -> None:
    store = memmpy.open(place.store)
    entries = store.cut(f"number > {step % 5}")
    expected = np.flatnonzero(np.asarray(store["number"]) > step % 5)
    assert np.array_equal(entries, expected), "a cut of other columns"


def _read_skims(place: Place, step: int) -> None:
    for skim in memmpy.open(place.store).skims:
        number = skim.rows["number"]
        assert np.all(np.asarray(number) > 9), "rows of another cut"
        assert len(skim.tickets) == len(number), "halves of two skims"


def _read_batches(place: Place, step: int) -> None:
    for batch in memmpy.open(place.store).loader("all", keys=["number", "jets"], batch_size=64):
        assert np.array_equal(batch["jets"].counts, batch["number"] % 4), "rows of two conversions"


def _verify(place: Place, step: int) -> None:
    problems = whole(place)
    assert not problems, f"verify beside writers: {problems[0].partition('message=')[2]}"


#: Who takes part, and what each does over and over.
ROLES: dict[str, Callable[[Place, int], None]] = {
    "writer of columns": _write_columns,
    "writer of files and skims": _convert_and_skim,
    "reader of columns": _read_columns,
    "reader of files": _read_files,
    "reader of cuts": _read_cut,
    "reader of skims": _read_skims,
    "reader of batches": _read_batches,
    "reader that verifies": _verify,
}


def contend(place: Place, *, num: int, seconds: float) -> Iterator[tuple[str, Outcome]]:
    """Let all take part, and yield what came of each time that one did something.

    Parameters
    ----------
    place : Place
        Where.
    num : int
        How often each does something, at most.
    seconds : float
        For how long.
    """
    place.reset()
    _write_columns(place, 0)
    deadline = time.monotonic() + seconds
    children = {role: _start(place, number, num, deadline) for number, role in enumerate(ROLES)}
    for number, (role, child) in enumerate(children.items()):
        assert os.waitpid(child, 0)[1] == 0, role
        for outcome in pickle.loads(_results(place, number).read_bytes()):
            yield role, outcome


def _results(place: Place, number: int) -> Path:
    return place.folder / f"results-{number}"


def _start(place: Place, number: int, num: int, deadline: float) -> int:
    """Start a process that does the same until the deadline; it keeps what came of it in a file."""
    child = os.fork()
    if child:
        return child
    try:
        act, outcomes = list(ROLES.values())[number], []
        log = place.folder / f"log-{number}"
        for end in run_each(range(min(num, 100_000)), partial(act, place), log=log):
            outcomes.append(_outcome(end))
            if time.monotonic() > deadline:
                break
        _results(place, number).write_bytes(pickle.dumps(outcomes))
        os._exit(0)
    finally:
        os._exit(1)


def _outcome(end: End) -> Outcome:
    if end.text.startswith("AssertionError"):
        return Outcome(Verdict.WRONG, end.text, end.text)
    return Outcome(VERDICTS[end.how], end.text, end.place)
