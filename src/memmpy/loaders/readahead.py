"""Read-ahead: tasks that gather parts of an epoch, and advise the OS on the pages of others."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar, final

from memmpy.loaders.chunk import EntryChunk
from memmpy.loaders.pagecache.advice import MappedData
from memmpy.loaders.pagecache.pages import Blocks

__all__ = ["AHEAD_BYTES", "EpochPlan", "GatherTask", "PartGatherer", "ReadAhead"]

Part = TypeVar("Part")
Part_contra = TypeVar("Part_contra", contravariant=True)

#: Gathers a chunk; called in any thread.
GatherTask: TypeAlias = Callable[[], EntryChunk]

#: Bytes that are read ahead: enough for the disk always to have something to do.
AHEAD_BYTES = 32 << 20


class EpochPlan(NamedTuple):
    """How the chunks of an epoch are gathered.

    Attributes
    ----------
    tasks : iterator of callables
        Gather the chunks, in order.
    begin : int
        The position of the first entry.
    meanwhile : context manager
        Entered for the whole epoch. After its end, nobody waits for tasks that still run.
    """

    tasks: Iterator[GatherTask]
    begin: int
    meanwhile: AbstractContextManager[None] = nullcontext()


class PartGatherer(Protocol[Part_contra]):
    """Gathers parts of an epoch, such as requests, in any thread."""

    @property
    def mapped(self) -> MappedData:
        """The files of the data."""
        ...

    def blocks(self, part: Part_contra, /) -> Blocks:
        """Return the entries that a part reads; called several times for a part."""
        ...

    def gather(self, part: Part_contra, /) -> EntryChunk:
        """Return the entries of a part."""
        ...


@final
@dataclass(frozen=True, slots=True)
class ReadAhead(Generic[Part]):
    """How many parts ahead pages are read, and how many parts behind they are dropped.

    The files should be under `MappedData.random_access` meanwhile.

    Parameters
    ----------
    gatherer : PartGatherer
        Gathers the parts.
    num_ahead : int
        Number of parts, at least 1. Offsets of lists are read twice as far ahead.
    num_behind : int or None
        Number of parts: at least as many as are gathered at once. None to drop nothing.
    """

    gatherer: PartGatherer[Part]
    num_ahead: int
    num_behind: int | None

    def tasks(self, parts: Iterable[Part]) -> Generator[GatherTask, None, None]:
        """Yield tasks that gather the parts, in order; each may run in any thread."""
        rest = iter(parts)
        upcoming: deque[Part] = deque()  # from the next one to the last one that is known
        behind: deque[Part] = deque()
        num_prefetched = 0  # of those in `upcoming`
        while True:
            new = list(islice(rest, 2 * self.num_ahead + 1 - len(upcoming)))
            upcoming.extend(new)
            if not upcoming:
                return
            num_wanted = min(len(upcoming), self.num_ahead + 1)
            later = list(islice(upcoming, num_prefetched, num_wanted))
            num_prefetched = num_wanted - 1
            part = upcoming.popleft()
            if self.num_behind is not None:
                behind.append(part)
            is_over = self.num_behind is not None and len(behind) > self.num_behind
            earlier = behind.popleft() if is_over else None
            yield partial(self._gather, part, new=new, later=later, earlier=earlier)

    def _gather(
        self, part: Part, *, new: Sequence[Part], later: Sequence[Part], earlier: Part | None
    ) -> EntryChunk:
        """Gather a part; prefetch the offsets of new parts and all of later ones; drop another."""
        gatherer, mapped = self.gatherer, self.gatherer.mapped
        if mapped.has_lists:
            for one in new:
                mapped.prefetch_offsets(gatherer.blocks(one))
        for one in later:
            mapped.prefetch(gatherer.blocks(one))
        chunk = gatherer.gather(part)
        if earlier is not None:
            mapped.drop(gatherer.blocks(earlier))
        return chunk
