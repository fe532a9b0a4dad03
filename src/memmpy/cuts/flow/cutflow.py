"""Counts the entries that pass each step of a cut, and sums their weights, by group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from memmpy.checks import check_integer
from memmpy.columns import Snapshot, open_columns
from memmpy.cuts.compute import check_stored, columns_used
from memmpy.cuts.evaluation import Program, to_program
from memmpy.cuts.flow.cutflow_result import CutFlow
from memmpy.cuts.flow.grouped_entries import GroupOptions, GroupTotals, plan_groups
from memmpy.cuts.flow.groups import check_known, labels_of, split_signal
from memmpy.cuts.flow.step_counts import add_steps, count_range, passing_steps
from memmpy.cuts.inputs import STEP_SIZE, Inputs
from memmpy.cuts.language import (
    Constant,
    Logical,
    Node,
    is_condition,
    keys_of,
    logical,
    parse,
    substitute,
    unary,
)
from memmpy.errors import OptionError, argument_hints
from memmpy.parallel import check_threads
from memmpy.store import read_metadata
from memmpy.typing import PathLike

__all__ = ["FlowPlan", "count_steps", "cutflow", "plan_flow"]


@argument_hints
def cutflow(
    path: PathLike,
    cuts: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    weight: str | None = None,
    signal: str | Sequence[str] | None = None,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    step_size: int = STEP_SIZE,
    num_threads: int | None = None,
) -> CutFlow:
    """Count the entries of a store that pass each step of a cut, and sum their weights, by group.

    memmpy counts all steps in one pass over the columns. The result is the same to the last bit for
    any `step_size` and `num_threads`. It is not cached.

    Parameters
    ----------
    path : path-like
        The store.
    cuts : sequence of str, or str
        The steps: cuts, as for `compute_cut_batched`. An entry passes a step if it passes this cut
        and all cuts before it. memmpy splits a single text at ``&&``, and at chains such as
        ``20 < met < 50``. Each step is then the text from its start up to there, so that conditions
        on a list apply to the same element. An alias stays one step.
    by : str or sequence of str, optional
        One or several columns to group by, such as ``"process"``: metadata, text, integers or
        booleans, with at most 1,000 groups. Texts keep the order of the store; numbers ascend.
        Groups of metadata are in the table even if they have no entry.
    weight : str, optional
        An expression with one number per entry: ``"weight"``, ``"weight * lumi"``. By default each
        weight is 1.
    signal : str or sequence of str, optional
        The groups that are the signal, such as ``"ttH"``. The table then has S/B and S/√B, where
        the background is all other groups but ``data``.
    aliases : mapping of str to str, optional
        Names for expressions, in the cuts and in the weight.
    constants : mapping of str to bool, number or str, optional
        Names for values, in the cuts and in the weight.
    step_size : int
        The maximum number of entries to evaluate at a time.
    num_threads : int, optional
        Threads that evaluate, beside the thread of the caller. By default one less than the cores
        that this process may use, but 1 to 7.

    Returns
    -------
    CutFlow
        Counts, sums of weights and their statistical errors, by step and group.

    Raises
    ------
    CutError
        If memmpy cannot read a cut or the weight, or the store lacks a key of it; if the weight is
        a list, or an entry has no weight.
    MissingKeyError
        If the store lacks a column to group by.
    OptionError
        If memmpy cannot group by a column, there are too many groups, or none of them is the
        signal.
    LengthError
        If the columns differ in length.
    MissingFileError, CorruptStoreError
        If there is no such store, or it is damaged.

    Warns
    -----
    CutWarning
        See `compute_cut_batched`. Also if weights are NaN or infinite: then the sums of their
        groups are NaN or infinite, too.

    Examples
    --------
    >>> flow = cutflow(
    ...     "data.mmpy", ["nJets >= 6", "nBTags_77 >= 2"], by="process", weight="weight"
    ... )
    >>> print(flow)
    """
    plan = plan_flow(
        cuts, by=by, weight=weight, signal=signal, aliases=aliases, constants=constants
    )
    metadata = read_metadata(path)
    known = metadata.current_keys()
    for node in plan.nodes:
        check_stored(node, known, path=path, metadata=metadata)
    by_columns = plan.options.by_columns
    check_known(by_columns, known, path=path, metadata=metadata)
    used = {key for node in plan.nodes for key in columns_used(node, metadata)}
    snapshot = open_columns(path, sorted(used.union(by_columns)) or None)
    return count_steps(snapshot, plan, step_size=step_size, num_threads=num_threads)


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """A cut-flow to count: its steps, groups and weight.

    Attributes
    ----------
    labels : tuple of str
        The steps as the user wrote them.
    cuts : tuple of Node
        The same, with aliases and constants put in.
    options : GroupOptions
        The columns to group by, and the weight.
    is_one_cut : bool
        Whether the steps are the conditions of one cut, and so of the same elements.
    signal : str or sequence of str, optional
        The groups that are the signal.
    """

    labels: tuple[str, ...]
    cuts: tuple[Node, ...]
    options: GroupOptions
    is_one_cut: bool
    signal: str | Sequence[str] | None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The cuts and the weight."""
        return (*self.cuts, *self.options.nodes)

    @property
    def keys(self) -> frozenset[str]:
        """The columns that are read."""
        return self.options.keys.union(*map(keys_of, self.cuts))


def plan_flow(
    cuts: str | Sequence[str],
    *,
    by: str | Sequence[str] | None,
    weight: str | None,
    signal: str | Sequence[str] | None,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
) -> FlowPlan:
    """Return the plan of a cut-flow, with aliases and constants put in."""
    options = GroupOptions(by, None, weight, aliases, constants)
    if isinstance(cuts, str):
        parsed = parse(cuts)
        parts = parsed.operands if _is_and(parsed) else (parsed,)
        # A label is shown whole, unlike a place in an error.
        labels = [part.span.text[part.span.start : part.span.stop] for part in parts]
        nodes = [substitute(part, aliases=aliases, constants=constants) for part in parts]
    elif isinstance(cuts, list | tuple):
        nodes = [options.read(cut) for cut in cuts]
        labels = list(cuts)
    else:
        raise OptionError(f"cuts is a list of cuts such as ['nJets >= 6'], not {cuts!r}")
    if signal is not None and not options.by_columns:
        raise OptionError(f"the signal {signal!r} is a group; give the columns to group by (by=)")
    return FlowPlan(tuple(labels), tuple(nodes), options, isinstance(cuts, str), signal)


def _is_and(node: Node) -> bool:
    return isinstance(node, Logical) and node.operator == "&&"


def count_steps(
    snapshot: Snapshot, plan: FlowPlan, *, step_size: int, num_threads: int | None
) -> CutFlow:
    """Return the cut-flow of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        All columns of the plan are open in it.
    plan : FlowPlan
        The steps, groups and weight to count.
    step_size, num_threads
        See `cutflow`.
    """
    check_integer("step_size", step_size, minimum=1)
    threads = check_threads(num_threads)
    grouping = plan_groups(snapshot, plan.cuts, keys=(), options=plan.options)
    cuts = grouping.programs
    if plan.is_one_cut:
        cuts = _of_same_elements(cuts, grouping.inputs)
    num_steps, weight = 1 + len(cuts), plan.options.weight_node
    totals = GroupTotals(np.zeros((3, num_steps)), grouping)
    work = partial(count_range, grouping, cuts)
    for steps in grouping.inputs.map(work, step_size=step_size, num_threads=threads):
        add_steps(totals, steps)
    totals.warn()
    in_order = totals.in_order()
    counts, sums, squares = passing_steps([*in_order.values()], num_steps)
    signal, background = split_signal(plan.signal, [*in_order])
    return CutFlow(
        steps=("all", *plan.labels),
        groups=labels_of([*in_order]),
        counts=counts.astype(np.int64),
        sums=counts if weight is None else sums,
        errors=np.sqrt(counts if weight is None else squares),
        by=grouping.by,
        weight=None if weight is None else weight.span.text,
        signal=signal,
        background=background,
    )


def _of_same_elements(cuts: Sequence[Program], inputs: Inputs) -> list[Program]:
    """Return the conditions of a cut; one on elements is joined to all such before it."""
    of_elements: list[Node] = []
    result: list[Program] = []
    for cut in cuts:
        values = cut(inputs.slices(0, 0))
        if values.offsets is None and values.content.ndim <= 1:
            node = cut.node
        else:
            of_elements.append(cut.node)
            node = logical("&&", of_elements, cut.node.span) if len(of_elements) > 1 else cut.node
        if len(cuts) > 1 and not is_condition(node):
            # NaN is true for &&, and false as a cut of its own.
            node = unary("!", unary("!", node, node.span), node.span)
        result.append(replace(to_program(node), compiled=cut.compiled))
    return result
