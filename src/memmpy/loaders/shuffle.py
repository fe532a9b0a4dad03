"""`Shuffle`, which a user asks for, and the choice for the rows of a skim that follows from it.

The choice depends on the skim alone, so that all machines agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from memmpy.checks import check_flag, check_integer
from memmpy.errors import OptionError, nearest
from memmpy.order import Multiplicities, spread_of_blocks

__all__ = [
    "Shuffle",
    "ShuffleChoice",
    "ShuffleOption",
    "check_shuffle",
    "choose_shuffle",
    "warning_of_blocks",
]

#: A window stays in the last cache of a processor while it is mixed, and a block of about a
#: hundred kB is read from a disk nearly as fast as all of a file.
_WINDOW_BYTES = 7 << 18
_MIN_WINDOW_ROWS, _MAX_WINDOW_ROWS = 1 << 10, 1 << 16
#: What the fewest rows of a window may take, where a row is large.
_MAX_WINDOW_BYTES = 64 << 20
_WINDOW_BLOCKS = 16
#: Rows of which all fit into the last cache are gathered one by one as fast as by blocks.
_EXACT_BYTES = 16 << 20
#: The means of batches may spread that much more than in exact order.
_MAX_SPREAD = 1.05
#: Larger windows are not proposed: a loader has `num_threads` + 5 of them in memory.
_MAX_PROPOSED_BYTES = 64 << 20


@final
@dataclass(frozen=True, slots=True)
class Shuffle:
    """How the entries of each epoch are shuffled: ``shuffle=`` of all loaders.

    ``shuffle="exact"`` is short for ``shuffle=Shuffle("exact")``.

    Parameters
    ----------
    kind : bool, "exact" or "blocks"
        ``"exact"`` is a permutation of all entries. ``"blocks"``, for skims, reads blocks of
        consecutive rows in a new order and mixes all rows of a window of blocks: as the rows of a
        skim lie in random order already, batches are as random. From memory that is about as fast
        as ``"exact"``, and from the disk tens of times as fast. Rows that share an identity lie
        together, so that blocks keep them in one window. True takes blocks for a skim of more than
        16 MiB whose rows have less than 0.1 others of their identity on average, and else the
        permutation. With False every epoch has the order of the data: that of the entries, of
        `subindex`, or of the skim.
    block_rows, window_blocks : int, optional
        Rows of a block, and blocks of a window; chosen by the size of a row where not given. For
        skims.

    Raises
    ------
    OptionError
        If there is no such kind, or a size is no integer of at least 1.

    Examples
    --------
    >>> loader = SplitLoader(skim, shuffle=Shuffle("blocks", block_rows=256, window_blocks=64))
    """

    kind: bool | Literal["exact", "blocks"]
    block_rows: int | None = None
    window_blocks: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _check_kind(self.kind))
        for name in ("block_rows", "window_blocks"):
            if (size := getattr(self, name)) is not None:
                object.__setattr__(self, name, check_integer(name, size, minimum=1))


ShuffleOption: TypeAlias = bool | Literal["exact", "blocks"] | Shuffle


def check_shuffle(given: ShuffleOption) -> Shuffle:
    """Return what a user gave as ``shuffle=``, or a short form of it, as the value."""
    return given if isinstance(given, Shuffle) else Shuffle(given)


def _check_kind(kind: bool | Literal["exact", "blocks"]) -> bool | Literal["exact", "blocks"]:
    if isinstance(kind, str) and kind in {"exact", "blocks"}:
        return kind
    hint = nearest(kind, ["exact", "blocks"]) if isinstance(kind, str) else ""
    try:
        return check_flag("shuffle", kind)
    except OptionError:
        message = f"shuffle must be True, False, 'exact' or 'blocks', not {kind!r}{hint}"
        raise OptionError(message) from None


@dataclass(frozen=True, slots=True)
class ShuffleChoice:
    """How the rows of an epoch are shuffled, once the data is known.

    Parameters
    ----------
    kind : {"none", "exact", "blocks"}
        In the order of the rows; by a permutation of all of them; or by blocks of consecutive rows,
        mixed inside windows of blocks.
    block_rows, window_blocks : int
        Rows of a block, and blocks of a window.
    why : str
        Why it was chosen, in the user's words.
    """

    kind: Literal["none", "exact", "blocks"]
    block_rows: int
    window_blocks: int
    why: str

    @property
    def window_rows(self) -> int:
        """Rows of a window."""
        return self.block_rows * self.window_blocks


def choose_shuffle(
    shuffle: Shuffle,
    *,
    num_rows: int,
    row_bytes: float,
    multiplicities: Callable[[], Multiplicities],
) -> ShuffleChoice:
    """Return how rows are shuffled.

    Parameters
    ----------
    shuffle : Shuffle
        What the user asks for.
    num_rows : int
        Rows of the skim.
    row_bytes : float
        Bytes of a row, with its lists.
    multiplicities : callable
        Returns how many rows share an event. It is asked only where the choice depends on it.
    """
    most = max(1, num_rows)
    given, kind = shuffle.window_blocks, shuffle.kind
    blocks = _WINDOW_BLOCKS if given is None else min(given, most)
    # The power of two that makes a window of about the wanted size.
    wanted = max(1, round(_WINDOW_BYTES / max(1.0, row_bytes)))
    rows = min(max(1 << (wanted * 4 // 3).bit_length() - 1, _MIN_WINDOW_ROWS), _MAX_WINDOW_ROWS)
    rows = min(rows, max(1, int(_MAX_WINDOW_BYTES / max(1.0, row_bytes))))
    size = max(1, rows // blocks) if shuffle.block_rows is None else min(shuffle.block_rows, most)
    if kind is False:
        return ShuffleChoice("none", size, blocks, "shuffle=False")
    if kind is not True:
        return ShuffleChoice(kind, size, blocks, f"shuffle={kind!r}")
    if num_rows * row_bytes <= _EXACT_BYTES:
        return ShuffleChoice("exact", size, blocks, "all rows fit into a processor's cache")
    # Rows of an event lie together, and blocks keep them in one window. So the means of batches
    # spread by up to the root of 1 + others. Larger windows are fair up to some batch size, of
    # which an order must not depend; in memory they are about as fast as exact order. To move the
    # rows of an event apart on the disk would make a split no range of rows any more.
    others = multiplicities().others
    if 1 + others > _MAX_SPREAD**2:
        return ShuffleChoice(
            "exact", size, blocks, f"a row shares its event with {others:,.2f} others"
        )
    return ShuffleChoice("blocks", size, blocks, "rows that lie together are read together")


def warning_of_blocks(
    shuffle: ShuffleChoice,
    multiplicities: Multiplicities,
    *,
    num_rows: int,
    row_bytes: float,
    batch_size: int,
) -> str | None:
    """Return what is wrong with an order by blocks, and the way out; None where it is fair.

    Parameters
    ----------
    shuffle : ShuffleChoice
        Blocks.
    multiplicities : Multiplicities
        Of the skim.
    num_rows : int
        Rows of an epoch.
    row_bytes : float
        Bytes of a row, with its lists.
    batch_size : int
        Rows of a batch.
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
