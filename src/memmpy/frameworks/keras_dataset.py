"""`KerasDataset`: the batches of a loader, which Keras asks for by their numbers."""

from collections.abc import Callable, Generator, Mapping
from operator import index as integer_of
from threading import Lock
from typing import Any, TypeAlias, final

import keras
import numpy as np

from memmpy.checks import check_seed
from memmpy.errors import LoaderWarning, warn_of
from memmpy.splits import SplitLoader
from memmpy.typing import Array, Batch

__all__ = ["KerasDataset", "Parts"]

#: ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``; x is an array, or a dict of name to array.
Parts: TypeAlias = tuple[Array | dict[str, Array], ...]


@final
class KerasDataset(keras.utils.PyDataset):  # type: ignore[misc] # a class of a package without types
    """The batches of a loader, which Keras asks for by their numbers; see `memmpy.to_keras`.

    An epoch ends when each of its batches was asked for; the next one has an order of its own. A
    batch that is asked for again before begins the same epoch again.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    split : callable
        From a batch to what Keras takes.
    """

    def __init__(self, loader: SplitLoader, split: Callable[[Batch], Parts]) -> None:
        super().__init__(workers=1)
        self.loader = loader
        self._split = split
        self._num_jumps = self._next = 0
        self._batches: Generator[Batch, None, None] | None = None
        self._lock = Lock()
        self._begin(loader.epoch)

    def __len__(self) -> int:
        return len(self.loader)

    def __getitem__(self, index: int) -> Parts:
        """Return a batch of the epoch `epoch`, by its number.

        Raises
        ------
        IndexError
            If there is no such batch.
        """
        number = integer_of(index)
        if not 0 <= number < len(self):
            raise IndexError(f"no batch {number}: an epoch has {len(self):,} batches, from 0 on")
        with self._lock:  # TensorFlow asks from threads of its own
            if self._is_given[number]:
                self._begin(self._epoch)
            try:
                batch = next(self._pass_from(number))
            except BaseException:  # a pass that was interrupted cannot go on
                self._end_pass()
                raise
            self._next = number + 1
            self._is_given[number] = True
            if self._is_given.all():
                self._begin(self._epoch + 1)
        return self._split(batch)

    @property
    def epoch(self) -> int:
        """The epoch of the next batch. You can set it."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        epoch = check_seed("epoch", epoch)
        with self._lock:
            self._begin(epoch)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, as for ``model.fit(dataset, initial_epoch=epoch)``."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, int | str]:
        """Return the state at the start of the epoch; see `SplitLoader.state_dict`."""
        return self.loader.state_at(self._epoch, 0)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to the start of the epoch of a state, where Keras begins; see `SplitLoader`."""
        if state_dict != {}:
            self.epoch, _ = self.loader.place_of(state_dict)

    def close(self) -> None:
        """End the pass that is being made, and its threads. A new pass may follow."""
        self.epoch = self._epoch

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lock": None, "_batches": None, "_next": 0}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def __repr__(self) -> str:
        return f"KerasDataset({self.loader!r})"

    def _begin(self, epoch: int) -> None:
        """Go to the start of an epoch."""
        self._end_pass()
        self._epoch, self._is_given = epoch, np.zeros(len(self), np.bool_)

    def _pass_from(self, number: int) -> Generator[Batch, None, None]:
        """Return the batches from a number on: those of the running pass if they are next."""
        if self._batches is not None and self._next == number:
            return self._batches
        self._end_pass()
        self._num_jumps += number > 0
        if number and self._num_jumps == 2:  # one may be a look at a batch
            message = (
                "Keras asks for the batches in an order of its own, and each begins a pass of its "
                "own, which is slow: give fit(..., shuffle=False), as the loader shuffles already"
            )
            warn_of([message], LoaderWarning)
        self._batches = self.loader.batches(self._epoch, position=number * self.loader.batch_size)
        return self._batches

    def _end_pass(self) -> None:
        if self._batches is not None:
            self._batches.close()
        self._batches = None
