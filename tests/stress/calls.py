"""Operations in which one call of the operating system goes wrong, and the store after that."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.stress.children import End, run, run_each
from tests.stress.operations import OPERATIONS, Place, clean, leftovers, state, whole
from tests.stress.outcomes import VERDICTS, Outcome, Verdict, worst
from tests.stress.shim import CHANGES, ERRORS, Kind, Mode, Shim

__all__ = ["Fault", "Trials", "failures", "in_turns", "kills"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Which call goes wrong, and how.

    Parameters
    ----------
    kind : Kind
        Of the call.
    number : int
        Which call of that kind, from 1.
    mode : Mode
        What happens to it.
    error : int
        The errno of a call that fails.
    lasts : bool
        Whether all calls of the kind after it go wrong, too.
    """

    kind: Kind
    number: int
    mode: Mode
    error: int = 0
    lasts: bool = False

    def __str__(self) -> str:
        error = f" with {os.strerror(self.error)!r}" if self.error else ""
        which = f"{self.kind.name.lower()} {self.number}{' and later' if self.lasts else ''}"
        return f"{self.mode.name.lower()}{error} at {which}"


def kills(counts: dict[Kind, int]) -> Iterator[Fault]:
    """Yield a kill before each call that changes the disk, and one in the middle of each write."""
    for kind in CHANGES:
        for number in range(1, counts[kind] + 1):
            yield Fault(kind, number, Mode.DIE)
            if kind is Kind.WRITE:
                yield Fault(kind, number, Mode.TEAR)


def failures(counts: dict[Kind, int]) -> Iterator[Fault]:
    """Yield each error of each call, once and from there on, and short reads and writes."""
    for kind, errors in ERRORS.items():
        for number in range(1, counts[kind] + 1):
            for error in errors:
                yield Fault(kind, number, Mode.FAIL, error)
                yield Fault(kind, number, Mode.FAIL, error, lasts=True)
            if kind in {Kind.READ, Kind.WRITE}:
                yield Fault(kind, number, Mode.HALVE)
                yield Fault(kind, number, Mode.HALVE, lasts=True)


def in_turns(
    trials: "Trials",
    make: Callable[[dict[Kind, int]], Iterator[Fault]],
    generator: random.Random,
) -> Iterator[tuple[str, Fault]]:
    """Yield all faults of all operations in a random order, of each kind of call one in turn.

    Operations look at files far more often than they rename one.
    """
    groups: dict[tuple[str, Kind], list[Fault]] = {}
    for name, reference in trials.references.items():
        for fault in make(reference.counts):
            groups.setdefault((name, fault.kind), []).append(fault)
    for group in groups.values():
        generator.shuffle(group)
    while groups:
        for name, kind in generator.sample(list(groups), len(groups)):
            yield name, groups[name, kind].pop()
        groups = {key: group for key, group in groups.items() if group}


@dataclass(frozen=True, slots=True)
class Reference:
    """What an operation does where nothing goes wrong.

    Parameters
    ----------
    value : object
        What the user sees of it.
    before, after : mapping
        The store, as `state` gives it.
    files : Counter of str
        The files after it and after `memmpy.clean`.
    counts : mapping of Kind to int
        How many calls it makes.
    """

    value: Any
    before: dict[str, str]
    after: dict[str, str]
    files: Counter[str]
    counts: dict[Kind, int]


class Trials:
    """Operations with one fault each.

    Parameters
    ----------
    place : Place
        Where they happen; faults reach its input files, too.
    shim : Shim
        Makes the faults.
    """

    def __init__(self, place: Place, shim: Shim) -> None:
        self._place, self._shim = place, shim
        for _ in range(2):  # the first time imports and compiles
            self.references = {name: self._reference(name) for name in OPERATIONS}

    def run(self, name: str, fault: Fault) -> tuple[str, Outcome]:
        """Return the call of an operation that went wrong, and what came of it."""
        self._place.reset(is_empty=OPERATIONS[name].makes_store)

        def act() -> object:
            last = 1 << 60 if fault.lasts else fault.number
            self._shim.arm(
                fault.mode, (fault.kind,), first=fault.number, last=last, error=fault.error
            )
            return OPERATIONS[name].run(self._place)

        end = run(act, log=self._place.log)
        self._shim.disarm()
        where = self._shim.where
        steps: dict[Verdict, Callable[[], Outcome]] = {
            Verdict.LOST: lambda: self._look(name, is_done=end.how == "value"),
            Verdict.NOT_AGAIN: lambda: self._again(name),
            Verdict.LEFTOVERS: lambda: self._clean(name),
        }
        outcomes = [self._ended(name, end, is_killed=bool(where))]
        ends = run_each(steps.values(), lambda step: step(), log=self._place.log)
        for verdict, after in zip(steps, ends, strict=True):
            outcome = after.value
            if after.how != "value":
                outcome = Outcome(verdict, f"{after.how}: {after.text}", after.place)
            outcomes.append(outcome)
        return where, worst(*outcomes)

    def _reference(self, name: str) -> Reference:
        place, operation = self._place, OPERATIONS[name]
        place.reset(is_empty=operation.makes_store)
        before = state(place)
        self._shim.arm(Mode.NOTHING, tuple(Kind), first=0, last=0)
        value = operation.run(place)
        self._shim.disarm()
        counts = self._shim.counts
        after = state(place)
        assert not whole(place)
        clean(place)
        return Reference(value, before, after, leftovers(place), counts)

    def _ended(self, name: str, end: End, *, is_killed: bool) -> Outcome:
        """Judge how an operation ended."""
        if end.how == "value" and end.value != self.references[name].value:
            return Outcome(Verdict.WRONG, "it returned another value, and no error")
        if end.how == "signal" and end.text == "SIGKILL" and is_killed:
            return Outcome(Verdict.RIGHT)
        return Outcome(VERDICTS[end.how], end.text, end.place)

    def _look(self, name: str, *, is_done: bool) -> Outcome:
        """Judge the store after an operation."""
        place, reference = self._place, self.references[name]
        now = state(place)
        for part in sorted({*now, *reference.before, *reference.after}):
            if now.get(part) not in {reference.before.get(part), reference.after.get(part)}:
                return Outcome(Verdict.LOST, f"{part!r} is neither the old nor the new one")
        if problems := whole(place):
            return Outcome(Verdict.LOST, f"verify: {problems[0]}")
        if is_done and now != reference.after:
            return Outcome(Verdict.WRONG, "it returned, and the store is the old one")
        return Outcome(Verdict.RIGHT)

    def _again(self, name: str) -> Outcome:
        """Judge whether the operation goes through now."""
        place, reference = self._place, self.references[name]
        value = OPERATIONS[name].run(place)
        if value != reference.value or state(place) != reference.after:
            return Outcome(Verdict.NOT_AGAIN, "the second time it gives something else")
        return Outcome(Verdict.RIGHT)

    def _clean(self, name: str) -> Outcome:
        """Judge what lies on the disk in the end."""
        clean(self._place)
        files, expected = leftovers(self._place), self.references[name].files
        more, less = sorted((files - expected).elements()), sorted((expected - files).elements())
        if more:
            return Outcome(Verdict.LEFTOVERS, f"{more} stay", " ".join(more))
        less = [file for file in less if "/cuts/" not in file]  # they are computed again
        return Outcome(Verdict.LOST, f"{less} are gone") if less else Outcome(Verdict.RIGHT)
