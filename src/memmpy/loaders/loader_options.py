"""What a loader is told to do: options spelled and checked in one place, before there is data."""

from dataclasses import dataclass

from memmpy.checks import check_flag, check_integer, check_seed
from memmpy.errors import OptionError, nearest
from memmpy.loaders.shuffle import ShuffleOption
from memmpy.parallel import num_helpers

__all__ = ["LoaderOptions", "check_options"]


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """What a loader does with its data: as `SplitLoader` takes it, and checked.

    Parameters
    ----------
    batch_size : int
        Entries in a batch.
    rank, world_size : int
        Which equal part of the split it hands out.
    seed, epoch : int
        What the order of an epoch follows from; the epoch of the first ``iter()``.
    shuffle : bool, "exact" or "blocks"
        How the entries are shuffled.
    block_rows, window_blocks : int or None
        Rows of a block, and blocks of a window; None to choose.
    drop_last : bool
        Whether to leave out a last batch that is short.
    num_threads : int
        Threads that gather ahead, beside the caller's.
    """

    batch_size: int
    rank: int
    world_size: int
    seed: int
    epoch: int
    shuffle: ShuffleOption
    block_rows: int | None
    window_blocks: int | None
    drop_last: bool
    num_threads: int

    def part_of(self, num: int) -> tuple[int, int]:
        """Return the first member of `num` that the rank has, and the one behind its last."""
        return num * self.rank // self.world_size, num * (self.rank + 1) // self.world_size


def check_options(
    *,
    for_rows: bool,
    batch_size: int,
    rank: int,
    world_size: int,
    seed: int,
    epoch: int,
    shuffle: ShuffleOption,
    block_rows: int | None,
    window_blocks: int | None,
    drop_last: bool,
    num_threads: int | None,
) -> LoaderOptions:
    """Return the options of a loader, with defaults where they are None.

    Parameters
    ----------
    for_rows : bool
        Whether the loader is of the rows of a skim; else it is of columns, which are not shuffled
        by blocks.
    batch_size, rank, world_size, seed, epoch, shuffle
        As `SplitLoader` takes them.
    block_rows, window_blocks, drop_last, num_threads
        As `SplitLoader` takes them.

    Raises
    ------
    OptionError
        If one makes no sense.
    """
    if num_threads is None:
        num_threads = num_helpers()
    rank, world_size = _check_rank(rank, world_size)
    options = LoaderOptions(
        batch_size=check_integer("batch_size", batch_size, minimum=1),
        rank=rank,
        world_size=world_size,
        seed=check_seed("seed", seed),
        epoch=check_seed("epoch", epoch),
        shuffle=_check_shuffle(shuffle),
        block_rows=_check_size("block_rows", block_rows),
        window_blocks=_check_size("window_blocks", window_blocks),
        drop_last=check_flag("drop_last", drop_last),
        num_threads=check_integer("num_threads", num_threads, minimum=0),
    )
    if not for_rows:
        _refuse_blocks(options)
    return options


def _check_rank(rank: int, world_size: int) -> tuple[int, int]:
    world_size = check_integer("world_size", world_size, minimum=1)
    rank = check_integer("rank", rank, minimum=0)
    if rank >= world_size:
        raise OptionError(f"no rank {rank} of {world_size}: give 0 to {world_size - 1}")
    return rank, world_size


def _check_shuffle(shuffle: ShuffleOption) -> ShuffleOption:
    if isinstance(shuffle, str):
        if shuffle in {"exact", "blocks"}:
            return shuffle
        hint = nearest(shuffle, ["exact", "blocks"])
        message = f"shuffle must be True, False, 'exact' or 'blocks', not {shuffle!r}{hint}"
        raise OptionError(message)
    try:
        return check_flag("shuffle", shuffle)
    except OptionError:
        message = f"shuffle must be True, False, 'exact' or 'blocks', not {shuffle!r}"
        raise OptionError(message) from None


def _check_size(name: str, size: int | None) -> int | None:
    return None if size is None else check_integer(name, size, minimum=1)


def _refuse_blocks(options: LoaderOptions) -> None:
    """Raise an `OptionError` where columns would be shuffled by blocks."""
    given = {
        "shuffle='blocks'": options.shuffle == "blocks",
        "block_rows": options.block_rows is not None,
        "window_blocks": options.window_blocks is not None,
    }
    for name, is_given in given.items():
        if is_given:
            message = (
                f"{name} is for skims, whose rows lie in random order: columns may be sorted, and "
                "then blocks of them are no shuffle; leave it out, or load from a skim"
            )
            raise OptionError(message)
