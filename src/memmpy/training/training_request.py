"""`TrainingRequest`: the options of a training set, checked as far as possible without a store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from itertools import chain
from typing import Any, get_args

from memmpy.checks import check_choice, check_mapping
from memmpy.columns import ColumnType
from memmpy.cuts import Call, Constant, Key, Logical, Node, Reduction, Span, keys_of, read_cut
from memmpy.errors import ColumnError, OptionError
from memmpy.jagged import Padding, mask_of
from memmpy.skims import (
    Derived,
    Expression,
    Objects,
    SkimRequest,
    expression_of,
    missing_of,
    object_columns,
)
from memmpy.training.label_columns import (
    BIN,
    LABEL,
    PHYSICS,
    WEIGHT,
    BinColumn,
    LabelColumn,
    WeightColumn,
)
from memmpy.training.option_checks import (
    Inputs,
    Negative,
    Normalise,
    check_dtypes,
    check_fill,
    check_inputs,
    check_labels,
    check_missing,
    check_no_event_number,
    check_normalise,
    check_reweight,
    check_spectators,
    check_weight,
    keys_of_input,
)
from memmpy.training.reweight import Reweight
from memmpy.training.scaling import Method, check_scale

__all__ = [
    "TRAINING_DEFAULTS",
    "Inputs",
    "Negative",
    "Normalise",
    "TrainingRequest",
]

_EVENT_COLUMNS = frozenset({LABEL, PHYSICS, BIN})


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """The content of a training set, and what is to be fitted on its training split.

    The parameters and their defaults are those of `memmpy.training_set`, and three more that
    `for_other_events` and `with_columns` set.

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
    spectator_aliases : frozenset of str
        The spectators that are computed, as there is no column of that name; see `with_columns`.
    """

    inputs: Inputs
    _: KW_ONLY
    labels: Mapping[str, str] | None = None
    others: str = "raise"
    weight: str | None = None
    cut: str | None = None
    aliases: Mapping[str, str] | None = None
    constants: Mapping[str, Constant] | None = None
    spectators: Collection[str] = ()
    missing: float | Mapping[str, float] | None = None
    fill: float | None = 0.0
    scale: Any = None
    normalise: Normalise = "mean"
    negative: Negative = "keep"
    reweight: Reweight | None = None
    dtype: Any = "float32"
    is_labelled: bool = True
    is_of_others: bool = False
    spectator_aliases: frozenset[str] = frozenset()
    keys: Mapping[str, tuple[str, ...]] = field(init=False)
    methods: Mapping[str, tuple[Method | None, ...]] = field(init=False)
    classes: tuple[str, ...] = field(init=False)
    has_weight: bool = field(init=False)

    def __post_init__(self) -> None:
        given = check_inputs(self.inputs)
        keys = {name: keys_of_input(name, one) for name, one in given.items()}
        labels = check_mapping("labels", self.labels)
        check_labels(labels, self.others)
        check_choice("negative", self.negative, get_args(Negative))
        normalise = check_normalise(self.normalise, tuple(labels))
        if self.reweight is not None:
            check_reweight(self.reweight, tuple(labels))
        check_weight(self.weight)
        derived = {
            "inputs": {
                name: one if isinstance(one, Objects) else keys[name] for name, one in given.items()
            },
            "keys": keys,
            "methods": check_scale(self.scale, keys),
            "labels": labels,
            "normalise": normalise,
            "classes": tuple(labels),
            "has_weight": self.weight is not None
            or self.reweight is not None
            or normalise not in (None, "mean"),
            "fill": check_fill(self.fill),
            "spectators": check_spectators(self.spectators),
            "aliases": check_mapping("aliases", self.aliases),
            "constants": check_mapping("constants", self.constants),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        missing = check_missing(self.missing, self._names_of_inputs())
        object.__setattr__(self, "missing", missing)
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
        stored = cut.union(request.names - request.derived.keys())
        return stored.union(*(one.keys for one in request.derived.values()))

    @property
    def fit_options(self) -> str:
        """The options that a fit comes from, as text."""
        options = self.scale, self.missing, self.fill, self.normalise, self.negative, self.reweight
        return repr(options)

    def skim_request(self) -> SkimRequest:
        """Return the content of the skim; the order of its rows follows from the splits."""
        derived: dict[str, Derived] = {}
        groups: dict[str, tuple[str, ...]] = {}
        padded: dict[str, Padding] = {}
        for name, given in self.inputs.items():
            if isinstance(given, Objects):
                for text in _expressions_of(given):
                    if isinstance(node := self._node(text), Key):
                        check_no_event_number(node.name)
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
                member, column = self._member(text)
                if member in members:
                    raise OptionError(f"the input {name!r} has {member!r} twice, once as {text!r}")
                members[member] = column
            derived |= {key: one for key, one in members.items() if one is not None}
            groups[name] = tuple(members)
        derived |= self._event_columns()
        for name in self.spectator_aliases.intersection(self.spectators):
            derived[name] = Expression(self._node(name))
        events = [key for key in (LABEL, PHYSICS, BIN) if key in derived]
        return SkimRequest(
            keys=(*events, *self.spectators),
            padded=padded,
            groups=groups,
            dtypes=check_dtypes(self.dtype, groups, self.fill),
            cut=self._selection,
            derived=derived,
            user_cut=self._user_cut if self._leaves_out_others else None,
        )

    def check_types(self, types: Mapping[str, ColumnType]) -> None:
        """Raise a `ColumnError` if an input that is no `Objects` has lists or arrays.

        Parameters
        ----------
        types : mapping of str to ColumnType
            The types of columns; what needs others is not checked.
        """
        for name, given in self.inputs.items():
            for text in () if isinstance(given, Objects) else given:
                key, derived = self._member(text)
                if not (frozenset({key}) if derived is None else derived.keys) <= types.keys():
                    continue
                column_type = types[key] if derived is None else derived.type_of(types)
                if column_type.kind == "jagged" or column_type.shape:
                    message = f"the input {name!r} takes one number for each event, and {text!r} "
                    way_out = f"take an element, or give lists as Objects([{text!r}])"
                    raise ColumnError(f"{message}has {column_type.in_words()}: {way_out}")

    def with_columns(self, columns: Collection[str]) -> "TrainingRequest":
        """Return the request for a store with some columns: other spectators may be aliases."""
        names = frozenset(self.aliases or ()).intersection(self.spectators).difference(columns)
        return replace(self, spectator_aliases=names)

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
            is_of_others=True,
        )

        def has(texts: Iterable[str]) -> bool:
            return all(keys_of(request._node(text)) <= {*stored} for text in texts)

        has_weight = request.weight is None or has([request.weight])
        reweight = request.reweight
        names = {*stored, *(request.aliases or ())}
        return replace(
            request,
            spectators=tuple(
                key for key in request.spectators if key in names and (key in stored or has([key]))
            ),
            is_labelled=has((request.labels or {}).values()),
            weight=request.weight if has_weight else None,
            normalise=request.normalise if has_weight else None,
            reweight=reweight if has_weight and reweight and has(reweight.variables) else None,
        )

    def _event_columns(self) -> dict[str, Derived]:
        columns: dict[str, Derived] = {}
        if self.labels and self.is_labelled:
            cuts = {name: self._node(text) for name, text in self.labels.items()}
            columns[LABEL] = LabelColumn(cuts, self.others == "keep", self.is_of_others)
        if self.has_weight:
            # In C++ a product of floats is a float; a weight is computed in float64.
            node = self._node("1" if self.weight is None else self.weight)
            double = Call(name="float64", span=node.span, operands=(node,))
            columns[PHYSICS] = WeightColumn(Expression(double))
        if self.reweight is not None:
            nodes = tuple(map(self._node, self.reweight.variables))
            columns[BIN] = BinColumn(self.reweight, nodes)
        return columns

    @property
    def _leaves_out_others(self) -> bool:
        """Whether events of no class are left out."""
        return self.others == "drop" and bool(self.labels) and self.is_labelled

    @property
    def _user_cut(self) -> tuple[Node, ...]:
        """The cut, if there is one."""
        return () if self.cut is None else (self._node(self.cut),)

    @property
    def _selection(self) -> Node | None:
        """The cut; where events of no class are left out, with the cuts of the classes."""
        cut = next(iter(self._user_cut), None)
        if not self.labels or not self._leaves_out_others:
            return cut
        # Each is a condition of its own, as an event passes if any element of a list does. The
        # nodes keep their places in the texts of the user, for errors.
        labels = [_any(self._node(text)) for text in self.labels.values()]
        one = labels[0]
        if len(labels) > 1:
            one = Logical(operator="||", span=_span_of(labels, " || "), operands=tuple(labels))
        if cut is None:
            return one
        both = _any(cut), one
        return Logical(operator="&&", span=_span_of(both, " && "), operands=both)

    def _member(self, text: str) -> tuple[str, Derived | None]:
        """Return the name of a value of an input in the skim; and how to compute it, if needed."""
        node, missing = self._node(text), missing_of(self.missing, text)
        if isinstance(node, Key):
            check_no_event_number(node.name)
            if missing is None and node.name not in _EVENT_COLUMNS:
                return node.name, None
        if missing is not None:
            name = f"{text} without {missing:g}"
            return name, expression_of(node, missing, missing=self.missing)
        # A column of the store may have that name, too, and be a spectator.
        is_name = text in {*(self.aliases or ()), *(self.constants or ()), *_EVENT_COLUMNS}
        name = f"{text} (input)" if is_name else text
        return name, expression_of(node, missing=self.missing)

    def _node(self, text: str) -> Node:
        return read_cut(text, aliases=self.aliases, constants=self.constants)

    def _names_of_inputs(self) -> frozenset[str]:
        """Return the expressions of inputs, and the keys that they use."""
        texts = [*chain.from_iterable(map(_expressions_of, self.inputs.values()))]
        return frozenset(texts).union(*(keys_of(self._node(text)) for text in texts))

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


#: The options of a training set that have a default, and the defaults.
TRAINING_DEFAULTS: Mapping[str, Any] = {
    one.name: one.default
    for one in fields(TrainingRequest)
    if one.init and one.name not in {"inputs", "is_labelled", "is_of_others", "spectator_aliases"}
}


def _expressions_of(given: Sequence[str] | Objects) -> list[str]:
    """Return the keys and expressions of an input."""
    keys: Any = given.keys if isinstance(given, Objects) else given
    return [*chain.from_iterable(keys.values())] if isinstance(keys, Mapping) else [*keys]


def _any(node: Node) -> Node:
    return Reduction(name="any", span=node.span, operands=(node,))


def _span_of(nodes: Sequence[Node], operator: str) -> Span:
    text = operator.join(f"({node.span})" for node in nodes)
    return Span(text, 0, len(text))
