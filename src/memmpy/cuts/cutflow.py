"""How many entries each step of a cut leaves, by process."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memmpy.columns import open_columns
from memmpy.cuts.compute import STEP_SIZE, read_cut, select
from memmpy.cuts.expression import parse
from memmpy.cuts.substitute import Constant
from memmpy.cuts.tree import Logical
from memmpy.errors import ColumnError
from memmpy.typing import Entries, PathLike

__all__ = ["FlowStep", "count_flow"]


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What is left after one step of a cut.

    Parameters
    ----------
    label : str
        The step, as the user wrote it.
    counts : mapping of str to int
        Entries that are left, by text of the column that was asked for.
    """

    label: str
    counts: Mapping[str, int]


def count_flow(
    path: PathLike,
    expression: str | None,
    *,
    by: str,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
) -> list[FlowStep]:
    """Return the entries that are left before a cut and after each of its conditions in turn.

    Parameters
    ----------
    path : path-like
        The store.
    expression : str or None
        The cut; None for no step at all. Its steps are what its outermost ``&&`` joins, in the
        order they are written.
    by : str
        A metadata column, such as ``"process"``.
    aliases, constants : mapping, optional
        As `compute_cut_batched` takes them.
    """
    snapshot = open_columns(path, None)
    texts = snapshot.texts(by) if by in snapshot.columns else None
    if texts is None:
        message = f"count by a name of the metadata: {by!r} of {os.fspath(path)!r} is none"
        raise ColumnError(message)
    hashed = np.asarray(snapshot.columns[by])
    found = _counts(hashed, None, texts)
    # An old store does not say whose texts are whose: its column tells.
    texts = {number: text for number, text in texts.items() if found[text]} or texts
    flow = [FlowStep("all", {text: found[text] for text in texts.values()})]
    labels = [] if expression is None else _steps(expression)
    for i, label in enumerate(labels, start=1):
        part = " && ".join(f"({label})" for label in labels[:i])
        cut = read_cut(part, aliases=aliases, constants=constants)
        selection = select(snapshot, cut, stored_as={}, step_size=STEP_SIZE, recreate=False)
        flow.append(FlowStep(label, _counts(hashed, selection, texts)))
    return flow


def _steps(expression: str) -> list[str]:
    cut = parse(expression)
    steps = cut.operands if isinstance(cut, Logical) and cut.operator == "&&" else (cut,)
    return [expression[step.span.start : step.span.stop] for step in steps]


def _counts(
    hashed: np.ndarray[tuple[int, ...], np.dtype[np.uint64]],
    selection: Entries | None,
    texts: Mapping[int, str],
) -> dict[str, int]:
    counts = dict.fromkeys(texts, 0)
    for start in range(0, len(hashed if selection is None else selection), STEP_SIZE):
        step = slice(start, start + STEP_SIZE)
        values = hashed[step] if selection is None else hashed[selection[step]]
        for number, count in zip(*np.unique(values, return_counts=True), strict=True):
            counts[int(number)] += int(count)
    return {texts[number]: count for number, count in counts.items()}
