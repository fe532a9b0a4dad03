"""`EpochIterable`: batches of one epoch after the other, in an order that can be resumed."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from memmpy.checks import check_seed
from memmpy.errors import LoaderWarning, argument_hints, warn_of

__all__ = ["EpochIterable"]

B = TypeVar("B")
_Own = TypeVar("_Own", bound="EpochIterable[Any]")


@argument_hints
class EpochIterable(ABC, Generic[B]):
    """Batches of one epoch after the other, in an order that can be resumed.

    The first batch of a pass reads the epoch, and the last one leads to the next epoch. One batch
    alone, as of ``next(iter(loader))``, is a look at the data, which changes no place.

    Parameters
    ----------
    epoch : int
        The first epoch.
    """

    #: Whether each epoch has an order of its own.
    is_shuffled: bool
    #: As a `DataLoader` of torch has it: Lightning asks for it where there is a `sampler`.
    batch_sampler: None = None

    def __init__(self, epoch: int) -> None:
        self._passes: WeakSet[Generator[B, None, None]] = WeakSet()
        self._has_warned = False
        self._epoch = self._num_batches = self._num_skipped = 0
        self._num_places = self._num_closed = 0
        self.epoch = epoch

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_passes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _passes=WeakSet())

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Entries per batch."""

    @abstractmethod
    def batches(self, epoch: int, *, position: int = 0) -> Generator[B, None, None]:
        """Iterate over the batches of a given epoch."""

    @abstractmethod
    def state_at(self, epoch: int, num_batches: int) -> dict[str, int | str]:
        """Return the state after some batches of an epoch; see `state_dict`."""

    @abstractmethod
    def place_of(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """Return the epoch and the number of batches of a state; see `load_state_dict`."""

    def __iter__(self) -> Iterator[B]:
        one = self._pass()
        self._passes.add(one)
        return one

    def _pass(self) -> Generator[B, None, None]:
        """Yield the batches from the place on that the loader has when the first is asked for."""
        (epoch, first), of_place, closed = self.place, self._num_places, self._num_closed
        num, last = first, len(self)
        if not last:
            self._set_place(epoch + 1, 0)
        with closing(self.batches(epoch, position=num * self.batch_size)) as batches:
            for batch in batches:
                num += 1
                if of_place == self._num_places:  # else this pass is of an older place
                    if num >= last:
                        self._set_place(epoch + 1, 0)
                    elif num > first + 2 and self._num_batches == num - 1:
                        self._num_batches = num  # what `_go_on` would do, without the call
                    else:
                        self._go_on(first, num)
                yield batch
                if closed != self._num_closed:  # by another thread
                    return

    def _go_on(self, first: int, num: int) -> None:
        """Note that a pass from batch `first` on has handed out the batches before `num`."""
        before = self._num_batches
        if num > first + 1:
            self._num_skipped = 0
            if before > num and self.is_shuffled and not self._has_warned:
                self._has_warned = True
                message = (
                    f"epoch {self._epoch} begins again: a pass before ended after {before:,} of "
                    f"{len(self):,} batches, and only a whole pass leads to the next epoch; "
                    f"set_epoch({self._epoch + 1}) gives batches in a new order"
                )
                warn_of([message], LoaderWarning)
        elif before > num:  # a look at the data beside a pass
            return
        self._num_batches = num

    @property
    def place(self) -> tuple[int, int]:
        """The epoch of the next pass, and how many of its batches are left out."""
        return self._epoch, self._num_skipped

    @property
    def epoch(self) -> int:
        """The epoch of the next pass. You can set it."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._set_place(check_seed("epoch", epoch), 0)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass, as a `DistributedSampler` of torch has it.

        Nothing changes if it is that epoch already, so an epoch that is being resumed stays so.
        """
        if check_seed("epoch", epoch) != self._epoch:
            self.epoch = epoch

    @property
    def sampler(self: _Own) -> _Own:
        """The object whose `set_epoch` a trainer calls, such as Lightning: the loader itself."""
        return self

    def state_dict(self) -> dict[str, int | str]:
        """Return where the loader is: after the last batch that it handed out.

        Returns
        -------
        dict of str to int or str
            ``"epoch"``; ``"position"``, the entries of this epoch that all ranks handed out; and
            what they depend on: ``"batch_size"``, of all ranks together, ``"seed"``, ``"order"``,
            ``"split"`` and ``"data"``. It is the same on all ranks, and after the last batch of an
            epoch it is that of the next one.
        """
        return self.state_at(self._epoch, self._num_batches)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to where a loader was: the next pass goes on from there, with equal batches.

        The numbers of ranks and threads may differ, if the entries per batch of all ranks together
        are the same. An empty state changes nothing.

        Raises
        ------
        OptionError
            If the state is that of other data, of another split, seed, order or batch size.
        """
        given: object = state_dict
        if not isinstance(given, Mapping) or given:
            self._set_place(*self.place_of(state_dict))

    def close(self) -> None:
        """End all passes that are being made, and their threads. A new pass may follow.

        A pass of another thread ends before its next batch.
        """
        self._num_closed += 1
        for one in list(self._passes):
            with suppress(ValueError):  # another thread is in it
                one.close()

    def __enter__(self: _Own) -> _Own:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _set_place(self, epoch: int, num_batches: int) -> None:
        if num_batches and num_batches >= len(self):
            epoch, num_batches = epoch + 1, 0
        self._num_places += 1
        self._epoch, self._num_batches, self._num_skipped = epoch % 2**64, num_batches, num_batches
