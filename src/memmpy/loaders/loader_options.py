"""The options of a loader, checked in one place before there is data."""

from dataclasses import dataclass

from memmpy.checks import check_flag, check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.loaders.shuffle import Shuffle

__all__ = ["LoaderOptions"]


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """How a loader hands out its data.

    Parameters
    ----------
    batch_size : int
        Entries in a batch.
    shuffle : Shuffle
        How the entries are shuffled.
    seed, epoch : int
        What the order of an epoch follows from; the epoch of the first ``iter()``.
    drop_last : bool
        Whether to leave out a last batch that is short.
    num_threads : int
        Threads that gather ahead, beside the caller's.
    rank, world_size : int
        Which equal part of the split it hands out.

    Raises
    ------
    OptionError
        If one makes no sense.
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
        world_size = check_integer("world_size", self.world_size, minimum=1)
        changes = {
            "batch_size": check_integer("batch_size", self.batch_size, minimum=1),
            "seed": check_seed("seed", self.seed),
            "epoch": check_seed("epoch", self.epoch),
            "drop_last": check_flag("drop_last", self.drop_last),
            "rank": check_integer("rank", self.rank, minimum=0),
            "world_size": world_size,
        }
        if self.rank >= world_size:
            message = f"no rank {self.rank} of {world_size}: give 0 to {world_size - 1}"
            raise OptionError(message)
        for name, value in changes.items():
            object.__setattr__(self, name, value)

    def part_of(self, num: int) -> tuple[int, int]:
        """Return the first member of `num` that the rank has, and the one behind its last."""
        return num * self.rank // self.world_size, num * (self.rank + 1) // self.world_size

    def for_columns(self) -> "LoaderOptions":
        """Return the options if they suit columns, which are not shuffled by blocks.

        Raises
        ------
        OptionError
            If they are for the rows of a skim.
        """
        given = {
            "shuffle='blocks'": self.shuffle.kind == "blocks",
            "block_rows": self.shuffle.block_rows is not None,
            "window_blocks": self.shuffle.window_blocks is not None,
        }
        for name, is_given in given.items():
            if is_given:
                message = (
                    f"{name} is for skims, whose rows lie in random order: columns may be sorted, "
                    "and then blocks of them are no shuffle; leave it out, or load from a skim"
                )
                raise OptionError(message)
        return self
