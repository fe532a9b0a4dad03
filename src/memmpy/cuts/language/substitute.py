"""Substitutes the aliases and constants of a cut."""

import numbers
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from memmpy.checks import check_mapping
from memmpy.cuts.language.expression import parse
from memmpy.cuts.language.grammar import KEYWORDS
from memmpy.cuts.language.tree import Key, Node, Span, Text, fold, keys_in, keys_of, number, rebuild
from memmpy.errors import CutError, OptionError

__all__ = ["Constant", "check_alias_names", "rename_keys", "substitute"]

Constant = bool | int | float | str | np.generic


def substitute(
    node: Node,
    *,
    aliases: Mapping[str, str | int | float] | None = None,
    constants: Mapping[str, Constant] | None = None,
) -> Node:
    """Return a cut with the names of aliases and constants replaced by their values.

    Parameters
    ----------
    node : Node
        The cut.
    aliases : mapping of str to str or number
        Expressions by name; they may use each other, but not in a cycle.
    constants : mapping of str to bool, number or str
        Values by name. A str is a text to compare with, not an expression.

    Returns
    -------
    Node
        The cut on columns alone. Nodes of an alias have their place in the text of the alias.

    Raises
    ------
    CutError
        If an alias cannot be read, or refers to itself.
    OptionError
        If a name is both an alias and a constant, or a constant is neither number nor text.
    """
    aliases, constants = check_mapping("aliases", aliases), check_mapping("constants", constants)
    check_alias_names(aliases, constants)
    resolved = _resolve_aliases(node, aliases, constants)
    return _replace_keys(node, resolved, constants, names=(*aliases, *constants))


def rename_keys(node: Node, names: Mapping[str, str]) -> Node:
    """Return a cut with other names for its columns; places stay those of the old names."""

    def visit(here: Node, operands: list[Node]) -> Node:
        if not isinstance(here, Key):
            return rebuild(here, operands)
        return replace(here, name=names.get(here.name, here.name))

    return fold(node, visit)


def check_alias_names(aliases: Mapping[str, object], constants: Mapping[str, object]) -> None:
    """Raise an `OptionError` if a name is both an alias and a constant, or reserved in cuts."""
    reserved = sorted((aliases.keys() | constants.keys()) & KEYWORDS)
    if reserved:
        raise OptionError(f"{', '.join(map(repr, reserved))}: reserved in cuts; take another name")
    twice = sorted(aliases.keys() & constants.keys())
    if twice:
        raise OptionError(f"{', '.join(map(repr, twice))}: both an alias and a constant; drop one")


def _resolve_aliases(
    node: Node, aliases: Mapping[str, str | int | float], constants: Mapping[str, Constant]
) -> dict[str, Node]:
    """Return the tree of each alias that is used, free of aliases and constants."""
    resolved: dict[str, Node] = {}
    # The aliases being read, each used by the one before it.
    path: dict[str, Node] = {}
    pending = sorted(keys_of(node) & aliases.keys())
    while pending:
        name = pending[-1]
        if name not in path:
            path[name] = _read(name, aliases[name])
        unresolved = sorted((keys_of(path[name]) & aliases.keys()) - resolved.keys())
        for other in unresolved:
            if other in path:
                raise _cycle_error(other, path)
        if unresolved:
            pending.append(unresolved[0])
        else:
            names = (*aliases, *constants)
            resolved[name] = _replace_keys(path.pop(name), resolved, constants, names=names)
            pending.pop()
    return resolved


def _replace_keys(
    node: Node,
    trees: Mapping[str, Node],
    constants: Mapping[str, Constant],
    *,
    names: tuple[str, ...],
) -> Node:
    """Return a cut with trees and constants in the place of their names.

    The places of the other names tell all `names` of aliases and constants.
    """

    def visit(here: Node, operands: list[Node]) -> Node:
        if not isinstance(here, Key):
            return rebuild(here, operands)
        if here.name in constants:
            return _constant(here.name, constants[here.name], here.span)
        if here.name in trees:
            return trees[here.name]
        return replace(here, span=replace(here.span, names=names)) if names else here

    return fold(node, visit)


def _read(name: str, text: str | float) -> Node:
    if isinstance(text, str):
        return parse(text, alias=name)
    return _constant(name, text, Span(str(text), 0, len(str(text)), name))


def _constant(name: str, value: object, span: Span) -> Node:
    match value:
        case bool() | np.bool_():
            return number(bool(value), span)
        case str():
            return Text(str(value), span=span)
        case numbers.Integral():
            return number(int(value), span)
        case numbers.Real():
            return number(float(value), span)
    raise OptionError(f"{name!r} is a {type(value).__name__}; expected a bool, a number or a text")


def _cycle_error(name: str, path: Mapping[str, Node]) -> CutError:
    names = [*path]
    names = [*names[names.index(name) :], name]
    place = next(key.span for key in keys_in(path[names[-2]]) if key.name == name)
    return place.error(f"aliases form a cycle: {' -> '.join(names)}")
