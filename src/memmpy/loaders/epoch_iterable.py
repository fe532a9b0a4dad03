"""`EpochIterable`: batches of one epoch after the other, in an order that can be resumed."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar, final
from weakref import WeakSet

from memmpy.checks import check_seed
from memmpy.errors import LoaderWarning, warn_of

__all__ = ["EpochIterable"]

B = TypeVar("B")
_Own = TypeVar("_Own", bound="EpochIterable[Any]")


class EpochIterable(ABC, Generic[B]):
    """Batches of one epoch after the other, in an order that can be resumed.

    ``iter()`` alone does nothing. The first ``next()`` of it starts the epoch `epoch`, and its last
    batch makes the next one of it. So ``next(iter(loader))`` looks at a batch, and costs no epoch.

    Parameters
    ----------
    epoch : int
        The first epoch.
    """

    #: Entries per batch.
    batch_size: int
    #: Whether each epoch has an order of its own.
    is_shuffled: bool
    #: As a `DataLoader` of torch has it: Lightning asks for it where there is a `sampler`.
    batch_sampler: None = None

    def __init__(self, epoch: int) -> None:
        self._passes: WeakSet[_Pass[B]] = WeakSet()
        self._has_warned = False
        self.epoch = epoch

    @abstractmethod
    def __len__(self) -> int: ...

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
        one = _Pass(self)
        self._passes.add(one)
        return one

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
        if state_dict != {}:
            self._set_place(*self.place_of(state_dict))

    def close(self) -> None:
        """End all passes that are being made, and their threads. A new pass may follow."""
        for one in list(self._passes):
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

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_passes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _passes=WeakSet())

    def _set_place(self, epoch: int, num_batches: int) -> None:
        if num_batches and num_batches >= len(self):
            epoch, num_batches = epoch + 1, 0
        self._epoch, self._num_batches, self._num_skipped = epoch, num_batches, num_batches

    def _begin(self) -> tuple[int, int]:
        """Return the epoch and the first batch of a pass that begins now."""
        epoch, first = self._epoch, self._num_skipped
        if self._num_batches > first + 1 and self.is_shuffled and not self._has_warned:
            self._has_warned = True
            message = (
                f"epoch {epoch} begins again: the pass before ended after {self._num_batches:,} of "
                f"{len(self):,} batches, and only a whole pass leads to the next epoch; call "
                f"set_epoch({epoch + 1}) before a pass for batches in a new order"
            )
            warn_of([message], LoaderWarning)
        if len(self):
            self._num_batches, self._num_skipped = first, 0
        else:
            self._set_place(epoch + 1, 0)
        return epoch, first

    def _count(self, epoch: int, num_batches: int) -> None:
        """Note that a pass has handed out so many batches of an epoch."""
        if epoch == self._epoch:
            self._num_batches = num_batches
            if num_batches >= len(self):
                self._set_place(epoch + 1, 0)


@final
class _Pass(Iterator[B]):
    """One pass over an epoch, which it chooses when its first batch is asked for."""

    def __init__(self, owner: EpochIterable[B]) -> None:
        self._owner = owner
        self._batches: Generator[B, None, None] | None = None
        self._epoch = self._num = 0

    def __next__(self) -> B:
        if self._batches is None:
            self._epoch, self._num = self._owner._begin()
            position = self._num * self._owner.batch_size
            self._batches = self._owner.batches(self._epoch, position=position)
        batch = next(self._batches)
        self._num += 1
        self._owner._count(self._epoch, self._num)
        return batch

    def close(self) -> None:
        """End the pass."""
        if self._batches is None:
            self._batches = _nothing()
        self._batches.close()


def _nothing() -> Generator[Any, None, None]:
    yield from ()
