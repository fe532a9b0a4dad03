"""`TrainingRequest`: the options of a training set, checked as far as possible without a store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import chain
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from memmpy.checks import check_mapping
from memmpy.columns import check_keys
from memmpy.cuts import Constant, Key, Node, keys_of, read_cut
from memmpy.errors import OptionError, nearest
from memmpy.jagged import Padding, mask_of
from memmpy.skims import (
    Derived,
    Expression,
    Objects,
    SkimRequest,
    mark_missing,
    object_columns,
)
from memmpy.training.event_columns import BinColumn, LabelColumn, WeightColumn
from memmpy.training.reweight import Reweight
from memmpy.training.scaling import Method, check_scale

__all__ = [
    "BIN",
    "LABEL",
    "PHYSICS",
    "WEIGHT",
    "Inputs",
    "Negative",
    "Normalise",
    "TrainingRequest",
]

#: Names of a batch, and of the fields of the skim that they come from.
LABEL, WEIGHT, PHYSICS, BIN = "label", "weight", "weight_physics", "_bin"

Inputs: TypeAlias = Mapping[str, Sequence[str] | Objects]
Negative: TypeAlias = Literal["keep", "abs", "drop", "raise"]
Normalise: TypeAlias = Literal["mean", "equal"] | Mapping[str, float] | None
#: The last parts of the names of event numbers.
_EVENT_NUMBERS = frozenset({"eventNumber", "event"})


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """The content of a training set, and what is to be fitted on its training split.

    The parameters are those of `memmpy.training_set`, without its defaults.

    Attributes
    ----------
    keys : mapping of str to tuple of str
        The keys of each input, in the order of its last axis.
    methods : mapping of str to tuple of str or None
        The method of scaling of each key of each input.
    classes : tuple of str
        The names of the classes; empty without labels.
    has_weight : bool
        Whether batches have weights.
    """

    inputs: Inputs
    _: KW_ONLY
    labels: Mapping[str, str] | None
    others: str
    weight: str | None
    cut: str | None
    aliases: Mapping[str, str] | None
    constants: Mapping[str, Constant] | None
    spectators: Collection[str]
    missing: float | Mapping[str, float] | None
    fill: float | None
    scale: Any
    normalise: Normalise
    negative: Negative
    reweight: Reweight | None
    dtype: Any
    is_labelled: bool = True
    keys: Mapping[str, tuple[str, ...]] = field(init=False)
    methods: Mapping[str, tuple[Method | None, ...]] = field(init=False)
    classes: tuple[str, ...] = field(init=False)
    has_weight: bool = field(init=False)

    def __post_init__(self) -> None:
        keys = {name: _keys_of_input(name, one) for name, one in _check_inputs(self.inputs).items()}
        labels = check_mapping("labels", self.labels)
        _check_labels(labels, self.others)
        _check_choice("negative", self.negative, get_args(Negative))
        normalise = _check_normalise(self.normalise, tuple(labels))
        if self.reweight is not None:
            _check_reweight(self.reweight, tuple(labels))
        fill = self.fill
        if fill is not None and not isinstance(fill, int | float | np.number):
            raise OptionError(f"fill is a number, or None to keep NaN; got {fill!r}")
        derived = {
            "keys": keys,
            "methods": check_scale(self.scale, keys),
            "labels": labels,
            "normalise": normalise,
            "classes": tuple(labels),
            "has_weight": self.weight is not None
            or self.reweight is not None
            or normalise not in {None, "mean"},
            "spectators": _spectators(self.spectators),
            "aliases": check_mapping("aliases", self.aliases),
            "constants": check_mapping("constants", self.constants),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        texts = self._expressions_of_inputs()
        _check_missing(
            self.missing, {*texts, *chain(*(keys_of(self._node(text)) for text in texts))}
        )
        self._check_names()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; ``"all"`` for all events without labels."""
        return self.classes or ("all",)

    @property
    def used_keys(self) -> frozenset[str]:
        """All columns that are needed: of inputs, labels, weight, cut and spectators."""
        request = self.skim_request()
        cut = frozenset[str]() if request.cut is None else keys_of(request.cut)
        stored = cut.union(request.names) - request.derived.keys()
        return stored.union(*(one.keys for one in request.derived.values()))

    def skim_request(self) -> SkimRequest:
        """Return the content of the skim; the order of its rows follows from the splits."""
        derived: dict[str, Derived] = {}
        groups: dict[str, tuple[str, ...]] = {}
        padded: dict[str, Padding] = {}
        for name, given in self.inputs.items():
            if isinstance(given, Objects):
                columns = object_columns(
                    name,
                    given,
                    aliases=self.aliases,
                    constants=self.constants,
                    missing=self.missing,
                )
                derived |= columns
                groups[name] = tuple(columns)
                if given.length is not None:
                    padded |= {key: Padding(given.length, float("nan")) for key in columns}
                continue
            members: dict[str, Derived | None] = {}
            for text in given:
                members |= self._member(text)
            derived |= {key: one for key, one in members.items() if one is not None}
            groups[name] = tuple(members)
        derived |= self._event_columns()
        events = [key for key in (LABEL, PHYSICS, BIN) if key in derived]
        return SkimRequest(
            keys=(*events, *self.spectators),
            padded=padded,
            groups=groups,
            dtypes=_dtypes(self.dtype, groups),
            cut=None if self._cut_text is None else self._node(self._cut_text),
            derived=derived,
        )

    def inputs_alone(self) -> "TrainingRequest":
        """Return the inputs, for all events."""
        return replace(
            self, labels=None, weight=None, cut=None, spectators=(), normalise=None, reweight=None
        )

    def for_other_events(
        self, *, cut: str | None, aliases: Mapping[str, str], stored: Collection[str]
    ) -> "TrainingRequest":
        """Return the same content for other events, of which some may have no class.

        Parameters
        ----------
        cut : str or None
            The events to take; None for the cut of the request.
        aliases : mapping of str to str
            More names for expressions.
        stored : collection of str
            The columns of the other store. Labels, the weight and the bins of a reweighting are
            left out if it lacks their columns; so are spectators.
        """
        request = replace(
            self,
            cut=self.cut if cut is None else cut,
            aliases={**(self.aliases or {}), **aliases},
            others="keep",
            spectators=tuple(key for key in self.spectators if key in stored),
        )

        def has(texts: Iterable[str]) -> bool:
            return all(keys_of(request._node(text)) <= {*stored} for text in texts)

        has_weight = request.weight is None or has([request.weight])
        reweight = request.reweight
        return replace(
            request,
            is_labelled=has((request.labels or {}).values()),
            weight=request.weight if has_weight else None,
            normalise=request.normalise if has_weight else None,
            reweight=reweight if has_weight and reweight and has(reweight.variables) else None,
        )

    def _event_columns(self) -> dict[str, Derived]:
        columns: dict[str, Derived] = {}
        if self.labels and self.is_labelled:
            cuts = {name: self._node(text) for name, text in self.labels.items()}
            columns[LABEL] = LabelColumn(cuts, self.others == "keep")
        if self.has_weight:
            # In C++ a product of floats is a float; a weight is computed in float64.
            columns[PHYSICS] = WeightColumn(Expression(self._node(f"double({self.weight or '1'})")))
        if self.reweight is not None:
            nodes = tuple(map(self._node, self.reweight.variables))
            columns[BIN] = BinColumn(self.reweight, nodes)
        return columns

    @property
    def _cut_text(self) -> str | None:
        """The cut; where events of no class are left out, with the cuts of the classes."""
        if self.others != "drop" or not self.labels or not self.is_labelled:
            return self.cut
        # Each is a condition of its own, as an event passes if any element of a list does.
        parts = [f"Sum$(({text}) && 1) > 0" for text in self.labels.values()]
        whole = f"({' || '.join(parts)})"
        return whole if self.cut is None else f"Sum$(({self.cut}) && 1) > 0 && {whole}"

    def _member(self, text: str) -> dict[str, Derived | None]:
        """Return the name of a value of an input in the skim; and how to compute it, if needed."""
        node, missing = mark_missing(self._node(text), self.missing), missing_of(self.missing, text)
        if isinstance(node, Key) and missing is None:
            _check_no_event_number(node.name)
            return {node.name: None}
        name = text if missing is None else f"{text} without {missing:g}"
        return {name: Expression(node, missing)}

    def _node(self, text: str) -> Node:
        return read_cut(text, aliases=self.aliases, constants=self.constants)

    def _expressions_of_inputs(self) -> list[str]:
        texts: list[str] = []
        for given in self.inputs.values():
            keys: Any = given.keys if isinstance(given, Objects) else given
            texts += chain(*keys.values()) if isinstance(keys, Mapping) else keys
        return texts

    def _check_names(self) -> None:
        """Raise an `OptionError` if two things of a batch would have one name."""
        masks = [
            mask_of(name)
            for name, one in self.inputs.items()
            if isinstance(one, Objects) and one.length is not None
        ]
        reserved = ["_index", BIN, *([LABEL] if self.labels else [])]
        if self.has_weight:
            reserved += [WEIGHT, PHYSICS]
        names = [*reserved, *self.inputs, *masks, *self.spectators]
        for name in sorted({name for name in names if names.count(name) > 1}):
            message = f"a batch would have {name!r} twice: take another name for the input"
            raise OptionError(message if name in self.inputs else f"{message}, or an alias")


def missing_of(missing: float | Mapping[str, float] | None, text: str) -> float | None:
    """Return the number that means "not there" for an expression; None if there is none."""
    if isinstance(missing, Mapping):
        return missing.get(text)
    return missing


def _check_inputs(inputs: object) -> Mapping[str, Any]:
    if not isinstance(inputs, Mapping) or not inputs:
        message = "inputs is a mapping of name to keys, such as {'event': ['met', 'HT']}"
        raise OptionError(f"{message}; got {inputs!r}")
    for name in inputs:
        if not isinstance(name, str) or not name:
            raise OptionError(f"the name of an input is a text, got {name!r}")
    return inputs


def _keys_of_input(name: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, Objects):
        return tuple(given.keys)
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    if not is_list or not given or not all(isinstance(key, str) for key in given):
        message = f"the input {name!r} is a list of keys or expressions, or Objects; got {given!r}"
        raise OptionError(message)
    twice = sorted({key for key in given if list(given).count(key) > 1})
    if twice:
        raise OptionError(f"the input {name!r} has {twice[0]!r} twice")
    return tuple(given)


def _check_labels(labels: Mapping[Any, Any], others: object) -> None:
    _check_choice("others", others, ("raise", "drop", "keep"))
    for name, text in labels.items():
        if not isinstance(name, str) or not name or not isinstance(text, str):
            message = (
                "labels is a mapping of class to cut, such as {'signal': \"process == 'ttH'\"}"
            )
            raise OptionError(f"{message}; got {name!r}: {text!r}")


def _check_choice(name: str, given: object, choices: Sequence[str]) -> None:
    if not isinstance(given, str) or given not in choices:
        raise OptionError(f"{name} is one of {', '.join(map(repr, choices))}, got {given!r}")


def _check_normalise(normalise: Normalise, classes: tuple[str, ...]) -> Normalise:
    if normalise is None or normalise in ("mean", "equal"):
        return normalise
    if not isinstance(normalise, Mapping):
        message = "normalise is 'mean', 'equal', None, or a mapping of class to share"
        raise OptionError(f"{message}; got {normalise!r}")
    names = classes or ("all",)
    shares: Mapping[Any, Any] = normalise
    for name, share in shares.items():
        if name not in names:
            raise OptionError(f"normalise names {name!r}, no class{nearest(str(name), names)}")
        if not isinstance(share, int | float | np.number) or not 0 < share < float("inf"):
            raise OptionError(f"normalise has a positive number for each class, got {share!r}")
    if left_out := [name for name in names if name not in normalise]:
        raise OptionError(f"normalise needs all classes, and lacks {left_out[0]!r}")
    return dict(normalise)


def _check_reweight(reweight: object, classes: tuple[str, ...]) -> None:
    if not isinstance(reweight, Reweight):
        message = "reweight is a memmpy.Reweight, such as Reweight({'pt': [0, 50, 100]}, flat=True)"
        raise OptionError(f"{message}; got {reweight!r}")
    if reweight.to is not None and reweight.to not in classes:
        hint = nearest(reweight.to, classes)
        raise OptionError(f"reweight names the class {reweight.to!r}, which labels lacks{hint}")


def _spectators(given: Collection[str]) -> tuple[str, ...]:
    check_keys(given)
    return tuple(sorted(given) if isinstance(given, set | frozenset) else dict.fromkeys(given))


def _check_missing(missing: object, names: Collection[str]) -> None:
    numbers = missing.values() if isinstance(missing, Mapping) else [missing]
    for number in numbers:
        if number is not None and (
            not isinstance(number, int | float | np.number) or isinstance(number, bool)
        ):
            message = "missing is a number that means 'not there', or a mapping of key to number"
            raise OptionError(f"{message}; got {missing!r}")
    if isinstance(missing, Mapping):
        for key in missing:
            if key not in names:
                hint = nearest(str(key), names)
                raise OptionError(f"missing names {key!r}, which no input has{hint}")


def _check_no_event_number(key: str) -> None:
    if key.rpartition(".")[2] in _EVENT_NUMBERS:
        message = (
            f"{key!r} is the number of an event: a network would learn events by heart, and as "
            "float32 it is rounded; name it in spectators="
        )
        raise OptionError(message)


def _dtypes(dtype: Any, groups: Collection[str]) -> dict[str, np.dtype[Any]]:
    by_name = dtype if isinstance(dtype, Mapping) else dict.fromkeys(groups, dtype)
    for name in by_name:
        if name not in groups:
            hint = nearest(str(name), groups)
            raise OptionError(f"dtype names {name!r}, which is no input{hint}")
    dtypes = {}
    for name in groups:
        given = by_name.get(name, "float32")
        try:
            dtypes[name] = np.dtype(given).newbyteorder("<")
        except (TypeError, ValueError) as error:
            raise OptionError(f"the input {name!r} cannot have the dtype {given!r}") from error
        if dtypes[name].kind != "f":
            raise OptionError(f"the input {name!r} holds floats, not {dtypes[name]}")
    return dtypes
