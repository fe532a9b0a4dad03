"""Plan how an epoch falls into batches, and batches into windows that are gathered at once."""

from collections.abc import Iterator

__all__ = ["num_batches", "num_delivered", "plan_windows"]


def num_batches(num: int, batch_size: int, *, drop_last: bool) -> int:
    """Return the number of batches of `num` entries, with the last short one unless `drop_last`."""
    return num // batch_size if drop_last else -(-num // batch_size)


def num_delivered(num: int, batch_size: int, *, drop_last: bool) -> int:
    """Return how many of `num` entries lie in a batch."""
    return num - num % batch_size if drop_last else num


def plan_windows(
    num: int, batch_size: int, *, rows_per_window: int, position: int
) -> Iterator[tuple[int, int]]:
    """Yield the (start, stop) of runs of whole batches that cover all positions from `position` on.

    A window has as many batches as fit in `rows_per_window`, and at least one. All boundaries are
    on the edges of batches if `position` is.
    """
    rows = max(1, rows_per_window // batch_size) * batch_size
    for start in range(position, num, rows):
        yield start, min(start + rows, num)
