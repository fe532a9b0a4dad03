"""`LoaderOptions`: the batches of a loader and their order, checked before any data is read."""

from dataclasses import dataclass, field

from memmpy.checks import check_flag, check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.loaders.shuffle import Shuffle
from memmpy.order import Ranks
from memmpy.parallel import RankOption, check_rank

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
    rank : int, "auto" or "slurm"
        The number of this process, or where to find it; then it becomes the number.
    world_size : int
        The number of processes that share the split.

    Attributes
    ----------
    ranks : Ranks
        How the ranks share the batches.

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
    rank: RankOption
    world_size: int
    ranks: Ranks = field(init=False)

    def __post_init__(self) -> None:
        rank, world_size = check_rank(self.rank, self.world_size)
        batch_size = check_integer("batch_size", self.batch_size, minimum=1)
        for name in ("seed", "epoch"):
            object.__setattr__(self, name, check_seed(name, getattr(self, name)))
        drop_last = check_flag("drop_last", self.drop_last)
        values = {
            "batch_size": batch_size,
            "drop_last": drop_last,
            "rank": rank,
            "world_size": world_size,
            "ranks": Ranks(rank, world_size, batch_size, drop_last),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

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
