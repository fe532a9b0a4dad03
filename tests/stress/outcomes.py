"""What came of trials: counted for a table, and each distinct fault once."""

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["FAULTS", "VERDICTS", "Outcome", "Tally", "Verdict", "worst"]


class Verdict(enum.Enum):
    """What a trial showed; the worst comes last."""

    RIGHT = "right"
    CLEAR_ERROR = "clear error"
    #: Values differ, and nothing but `verify` says so.
    VERIFY = "verify"
    LEFTOVERS = "leftovers"
    RAW_ERROR = "raw error"
    NOT_AGAIN = "fails again"
    HANG = "hang"
    SIGNAL = "signal"
    WRONG = "wrong"
    LOST = "lost"


#: Verdicts that must not be.
FAULTS = tuple(Verdict)[3:]
#: Of the ways in which a child ends.
VERDICTS = {
    "value": Verdict.RIGHT,
    "error": Verdict.CLEAR_ERROR,
    "raw": Verdict.RAW_ERROR,
    "signal": Verdict.SIGNAL,
    "hang": Verdict.HANG,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one trial showed.

    Parameters
    ----------
    verdict : Verdict
        In one word.
    what : str
        The error, or what is wrong.
    place : str
        Where in memmpy, if an error told it.
    """

    verdict: Verdict
    what: str = ""
    place: str = ""


def worst(*outcomes: Outcome) -> Outcome:
    """Return the outcome with the worst verdict."""
    return max(outcomes, key=lambda outcome: tuple(Verdict).index(outcome.verdict))


@dataclass
class Fault:
    """Outcomes that are alike: of one verdict, at one place.

    Parameters
    ----------
    num : int
        How many trials showed it.
    rows : Counter of str
        In which rows of the table.
    example : str
        What the first of them was.
    """

    example: str
    num: int = 0
    rows: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """Counts outcomes by row of a table, and faults by what is alike in them."""

    rows: dict[str, Counter[Verdict]] = field(default_factory=dict)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def add(self, row: str, cause: str, outcome: Outcome) -> None:
        """Count an outcome.

        Parameters
        ----------
        row : str
            The row of the table: an operation, a document, ...
        cause : str
            What was done: the call that failed, the byte that was flipped, ...
        outcome : Outcome
            What came of it.
        """
        self.rows.setdefault(row, Counter())[outcome.verdict] += 1
        if outcome.verdict in FAULTS:
            kind = (outcome.verdict.value, outcome.place or outcome.what)
            fault = self.faults.setdefault(kind, Fault(f"{cause}: {outcome.what}"))
            fault.num += 1
            fault.rows[row] += 1

    @property
    def num_faults(self) -> int:
        """How many trials showed what must not be."""
        return sum(fault.num for fault in self.faults.values())

    def table(self) -> str:
        """Return the counts as a table, with their sums."""
        names = ["", "trials", *(verdict.value for verdict in Verdict)]
        lines = [self._line(row, counts) for row, counts in self.rows.items()]
        total = Counter[Verdict]()
        for counts in self.rows.values():
            total.update(counts)
        return _aligned([names, *lines, self._line("all", total)])

    def report(self) -> str:
        """Return the faults, the most frequent first, each with an example."""
        faults = sorted(self.faults.items(), key=lambda item: -item[1].num)
        return "\n".join(
            f"{fault.num:6,} x {verdict} at {place}\n"
            f"         in {', '.join(f'{row} ({num})' for row, num in fault.rows.most_common())}\n"
            f"         {fault.example}"
            for (verdict, place), fault in faults
        )

    @staticmethod
    def _line(row: str, counts: Counter[Verdict]) -> list[str]:
        numbers = [counts.total(), *(counts[verdict] for verdict in Verdict)]
        return [row, *(f"{number:,}" for number in numbers)]


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )
