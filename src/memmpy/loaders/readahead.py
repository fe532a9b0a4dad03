"""Parts of an epoch as tasks, each of which asks the kernel for the pages of later ones."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, TypeVar, final

from memmpy.loaders.batching import Window
from memmpy.loaders.pagecache.advice import Pager, Reading
from memmpy.loaders.pagecache.pages import Blocks
from memmpy.loaders.windows import Plan, num_on_way

__all__ = ["AHEAD_BYTES", "ReadAhead", "plan_parts"]

Part = TypeVar("Part")
Result = TypeVar("Result")

#: Bytes that are asked for ahead: enough for the disk always to have something to do.
AHEAD_BYTES = 32 << 20


def plan_parts(
    parts: Iterable[Part],
    do: Callable[[Part], Window],
    *,
    begin: int,
    blocks_of: Callable[[Part], Blocks],
    pager: Pager,
    reading: Reading,
    part_bytes: float,
    num_threads: int,
) -> Plan:
    """Return how the windows of an epoch are gathered part by part, in order.

    Parameters
    ----------
    parts : iterable
        The parts.
    do : callable
        Gathers a part; called in any thread.
    begin : int
        The position of the first.
    blocks_of, pager : callable, Pager
        As `ReadAhead` takes them.
    reading : Reading
        How the parts are read.
    part_bytes : float
        Bytes that a part reads, about.
    num_threads : int
        How many threads gather beside the caller's.
    """
    if not reading.is_ahead:
        return Plan((partial(do, part) for part in parts), begin)
    ahead = ReadAhead(
        pager,
        blocks_of,
        num_ahead=max(1, round(AHEAD_BYTES / max(1.0, part_bytes))),
        num_behind=num_on_way(num_threads) if reading.is_dropped else None,
    )
    return Plan(ahead.tasks(parts, do), begin, pager.reading_at_random())


@final
@dataclass(frozen=True, slots=True)
class ReadAhead(Generic[Part]):
    """How far ahead the kernel is asked for parts, and how far behind they are dropped.

    What they read should be `Pager.reading_at_random` meanwhile.

    Parameters
    ----------
    pager : Pager
        What speaks with the kernel.
    blocks_of : callable
        Returns the items of a part; called in any thread, several times for a part.
    num_ahead : int
        Number of parts, at least 1. Offsets of lists are asked for twice as far ahead.
    num_behind : int or None
        Number of parts: as many as are on their way at once, at least. None where nothing is
        dropped.
    """

    pager: Pager
    blocks_of: Callable[[Part], Blocks]
    num_ahead: int
    num_behind: int | None

    def tasks(
        self, parts: Iterable[Part], do: Callable[[Part], Result]
    ) -> Generator[Callable[[], Result], None, None]:
        """Yield what does the parts, in order: each asks for a later one, and drops an earlier one.

        Tasks may run in any thread.
        """
        waiting = iter(parts)
        soon: deque[Part] = deque()  # from the one to do to the last one asked for
        done: deque[Part] = deque()
        num_asked = 0  # of those in `soon` that are wholly asked for
        while True:
            told = list(islice(waiting, 2 * self.num_ahead + 1 - len(soon)))
            soon.extend(told)
            if not soon:
                return
            num_wanted = min(len(soon), self.num_ahead + 1)
            asked = list(islice(soon, num_asked, num_wanted))
            num_asked = num_wanted - 1
            part = soon.popleft()
            if self.num_behind is not None:
                done.append(part)
            is_left = self.num_behind is not None and len(done) > self.num_behind
            dropped = [done.popleft()] if is_left else []
            yield partial(self._do, part, do, told, asked, dropped)

    def _do(
        self,
        part: Part,
        do: Callable[[Part], Result],
        told: Sequence[Part],
        asked: Sequence[Part],
        dropped: Sequence[Part],
    ) -> Result:
        if self.pager.has_lists:
            for later in told:
                self.pager.ask_offsets(self.blocks_of(later))
        for later in asked:
            self.pager.ask(self.blocks_of(later))
        result = do(part)
        for earlier in dropped:
            self.pager.drop(self.blocks_of(earlier))
        return result
