"""`LoaderOptions`: the batches of a loader and their order, checked before any data is read."""

from dataclasses import dataclass

from memmpy.checks import check_flag, check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.loaders.shuffle import Shuffle
from memmpy.order import Ranks

__all__ = ["LoaderOptions"]


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """The batches of a loader and their order.

    Parameters
    ----------
    batch_size : int
        Entries per batch.
    shuffle : Shuffle
        The order of an epoch.
    seed, epoch : int
        The seed of the orders; the epoch of the first ``iter()``.
    drop_last : bool
        Whether to leave out a short last batch.
    num_threads : int
        Threads that gather ahead, beside the thread of the caller.
    rank, world_size : int
        This process and the number of processes that share the split.

    Raises
    ------
    OptionError
        If an option is invalid.
    """

    batch_size: int
    shuffle: Shuffle
    seed: int
    epoch: int
    drop_last: bool
    num_threads: int
    rank: int
    world_size: int

    def __post_init__(self) -> None:
        for name, minimum in {"batch_size": 1, "rank": 0, "world_size": 1}.items():
            value = check_integer(name, getattr(self, name), minimum=minimum)
            object.__setattr__(self, name, value)
        for name in ("seed", "epoch"):
            object.__setattr__(self, name, check_seed(name, getattr(self, name)))
        object.__setattr__(self, "drop_last", check_flag("drop_last", self.drop_last))
        if self.rank >= self.world_size:
            message = f"no rank {self.rank} of {self.world_size}: give 0 to {self.world_size - 1}"
            raise OptionError(message)

    @property
    def ranks(self) -> Ranks:
        """How the ranks share the batches."""
        return Ranks(self.rank, self.world_size, self.batch_size, self.drop_last)

    def check_for_columns(self) -> None:
        """Raise an `OptionError` for a kind of shuffle that needs a skim."""
        is_given = {
            f"shuffle={self.shuffle.kind!r}": self.shuffle.kind not in {True, False, "exact"},
            "block_rows": self.shuffle.block_rows is not None,
            "window_blocks": self.shuffle.window_blocks is not None,
        }
        for name in (name for name in is_given if is_given[name]):
            message = (
                f"{name} is for skims, whose rows lie in random order: columns may be sorted, "
                "and then blocks of them are no shuffle; leave it out, or load from a skim"
            )
            raise OptionError(message)
