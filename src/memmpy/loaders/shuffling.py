"""How the rows of a skim are shuffled: chosen from their size alone, so that all machines agree."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Shuffle", "ShuffleOption", "choose_shuffle"]

ShuffleOption: TypeAlias = bool | Literal["exact", "blocks"]

#: A window stays in the last cache of a processor while it is mixed, and a block of about a
#: hundred kB is read from a disk nearly as fast as all of a file.
_WINDOW_BYTES = 7 << 18
_MIN_WINDOW_ROWS, _MAX_WINDOW_ROWS = 1 << 10, 1 << 16
#: What the fewest rows of a window may take, where a row is large.
_MAX_WINDOW_BYTES = 64 << 20
_WINDOW_BLOCKS = 16
#: Rows of which all fit into the last cache are gathered one by one as fast as by blocks.
_EXACT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Shuffle:
    """How the rows of an epoch are shuffled.

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
    shuffle: ShuffleOption,
    *,
    block_rows: int | None,
    window_blocks: int | None,
    num_rows: int,
    row_bytes: float,
) -> Shuffle:
    """Return how rows are shuffled.

    Parameters
    ----------
    shuffle, block_rows, window_blocks
        As `LoaderOptions` has them.
    num_rows : int
        Rows of the skim.
    row_bytes : float
        Bytes of a row, with its lists.
    """
    most = max(1, num_rows)
    blocks = _WINDOW_BLOCKS if window_blocks is None else min(window_blocks, most)
    # The power of two that makes a window of about the wanted size.
    wanted = max(1, round(_WINDOW_BYTES / max(1.0, row_bytes)))
    rows = min(max(1 << (wanted * 4 // 3).bit_length() - 1, _MIN_WINDOW_ROWS), _MAX_WINDOW_ROWS)
    rows = min(rows, max(1, int(_MAX_WINDOW_BYTES / max(1.0, row_bytes))))
    size = max(1, rows // blocks) if block_rows is None else min(block_rows, most)
    if shuffle is False:
        return Shuffle("none", size, blocks, "shuffle=False")
    if shuffle is not True:
        return Shuffle(shuffle, size, blocks, f"shuffle={shuffle!r}")
    if num_rows * row_bytes <= _EXACT_BYTES:
        return Shuffle("exact", size, blocks, "all rows fit into a processor's cache")
    return Shuffle("blocks", size, blocks, "rows that lie together are read together")
