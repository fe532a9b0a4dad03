"""Writes the draft of a recipe for files: a TOML text that a user completes."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memmpy.display import format_count
from memmpy.errors import InputFileError, MemmpyError
from memmpy.pipeline.file_groups import FileGroup, group_files
from memmpy.pipeline.input_choice import InputChoice, choose_inputs, is_measured, total_of
from memmpy.sources import (
    BranchListing,
    Status,
    TreeListing,
    group_branches,
    list_file,
    types_in_words,
)

__all__ = ["draft_recipe"]

_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)
#: Names of processes that are probably the signal, which comes last.
_SIGNAL = re.compile(
    r"(?i:sig(?:nal)?(?:[_-].*)?|.*higgs.*|single_?top.*|.*zprime.*|.*susy.*)"
    r"|(?:gg|qq|bb|tt|t|[VWZ]|vbf|VBF|GluGlu(?:To)?)?H(?:H|to.*|To.*|_.*|M?\d.*|bb)?"
)
#: Groups of branches that are listed as comments.
_MAX_COMMENTS = 30
#: Characters of a line with a comment.
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class _Sample:
    """A group of files, and what its first file holds.

    `total` defines the sum of the weights of all generated events; empty if the file has none.
    """

    group: FileGroup
    tree: TreeListing
    total: str

    @property
    def branches(self) -> dict[tuple[str, object], BranchListing]:
        """The branches that memmpy can read, by name and type."""
        return {(b.name, b.type): b for b in self.tree.branches if b.type is not None}


def draft_recipe(
    patterns: Sequence[str], *, tree: str | None = None
) -> tuple[str, tuple[MemmpyError, ...]]:
    """Return the draft of a recipe for files, as a TOML text, and the errors of other files.

    memmpy guesses processes from the names of the files; and inputs, weights and event numbers from
    the names of the branches. Lines to check end in ``# EDIT``. It reads no entry, and looks at the
    first file of each process that can be read.

    Parameters
    ----------
    patterns : sequence of str
        Paths, patterns or URLs of files, as `convert` takes them.
    tree : str, optional
        The tree; by default that with the most branches.

    Raises
    ------
    MissingFileError, InputFileError
        If a file is missing, or no file can be read and has a tree.
    """
    samples, errors = list[_Sample](), list[MemmpyError]()
    for group in group_files(patterns):
        for file in group.files:
            try:
                samples.append(_look(group, file, tree))
                break
            except MemmpyError as error:
                errors.append(error)
    if not samples:
        raise errors[0]
    simulated = [sample for sample in samples if not sample.group.is_data] or samples
    shared, of_simulated = _shared(samples), _shared(simulated)
    names = {branch.name for branch in shared}
    process = "process" if "process" not in names else "sample"
    texts = [process, *(["year"] if samples[0].group.year and "year" not in names else [])]
    choice = choose_inputs(shared, texts, weighted=of_simulated)
    has_totals = choice.is_generator_weight and all(sample.total for sample in simulated)
    lines = _head(samples, errors)
    for sample in samples:
        lines += _files(sample, texts, choice.weight, has_totals=has_totals and sample in simulated)
    lines += _columns(shared, choice)
    lines += _splits(choice)
    lines += _training(choice, has_totals=has_totals, has_data=len(simulated) < len(samples))
    lines += _inputs(choice)
    lines += _labels(process, [sample.group.process for sample in simulated])
    return "\n".join([*lines, ""]), tuple(errors)


def _look(group: FileGroup, file: Status, tree: str | None) -> _Sample:
    """Return a group of files with the content of one of them."""
    listing = list_file(file, trees=[], like=[])
    trees = [one for one in listing.trees if not one.problem]
    if tree is not None:
        trees = list(list_file(file, trees=[tree], like=[]).trees)
    if not trees:
        problem = next((one.problem for one in listing.trees), "it has no tree at all")
        raise InputFileError(f"no tree of {file.path!r} can be read: {problem}")
    return _Sample(group, trees[0], total_of(listing))


def _shared(samples: Sequence[_Sample]) -> list[BranchListing]:
    """Return the branches that all samples have, of the same types."""
    others = [sample.branches for sample in samples[1:]]
    return [b for key, b in samples[0].branches.items() if all(key in own for own in others)]


def _head(samples: Sequence[_Sample], errors: Sequence[MemmpyError]) -> list[str]:
    num_files = format_count(sum(len(sample.group.files) for sample in samples), "file")
    return [
        f"# A recipe drafted from {num_files}. Check the lines with EDIT, then run",
        "#   memmpy train-set data.toml",
        '# or in Python: data = memmpy.training_set("data.toml")',
        *(f"# EDIT: leave this file out; {' '.join(str(error).split())}" for error in errors),
        "",
        'store = "data.mmpy"',
        "",
    ]


def _files(sample: _Sample, texts: Sequence[str], weight: str, *, has_totals: bool) -> list[str]:
    group = sample.group
    values: dict[str, str | float] = dict(zip(texts, (group.process, group.year), strict=False))
    hint = f"EDIT: {' and '.join(texts)}"
    if has_totals:
        values["xsec"] = 1.0
        hint = "EDIT: xsec is the cross section in pb"
    elif group.is_data and weight and weight not in {name for name, _ in sample.branches}:
        values[weight] = 1.0  # stands in for the branch that data lack
    metadata = ", ".join(f"{_key(name)} = {_value(value)}" for name, value in values.items())
    lines = []
    for path in group.paths:
        num_files = len(group.files) if len(group.paths) == 1 else 1
        lines += [
            "[[files]]",
            f"path = {_value(path)}{f'  # {num_files:,} files' if num_files > 1 else ''}",
            *([f"tree = {_value(sample.tree.name)}"] if sample.tree.name else []),
            f"metadata = {{ {metadata} }}  # {hint}",
            *([f"totals = {{ sum_w = {_value(sample.total)} }}"] if has_totals else []),
            "",
        ]
    return lines


def _columns(branches: Sequence[BranchListing], choice: InputChoice) -> list[str]:
    """Return the columns to convert: groups of branches as comments."""
    used = {*choice.numbers, *choice.event_columns, choice.weight}
    used = used.union(*(keys for keys, _ in choice.objects.values()))
    rest = [b for b in branches if b.name not in used and is_measured(b.name)]
    groups = [group_branches(rest)]
    # Many branches alone would hide the groups.
    groups.append([group for group in groups[0] if len(group.branches) > 1])
    shown = groups[len(groups[0]) > _MAX_COMMENTS][:_MAX_COMMENTS]
    rows = []
    for group in shown:
        names = [name for name in (group.counter, group.pattern) if name]
        types = types_in_words([b for b in group.branches if b.name != group.counter])
        num = len(group.branches)
        words = f"{num} branches: {types}" if num > 1 else types
        rows.append(("".join(f"{_value(name)}, " for name in names).rstrip(), words))
    width = min(34, max((len(keys) for keys, _ in rows), default=0))
    lines = [f"  # {keys.ljust(width)}  # {words}" for keys, words in rows]
    lines = [line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..." for line in lines]
    title = (
        "[convert]  # columns beside those of [training]: names and patterns; memmpy ls shows all"
    )
    return [title, "keys = [", *lines, "]", ""] if lines else []


def _splits(choice: InputChoice) -> list[str]:
    by = f"by = {_value(list(choice.event_columns))}"
    lines = _commented(by, "the columns that name an event")
    if not choice.event_columns:
        hint = 'EDIT: better the columns that name an event, as ["run", "event"]'
        lines = _commented('by = "file"', hint)
    return ["[splits]", *lines, "num_folds = 5", "val = 0.1", ""]


def _training(choice: InputChoice, *, has_totals: bool, has_data: bool) -> list[str]:
    lines = ["[training]"]
    if has_totals:
        weight = f"weight = {_value(f'{choice.weight} * xsec * 1000 / sum_w')}"
        lines += _commented(weight, "EDIT: 1000 is the luminosity in 1/pb")
    elif choice.weight:
        hint = "the weight of an event"
        if choice.is_generator_weight:
            hint = "the files have no sum of it over all generated events"
        lines += _commented(f"weight = {_value(choice.weight)}", f"EDIT: {hint}")
    numbers = [*choice.numbers, *(f"{keys[0]}[0]" for keys, _ in choice.objects.values())]
    if numbers:
        lines.append(f"# cut = {_value(f'{numbers[0]} > 0')}")
    if choice.event_columns:
        lines.append(f"spectators = {_value([choice.event_columns[-1]])}")
    if has_data:
        lines.append('others = "drop"  # events without a class, such as data')
    return [*lines, 'normalise = "equal"  # each class weighs the same', 'scale = "standard"', ""]


def _inputs(choice: InputChoice) -> list[str]:
    lines = ["[training.inputs]  # EDIT: numbers of an event, and lists of objects"]
    if choice.numbers or not choice.objects:
        hint = "" if choice.numbers else "  # EDIT: name branches, which memmpy ls shows"
        lines.append(f"kinematics = {_value(list(choice.numbers))}{hint}")
    for name, (keys, length) in choice.objects.items():
        lines.append(f"{name} = {{ keys = {_value(list(keys))}, length = {length} }}")
    return [*lines, ""]


def _labels(process: str, processes: Iterable[str]) -> list[str]:
    classes = sorted(dict.fromkeys(processes), key=lambda one: _SIGNAL.fullmatch(one) is not None)
    hint = "the cut of each class" if len(classes) > 1 else "add a class, a training needs two"
    lines = [f"[training.labels]  # EDIT: {hint}; the signal comes last"]
    for name in classes:
        cut = f"{process} == '{name}'"
        lines.append(f"{_key(name)} = {_value(cut)}")
    return lines


def _commented(line: str, comment: str) -> list[str]:
    """Return a line with a comment, which stands above it if both are too long."""
    both = f"{line}  # {comment}"
    return [both] if len(both) <= _WIDTH else [f"# {comment}:", line]


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: str | float | Sequence[str]) -> str:
    """Return a value as TOML, whose texts and lists are those of JSON."""
    return json.dumps(value, ensure_ascii=False)
