"""Guesses which branches are inputs, weights and event numbers, by their names and types."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from memmpy.sources import BranchListing, FileListing
from memmpy.splits import find_naming

__all__ = ["InputChoice", "choose_inputs", "is_measured", "total_of"]

#: Names of what a detector does not measure, or what a network must not learn from.
_NOT_MEASURED = re.compile(
    r"(?i)(?:n?(?:sub)?gen|n?lhe|htxs|mc|\w*truth|true|pileup|n?psweight|born|hardscatter"
    r"|hlt|l1|flag|x?trig|pass)|.*(?:weight|wgt|scale_?factor|xsec|stamp|error)"
)
#: Last parts of the names of numbers that count events, runs and the like.
_COUNTS = re.compile(
    r"(?i)(?:sub)?run(?:number)?|evt(?:num(?:ber)?)?|event(?:number|id)?|(?:mc)?channelnumber"
    r"|lumi(?:block|nosityblock)?|ls|bcid|bx|bunchcrossing|orbit\w*|entry|index|\w*hash|\w*fold"
    r"|id|pdgid|dsid|is\w+|has\w+|\w*flags?\w*|\w*type|process\w*|year|mcchannelnumber"
)
#: Names of numbers that most analyses use, the best first.
_USUAL_NUMBERS = (
    r"(?:met|missinget)(?:[_.]?(?:pt|et|px|py))?",
    r"(?:met|missinget)[_.]?phi|puppimet[_.]pt",
    r"[hs]t|meff|sumet|n_?b?_?(?:jets?|tags?|btags?)\w*",
    r"m\w?\w?|mass|\w*(?:npvs?(?:good)?|nvtx|primaryvert(?:ex|ices)|interactionspercrossing)",
)
#: Parts of the names of lists to the name of an input, the best first.
_COLLECTIONS = {
    "jets": r"(?:analysis)?(?:jets?|jet_?ak4)(?:auxdyn)?",
    "muons": r"(?:analysis)?(?:mu|muons?)(?:auxdyn)?",
    "electrons": r"(?:analysis)?(?:el|ele|electrons?)(?:auxdyn)?",
}
#: Parts of names that are values of an object, in alternatives: the first that are there.
_VALUES = (("pt",), ("eta",), ("phi",), ("mass", "m", "e", "energy"))
_CARTESIAN = (("px",), ("py",), ("pz",), ("e", "energy"))
_TAG = re.compile(r"(?i)btag\w*")
#: Objects to keep of an event.
_LENGTHS = {"jets": 8}
_LENGTH = 4
_MAX_NUMBERS, _MIN_NUMBERS = 8, 4

#: Names of the weight of a generated event, which has a sum before all cuts; and of any weight.
_GENERATOR_WEIGHTS = r"genweight|eventinfoauxdyn\.mceventweights|weight_mc|mc_?(?:event_?)?weights?"
_WEIGHTS = r"event_?weight|evt_?w(?:eigh)?t|weight|wgt|weights"
_NAME = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class InputChoice:
    """The branches of a training set.

    Parameters
    ----------
    numbers : tuple of str
        Inputs of one number an event, as expressions.
    objects : mapping of str to (tuple of str, int)
        Inputs of lists: their keys, and the length to pad to.
    event_columns : tuple of str
        The columns that name an event, the event number last; empty if there are none.
    weight : str
        The weight, as an expression; empty without one.
    is_generator_weight : bool
        Whether the weight is the one of the generator.
    """

    numbers: tuple[str, ...] = ()
    objects: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    event_columns: tuple[str, ...] = ()
    weight: str = ""
    is_generator_weight: bool = False


def choose_inputs(
    branches: Sequence[BranchListing], texts: Sequence[str], *, weighted: Sequence[BranchListing]
) -> InputChoice:
    """Return the branches of a training set.

    Parameters
    ----------
    branches : sequence of BranchListing
        The branches that all files have.
    texts : sequence of str
        The names of texts of the metadata, such as ``process``.
    weighted : sequence of BranchListing
        The branches that all simulated files have.
    """
    objects = _choose_objects(branches)
    weight, is_generator_weight = _choose_weight(weighted)
    return InputChoice(
        _choose_numbers(branches, objects),
        objects,
        _choose_event_columns(branches, texts),
        weight,
        is_generator_weight,
    )


def is_measured(name: str) -> bool:
    """Return whether a branch is, by its name, not about the generator, triggers or weights."""
    return _NOT_MEASURED.match(name) is None


def total_of(listing: FileListing) -> str:
    """Return the total of the weights of all generated events; empty if the file has none."""
    for tree in listing.trees:
        for branch in tree.branches:
            if branch.type is None:
                continue
            if branch.name in {"genEventSumw", "genEventSumw_"}:
                return f"{tree.name}:{branch.name}"
            if "CutBookkeepers" in branch.name and branch.name.endswith("sumOfEventWeights"):
                return f"{tree.name}:{_expression(branch.name)}[0]"
    for one in listing.objects:
        if one.kind.startswith("TH1") and one.name.rpartition("/")[2].startswith("CutBookkeeper"):
            return f"{one.name}[2]"
    return ""


def _choose_weight(branches: Sequence[BranchListing]) -> tuple[str, bool]:
    """Return the weight of an event as an expression, and whether it is that of the generator."""
    for pattern, is_generator_weight in ((_GENERATOR_WEIGHTS, True), (_WEIGHTS, False)):
        for branch in branches:
            if not re.fullmatch(pattern, branch.name, re.IGNORECASE):
                continue
            if _is_number(branch, "f"):
                return _expression(branch.name), is_generator_weight
            if _is_list(branch):
                return f"{_expression(branch.name)}[0]", is_generator_weight
    return "", False


def _choose_numbers(
    branches: Sequence[BranchListing], objects: Mapping[str, tuple[tuple[str, ...], int]]
) -> tuple[str, ...]:
    stems = [re.split(r"[_.]", keys[0])[0].casefold() for keys, _ in objects.values()]
    counters = [f"n{stem}{end}" for stem in stems for end in ("", "s")]
    numbers = [
        branch.name
        for branch in branches
        if _is_number(branch, "iuf")
        and is_measured(branch.name)
        and not _COUNTS.fullmatch(re.split(r"[_./]", branch.name)[-1])
    ]
    chosen = [name for counter in counters for name in numbers if name.casefold() == counter]
    for pattern in _USUAL_NUMBERS:
        last = re.compile(rf"(?:\w*[./])?(?:{pattern})", re.IGNORECASE)
        chosen += [name for name in numbers if last.fullmatch(name)]
    if len(dict.fromkeys(chosen)) < _MIN_NUMBERS and not objects:
        chosen += numbers
    return tuple(map(_expression, list(dict.fromkeys(chosen))[:_MAX_NUMBERS]))


def _choose_objects(
    branches: Sequence[BranchListing],
) -> dict[str, tuple[tuple[str, ...], int]]:
    """Return the lists of jets, muons and electrons, with the values that most analyses use."""
    groups: dict[str, dict[str, str]] = {}
    for branch in branches:
        stem, sign, last = re.match(r"([^_./]*)([_.]?)(.*)", branch.name).groups()  # type: ignore[union-attr]
        if sign and _is_list(branch):
            groups.setdefault(stem, {})[last.casefold()] = branch.name
    objects = {}
    for name, pattern in _COLLECTIONS.items():
        stem = next((s for s in groups if re.fullmatch(pattern, s, re.IGNORECASE)), None)
        if stem is None:
            continue
        members = groups[stem]
        values = _CARTESIAN if "px" in members and "pt" not in members else _VALUES
        keys = [next((members[one] for one in names if one in members), None) for names in values]
        if name == "jets":
            keys.append(next((key for last, key in members.items() if _TAG.fullmatch(last)), None))
        there = tuple(_expression(key) for key in keys if key is not None)
        if there:
            objects[name] = (there, _LENGTHS.get(name, _LENGTH))
    return objects


def _choose_event_columns(
    branches: Sequence[BranchListing], texts: Sequence[str]
) -> tuple[str, ...]:
    kinds = {
        branch.name: branch.type.dtype.kind
        for branch in branches
        if _is_number(branch, "iuf") and branch.type is not None and branch.type.dtype is not None
    }
    usual = find_naming(lambda name: "u" if name in texts else kinds.get(name)).by
    if usual is not None:
        return usual
    # The same names in other letters, such as Run and Event.
    folded = {name.casefold(): name for name, kind in kinds.items() if kind in "iu"}
    event = next((folded[n] for n in ("event", "eventnumber", "evt") if n in folded), None)
    if event is None:
        return ()
    run = next((folded[n] for n in ("run", "runnumber") if n in folded), None)
    process = "process" if "process" in texts else None
    return tuple(name for name in (process, run, event) if name is not None)


def _is_number(branch: BranchListing, kinds: str) -> bool:
    one = branch.type
    is_single = one is not None and one.kind == "vector" and not one.shape
    return is_single and one is not None and one.dtype is not None and one.dtype.kind in kinds


def _is_list(branch: BranchListing) -> bool:
    one = branch.type
    if one is None or one.kind != "jagged" or one.shape or one.dtype is None:
        return False
    return one.dtype.kind in "iuf"


def _expression(name: str) -> str:
    """Return the name of a branch as an expression, in quotes where it needs them."""
    return name if _NAME.fullmatch(name) else f"`{name}`"
