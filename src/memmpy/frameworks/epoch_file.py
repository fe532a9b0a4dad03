"""`EpochFile`: the epoch of each pass, which the worker processes of a `DataLoader` agree on.

The process that trains does not know when a pass begins, and its set_epoch() does not reach workers
that live on. So a small file has the place of a data set: all processes lock it, read it and write
it. The object that made the file removes it in the end.
"""

import fcntl
import json
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import final

from memmpy.errors import DiskError

__all__ = ["EpochFile", "WorkerPass"]

#: How many passes are kept, of those that are being made at the same time.
_NUM_PASSES = 64


@dataclass(slots=True)
class WorkerPass:
    """A pass over an epoch, by one or more processes.

    Parameters
    ----------
    number : int
        Its number, from 0 on.
    seed : int
        The seed of all workers of the pass, by which they find it.
    epoch, start : int
        The epoch, and the number of its first batch.
    num_workers : int
        How many workers share it.
    begun : list of int
        The workers that have begun the pass.
    num_ended : int
        How many workers have handed out all of their batches.
    """

    number: int
    seed: int
    epoch: int
    start: int
    num_workers: int
    begun: list[int] = field(default_factory=list)
    num_ended: int = 0


@dataclass(slots=True)
class _DatasetPlace:
    """The epoch of the next pass and its first batch, and the last passes."""

    epoch: int
    start: int
    num_passes: int = 0
    passes: list[WorkerPass] = field(default_factory=list)


@final
class EpochFile:
    """The place of a data set, in a file that its copies in worker processes share.

    Parameters
    ----------
    epoch, start : int
        The epoch of the first pass, and the number of its first batch.
    """

    def __init__(self, epoch: int, start: int) -> None:
        self._epoch, self._start = epoch, start
        file, path = tempfile.mkstemp(prefix="memmpy-epoch-")
        os.close(file)
        self._path = Path(path)
        weakref.finalize(self, _remove, self._path, os.getpid())

    def epoch(self) -> int:
        """Return the epoch of the next pass."""
        with self._locked() as place:
            return place.epoch

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass. An epoch that is not over yet stays where it is."""
        with self._locked() as place:
            if place.epoch != epoch:
                place.epoch, place.start = epoch, 0

    def begin(
        self, seed: int, worker: int, num_workers: int, *, epoch: int | None = None
    ) -> WorkerPass:
        """Return the pass that a worker begins, with the epoch of the others.

        Parameters
        ----------
        seed : int
            What the workers of a pass have in common.
        worker, num_workers : int
            The worker, and how many there are.
        epoch : int, optional
            The epoch, if the pass goes on from a state.
        """
        with self._locked() as place:
            for one in reversed(place.passes):
                is_ours = (one.seed, one.num_workers) == (seed, num_workers)
                if is_ours and worker not in one.begun:
                    break
            else:
                if epoch is not None:
                    place.epoch, place.start = epoch, 0
                place.num_passes += 1
                number = place.num_passes - 1
                one = WorkerPass(number, seed, place.epoch, place.start, num_workers)
                place.passes = [*place.passes[1 - _NUM_PASSES :], one]
            one.begun.append(worker)
            return one

    def end(self, number: int) -> None:
        """Note that a worker has handed out all batches. The last one begins the next epoch."""
        with self._locked() as place:
            for one in (one for one in place.passes if one.number == number):
                one.num_ended += 1
                if one.num_ended == one.num_workers and one.epoch == place.epoch:
                    place.epoch, place.start = place.epoch + 1, 0

    @contextmanager
    def _locked(self) -> Iterator[_DatasetPlace]:
        """Yield what is in the file, and write it, while no other process does."""
        # A copy may outlive the object that made the file, and removed it.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(file, "r+", encoding="utf-8") as text:
            fcntl.flock(text, fcntl.LOCK_EX)
            try:
                place = _place_of(text.read()) or _DatasetPlace(self._epoch, self._start)
            except ValueError:
                message = f"{str(self._path)!r} is damaged: a disk was full, or a worker was killed"
                raise DiskError(f"{message}; call batch_dataset() again") from None
            yield place
            text.seek(0)
            text.write(json.dumps(asdict(place)))
            text.truncate()


def _place_of(text: str) -> _DatasetPlace | None:
    """Return the place that a text holds; None for no text."""
    if not text:
        return None
    # A process that was killed may have left the end of a longer text.
    fields, _ = json.JSONDecoder().raw_decode(text)
    passes = [WorkerPass(**one) for one in fields.pop("passes")]
    return _DatasetPlace(**fields, passes=passes)


def _remove(path: Path, process: int) -> None:
    """Remove the file, unless this is a fork of the process that made it."""
    if os.getpid() == process:
        with suppress(OSError):
            path.unlink()
