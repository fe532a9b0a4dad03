"""`Shuffle`, the option of a user, and `ShuffleChoice`, the order of the rows of a skim.

The choice depends only on the option and the skim, so that all machines agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

from memmpy.checks import check_flag, check_integer
from memmpy.errors import OptionError, argument_hints, nearest
from memmpy.order import Multiplicities, spread_of_blocks

__all__ = [
    "Shuffle",
    "ShuffleChoice",
    "ShuffleOption",
    "check_shuffle",
    "choose_shuffle",
    "warning_of_blocks",
]

#: The kinds of shuffles that a user may name.
ShuffleKind: TypeAlias = Literal["exact", "blocks"]
KINDS: tuple[ShuffleKind, ...] = get_args(ShuffleKind)

#: A window fits into the last-level cache of a processor while it is mixed. A disk reads a block of
#: about 100 kB nearly as fast as a whole file.
_WINDOW_BYTES = 7 << 18
_MIN_WINDOW_ROWS, _MAX_WINDOW_ROWS = 1 << 10, 1 << 16
#: The upper limit of a window with few, large rows.
_MAX_WINDOW_BYTES = 64 << 20
_WINDOW_BLOCKS = 16
#: If all rows fit into the last-level cache, gathering single rows is as fast as gathering blocks.
_EXACT_BYTES = 16 << 20
#: The limit of the spread of the means of batches, relative to exact order.
_MAX_SPREAD = 1.05
#: Messages propose no larger windows: a loader has `num_threads` + 5 of them in memory.
_MAX_PROPOSED_BYTES = 64 << 20


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Shuffle:
    """The order of each epoch: ``shuffle=`` of all loaders.

    ``shuffle="exact"`` is short for ``shuffle=Shuffle("exact")``.

    Parameters
    ----------
    kind : bool, "exact" or "blocks"
        - ``"exact"``: a permutation of all entries.
        - ``"blocks"``, for skims: memmpy reads blocks of consecutive rows in random order, and
          mixes the rows of several blocks, a window. The batches are as random as with
          ``"exact"``, because the rows of a skim are already in random order. It is about as fast
          as ``"exact"`` from memory, and tens of times faster from a disk. But rows of one event
          lie together, and stay in one window.
        - True: ``"blocks"`` for a skim of more than 16 MiB in which a row shares its event with
          less than 0.1 other rows on average; else ``"exact"``.
        - False: the order of the data, which is the order of the entries, of `subindex` or of the
          skim, in every epoch.
    block_rows : int, optional
        Rows per block, for skims. The default depends on the size of a row.
    window_blocks : int, optional
        Blocks per window, for skims. The default is 16.

    Raises
    ------
    OptionError
        If the kind is unknown, or a size is no integer of at least 1.

    Examples
    --------
    >>> skim = memmpy.skim("data.mmpy", keys=["met"])
    >>> shuffle = Shuffle("blocks", block_rows=256, window_blocks=64)
    >>> loader = SplitLoader(skim, split="train", batch_size=1024, shuffle=shuffle)
    """

    kind: bool | ShuffleKind
    block_rows: int | None = None
    window_blocks: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _check_kind(self.kind))
        for name in ("block_rows", "window_blocks"):
            if (size := getattr(self, name)) is not None:
                object.__setattr__(self, name, check_integer(name, size, minimum=1))


ShuffleOption: TypeAlias = bool | ShuffleKind | Shuffle


def check_shuffle(shuffle: ShuffleOption) -> Shuffle:
    """Return the value of ``shuffle=``, which may have its short form."""
    return shuffle if isinstance(shuffle, Shuffle) else Shuffle(shuffle)


def _check_kind(kind: bool | ShuffleKind) -> bool | ShuffleKind:
    if isinstance(kind, str) and kind in KINDS:
        return kind
    hint = nearest(kind, KINDS) if isinstance(kind, str) else ""
    try:
        return check_flag("shuffle", kind)
    except OptionError:
        kinds = " or ".join(map(repr, KINDS))
        message = f"shuffle must be True, False, {kinds}, got {kind!r}{hint}"
        raise OptionError(message) from None


@dataclass(frozen=True, slots=True)
class ShuffleChoice:
    """The order of the rows of an epoch, once the data is known.

    Parameters
    ----------
    kind : {"none", "exact", "blocks"}
        The order of the rows; a permutation of all rows; or blocks of consecutive rows, mixed
        within windows of blocks.
    block_rows, window_blocks : int
        Rows per block and blocks per window.
    why : str
        The reason for the choice, in the user's words.
    """

    kind: Literal["none", "exact", "blocks"]
    block_rows: int
    window_blocks: int
    why: str

    @property
    def window_rows(self) -> int:
        """The number of rows per window."""
        return self.block_rows * self.window_blocks


def choose_shuffle(
    shuffle: Shuffle,
    *,
    num_rows: int,
    row_bytes: float,
    multiplicities: Callable[[], Multiplicities],
) -> ShuffleChoice:
    """Return the order of the rows of a skim.

    Parameters
    ----------
    shuffle : Shuffle
        The option of the user.
    num_rows : int
        Rows of the skim.
    row_bytes : float
        Bytes per row, with its lists.
    multiplicities : callable
        Returns how many rows share an event. Called only if the choice depends on it.
    """
    kind, max_size = shuffle.kind, max(1, num_rows)
    blocks = min(shuffle.window_blocks, max_size) if shuffle.window_blocks else _WINDOW_BLOCKS
    # The power of two that makes a window of about the target size.
    target = max(1, round(_WINDOW_BYTES / max(1.0, row_bytes)))
    rows = min(max(1 << (target * 4 // 3).bit_length() - 1, _MIN_WINDOW_ROWS), _MAX_WINDOW_ROWS)
    rows = min(rows, max(1, int(_MAX_WINDOW_BYTES / max(1.0, row_bytes))))
    size = min(shuffle.block_rows, max_size) if shuffle.block_rows else max(1, rows // blocks)
    if kind is False:
        return ShuffleChoice("none", size, blocks, "shuffle=False")
    if kind is not True:
        return ShuffleChoice(kind, size, blocks, f"shuffle={kind!r}")
    if num_rows * row_bytes <= _EXACT_BYTES:
        return ShuffleChoice("exact", size, blocks, "all rows fit into a processor's cache")
    # Rows of one event lie together, and blocks keep them in one window. So the means of batches
    # spread by a factor of up to sqrt(1 + others). Larger windows would be fair up to some batch
    # size, but the order must not depend on the batch size, and in memory such windows are only
    # about as fast as exact order. The rows of an event cannot be moved apart on the disk: a split
    # would be no range of rows any more.
    others = multiplicities().others
    if 1 + others > _MAX_SPREAD**2:
        why = f"a row shares its event with {others:,.2f} others"
        return ShuffleChoice("exact", size, blocks, why)
    return ShuffleChoice("blocks", size, blocks, "rows that lie together are read together")


def warning_of_blocks(
    shuffle: ShuffleChoice,
    multiplicities: Multiplicities,
    *,
    num_rows: int,
    row_bytes: float,
    batch_size: int,
) -> str | None:
    """Return a warning if an order by blocks does not mix well; None if it does.

    Parameters
    ----------
    shuffle : ShuffleChoice
        The order by blocks.
    multiplicities : Multiplicities
        The numbers of rows of the skim that share an event.
    num_rows : int
        Rows per epoch.
    row_bytes : float
        Bytes per row, with its lists.
    batch_size : int
        Rows per batch.
    """

    def spread(window_blocks: int) -> float:
        return spread_of_blocks(
            multiplicities,
            num_rows=num_rows,
            batch_size=batch_size,
            block_rows=shuffle.block_rows,
            window_blocks=window_blocks,
        )

    blocks = shuffle.window_blocks
    if spread(blocks) <= _MAX_SPREAD:
        return None
    message = (
        f"shuffle='blocks' keeps rows of one event together: each row shares its event with "
        f"{multiplicities.others:,.2f} others on average, so that the means of batches of "
        f"{batch_size:,} spread up to {spread(blocks):,.2f} times as much as those of independent "
        "rows; give shuffle=True or 'exact'"
    )
    while spread(blocks) > _MAX_SPREAD:
        blocks *= 2
        if blocks * shuffle.block_rows * row_bytes > _MAX_PROPOSED_BYTES:
            return message
    sizes = f"block_rows={shuffle.block_rows}, window_blocks={blocks}"
    return f"{message}, or Shuffle('blocks', {sizes})"
