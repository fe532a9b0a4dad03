"""`FrameworkLoader`: the batches of a loader as a framework takes them, with a place of its own."""

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, TypeVar

from memmpy.errors import ColumnError, OptionError, argument_hints
from memmpy.jagged import Jagged
from memmpy.loaders import EpochIterable
from memmpy.splits import SplitLoader
from memmpy.typing import Batch

__all__ = ["FrameworkLoader", "check_loader", "refuse_lists"]

B = TypeVar("B")


@argument_hints
class FrameworkLoader(EpochIterable[B]):
    """The batches of a loader as a framework takes them.

    It has a place of its own, which begins where the next pass of the loader would: it counts the
    batches that it handed out, not those that it read ahead, and leaves the epoch of the loader as
    it is. Its states are those of the loader.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    """

    def __init__(self, loader: SplitLoader) -> None:
        self.loader = loader
        self.is_shuffled: bool = loader.is_shuffled
        super().__init__(loader.epoch)
        self._set_place(*loader.place)

    @property
    def batch_size(self) -> int:
        """Entries per batch."""
        return self.loader.batch_size

    @abstractmethod
    def convert(self, batches: Iterator[Batch]) -> Iterator[B]:
        """Yield each batch as the framework takes it; may read ahead."""

    def batches(self, epoch: int, *, position: int = 0) -> Generator[B, None, None]:
        """Iterate over the batches of a given epoch; see `SplitLoader.batches`."""
        with closing(self.loader.batches(epoch, position=position)) as batches:
            yield from self.convert(batches)

    def state_at(self, epoch: int, num_batches: int) -> dict[str, int | str]:
        """Return the state after some batches of an epoch, as `state_dict` does."""
        return self.loader.state_at(epoch, num_batches)

    def place_of(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """Return the epoch and the number of batches of a state of `state_dict`."""
        return self.loader.place_of(state)

    def __len__(self) -> int:
        return len(self.loader)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loader!r})"


def check_loader(loader: object, function: str) -> SplitLoader:
    """Return the loader that a user gave to a function, such as ``"to_torch"``.

    Raises
    ------
    OptionError
        If it is no `SplitLoader`.
    """
    if isinstance(loader, SplitLoader):
        return loader
    message = f"{function} takes a loader, such as data.loader('train') or SplitLoader(data)"
    is_around = isinstance(getattr(loader, "loader", None), SplitLoader)
    way_out = ": give the loader that it was made of" if is_around else ""
    raise OptionError(f"{message}, got {type(loader).__name__}{way_out}")


def refuse_lists(key: str, values: object, *, package: str) -> None:
    """Raise a `ColumnError` if a key has lists, where a package takes arrays of one shape only."""
    if isinstance(values, Jagged):
        message = f"{package} needs arrays of one shape, and {key!r} has lists: give "
        raise ColumnError(f"{message}Objects(..., length=n) as input, or keys_padded= to load_root")
