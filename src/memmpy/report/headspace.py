"""`headspace`: measures whether a training waits for its loader."""

import math
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, final

import numpy as np

from memmpy.checks import is_number
from memmpy.display import Renderable, Table, format_rate, format_seconds, format_share
from memmpy.errors import OptionError, argument_hints
from memmpy.loaders import EpochIterable
from memmpy.parallel import num_cores
from memmpy.skims import Skim
from memmpy.splits import SplitLoader

__all__ = ["Headspace", "headspace"]

#: How often each part is measured, as other programs may disturb one of them.
_NUM_ROUNDS = 3
#: What a training may lose to loading, as a share of the step, before it counts.
_SLACK = 0.1
#: Below this many entries, the time for a batch matters beside the time for its entries.
_SMALL_BATCH = 1024


@argument_hints
@final
@dataclass(frozen=True, slots=True, repr=False)
class Headspace(Renderable):
    """What an epoch takes, in loading and in training. Prints as a table and a verdict.

    Attributes
    ----------
    num_batches : int
        Batches of an epoch.
    num_entries : int or None
        Entries of an epoch; None if the batches do not tell.
    loading_seconds : float
        Seconds of an epoch of the loader alone.
    step_seconds : float
        Seconds of an epoch of the step alone, on a batch that is loaded already.
    total_seconds : float
        Seconds of an epoch of both together.
    advice : tuple of str
        What may help; empty if loading is not the bottleneck.
    """

    num_batches: int
    num_entries: int | None
    loading_seconds: float
    step_seconds: float
    total_seconds: float
    advice: tuple[str, ...] = ()

    @property
    def waiting(self) -> float:
        """The share of an epoch that loading adds to the step alone, 0 to 1."""
        return max(0.0, 1 - self.step_seconds / self.total_seconds)

    @property
    def verdict(self) -> str:
        """Whether loading is the bottleneck, in one sentence, with what may help."""
        loading, step = format_seconds(self.loading_seconds), format_seconds(self.step_seconds)
        sentence = f"an epoch takes {loading} of loading and {step} of training"
        if not self.is_slowed:
            return f"{sentence}: loading is not your bottleneck"
        if self.loading_seconds >= self.step_seconds:
            sentence += ": loading is your bottleneck"
        else:
            both = format_seconds(self.total_seconds)
            sentence += f", but {both} of both together: loading slows the training down"
        return "; ".join([sentence, *self.advice])

    @property
    def is_slowed(self) -> bool:
        """Whether loading slows the training down, by more than a tenth."""
        least = (1 + _SLACK) * self.step_seconds
        return self.total_seconds > least and self.loading_seconds > _SLACK * self.step_seconds

    def to_dict(self) -> dict[str, Any]:
        """Return all of it by name."""
        return asdict(self) | {"waiting": self.waiting, "verdict": self.verdict}

    def _blocks(self) -> list[Table | str]:
        rows = [
            self._row("the loader alone", self.loading_seconds),
            self._row("the step alone", self.step_seconds),
            self._row("both together", self.total_seconds),
        ]
        table = Table(
            ("", "an epoch", "batches/s", "entries/s"),
            1,
            [rows],
            f"the step waits {format_share(self.waiting)} of the time",
        )
        return [table, self.verdict]

    def _row(self, name: str, seconds: float) -> tuple[str, ...]:
        batches = format_rate(self.num_batches / seconds)
        entries = "?" if self.num_entries is None else format_rate(self.num_entries / seconds)
        return name, format_seconds(seconds), batches, entries


@argument_hints
def headspace(loader: Any, step: Callable[[Any], object], *, seconds: float = 3.0) -> Headspace:
    """Measure whether a training waits for its loader.

    memmpy measures the loader alone, the step alone on one batch, and both together, three times
    in turn, and computes from the medians what a whole epoch takes. The first batch and the first
    calls of `step` do not count. A loader of memmpy, and what `to_torch` and `to_jax` return, stay
    where they are: this costs no epoch.

    Parameters
    ----------
    loader : SplitLoader, or iterable that has a length
        The batches, such as a loader, what `to_torch` returns, or a `DataLoader` of torch.
    step : callable
        Takes a batch, and does what a step of the training does. It does train the model.
    seconds : float, default 3
        How long to measure. It takes longer if a step or a batch takes longer than that, and for
        the first batch and the first step, which may be compiled.

    Returns
    -------
    Headspace
        Prints as a table, with a verdict in one sentence.

    Raises
    ------
    OptionError
        If the loader has no batches or no length, or `step` cannot be called. Errors of `step` and
        of the loader pass unchanged.

    Notes
    -----
    memmpy waits for the device at the end of each measurement: for CUDA if torch uses it, and for
    the arrays of JAX that `step` returns. So let the step return the loss and the new parameters if
    it uses JAX.

    Do not call it on several ranks that train together: they would make different numbers of steps,
    and wait for each other.

    Examples
    --------
    >>> import time
    >>> import numpy as np
    >>> loader = SplitLoader({"x": np.arange(1000.0)}, batch_size=100)
    >>> space = headspace(loader, lambda batch: time.sleep(0.01), seconds=0.3)
    >>> space.verdict.partition(": ")[2]
    'loading is not your bottleneck'
    """
    num_batches = _num_batches(loader)
    if not callable(step):
        raise OptionError(f"step must be a function that takes a batch, got {step!r:.200}")
    if not is_number(seconds) or not 0 < seconds < math.inf:
        raise OptionError(f"seconds must be a number above 0, got {seconds!r:.200}")
    with closing(_endless(loader, num_batches)) as batches:
        batch = next(batches)
    each = seconds / (3 * _NUM_ROUNDS)
    _seconds_of(lambda: step(batch), each)  # compiles it
    begin = time.perf_counter()
    rounds: list[tuple[float, ...]] = []
    while not rounds or (len(rounds) < _NUM_ROUNDS and time.perf_counter() - begin < seconds):
        rounds.append(_round(loader, step, batch, each))
    loading, alone, both = (float(value) * num_batches for value in np.median(rounds, axis=0))
    space = Headspace(
        num_batches,
        _num_entries(loader, batch, num_batches),
        loading_seconds=loading,
        step_seconds=alone,
        total_seconds=both,
    )
    return replace(space, advice=tuple(_advice(space, loader))) if space.is_slowed else space


def _num_batches(loader: Any) -> int:
    """Return the number of batches of an epoch."""
    try:
        num_batches = len(loader) if hasattr(loader, "__iter__") else None
    except TypeError:  # a DataLoader of a dataset without a length
        num_batches = None
    if num_batches is None:
        message = "headspace takes batches that have a length, such as data.loader('train')"
        raise OptionError(f"{message}, got {type(loader).__name__}")
    if not num_batches:
        raise OptionError(f"nothing to measure: the loader has no batches: {loader!r:.200}")
    return num_batches


def _round(
    loader: Any, step: Callable[[Any], object], batch: Any, seconds: float
) -> tuple[float, float, float]:
    """Return the seconds per batch of the loader alone, the step alone, and both together."""
    num_batches = len(loader)
    with closing(_endless(loader, num_batches)) as batches:
        _wait_for(next(batches))  # its threads have started by now
        loading = _seconds_of(lambda: next(batches), seconds)
    alone = _seconds_of(lambda: step(batch), seconds)
    with closing(_endless(loader, num_batches)) as batches:
        _wait_for(step(next(batches)))
        both = _seconds_of(lambda: step(next(batches)), seconds)
    return loading, alone, both


def _endless(loader: Any, num_batches: int) -> Generator[Any, None, None]:
    """Yield the batches of an epoch again and again, at best without the last one.

    The last batch may be shorter, and a step may compile again for it.
    """
    while True:
        is_ours = isinstance(loader, EpochIterable)
        one = loader.batches(loader.epoch) if is_ours else iter(loader)
        num = 0
        with closing(one) if isinstance(one, Generator) else nullcontext():
            for batch in islice(one, max(1, num_batches - 1)):
                num += 1
                yield batch
        if not num:
            message = f"the loader has a length of {num_batches:,}, but yields no batches"
            raise OptionError(f"{message}: give an iterable that begins again, not an iterator")


def _seconds_of(call: Callable[[], object], seconds: float) -> float:
    """Return the seconds of a call, on average over calls that take `seconds` in all.

    A device may work on many calls at once, so memmpy waits for it after 1, 2, 4, ... calls.
    """
    num, due, begin = 0, 1, time.perf_counter()
    while True:
        result = call()
        num += 1
        if num < due and time.perf_counter() - begin < seconds:
            continue
        _wait_for(result)
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            return elapsed / num
        due = 2 * num


def _wait_for(result: object) -> None:
    """Wait until the devices have computed what a call returned."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    if jax is not None:
        jax.block_until_ready(result)


def _num_entries(loader: Any, batch: Any, num_batches: int) -> int | None:
    """Return the entries of an epoch: those of the loader, or of as many batches as this one."""
    source = _source_of(loader)
    if source is not None:
        left_out = source.num_entries % source.batch_size if source.drop_last else 0
        return source.num_entries - left_out
    values = batch
    if isinstance(batch, Mapping):
        values = batch.get("_index", next(iter(batch.values()), None))
    elif isinstance(batch, tuple | list) and batch:
        values = batch[0]
    try:
        return len(values) * num_batches
    except TypeError:
        return None


def _source_of(loader: Any) -> SplitLoader | None:
    """Return the loader that the batches come from: this one, or that of a framework's loader."""
    source = getattr(loader, "loader", loader) if isinstance(loader, EpochIterable) else None
    return source if isinstance(source, SplitLoader) else None


def _advice(space: Headspace, loader: Any) -> Iterator[str]:
    """Yield what may help where loading slows a training down."""
    source = _source_of(loader)
    if source is None:
        yield "try more threads or workers that load ahead, a larger batch, or data in memory"
        return
    if source.num_threads and space.loading_seconds < space.step_seconds:
        yield "both share the processors: try fewer threads for the loader or for the step"
        return
    explanation = source.explain()
    plain = source.num_entries / max(1e-9, explanation.measured_rate)
    if loader is not source and 2 * plain < space.loading_seconds:
        yield f"{format_seconds(plain)} of it is loading, and the rest is {type(loader).__name__}"
        return
    if explanation.limit == "disk":
        yield (
            f"only {format_share(explanation.resident)} of the data is in memory: a skim of fewer "
            "keys or entries may fit"
        )
    num_helpers = num_cores() - 1
    ways = {
        "a skim of the keys that you train on": not isinstance(source.split_data.data, Skim),
        f"num_threads={num_helpers}": source.num_threads < num_helpers,
        f"a batch_size above {source.batch_size:,}": source.batch_size < _SMALL_BATCH,
    }
    if any(ways.values()):
        yield f"try {' or '.join(way for way, is_open in ways.items() if is_open)}"
