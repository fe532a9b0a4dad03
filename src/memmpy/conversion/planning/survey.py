"""The trees that fill a store, each with its range of entries."""

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import islice

from memmpy.columns import ColumnType, type_of_column
from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.duplicates import check_apart
from memmpy.conversion.planning.inspection import Facts, Question, look_at
from memmpy.conversion.planning.inventory import Holdings
from memmpy.conversion.planning.key_patterns import Recipes, match
from memmpy.conversion.planning.skips import Skips
from memmpy.conversion.planning.target import Wanted
from memmpy.display import format_count
from memmpy.errors import ConversionWarning, MemmpyError, MissingKeyError, warn_of
from memmpy.parallel import WorkerPool, run_tasks
from memmpy.store import Metadata, Part, SourceRecord, parts_of

__all__ = ["survey"]


def survey(
    inputs: Sequence[Input],
    recipes: Recipes,
    metadata: Metadata,
    *,
    holdings: Holdings,
    pool: WorkerPool,
    range_bytes: int,
    recreate: bool,
) -> tuple[Wanted, list[Facts | None]]:
    """Look at the files from which something is needed; the others stay shut.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    recipes : Recipes
        The columns wanted.
    metadata : Metadata
        What the store holds.
    holdings : Holdings
        The same, by how it is made.
    pool : WorkerPool
        Who looks.
    range_bytes : int
        About how many decompressed bytes are to be read in one go.
    recreate : bool
        Whether to look at all files, and to read all of them again.

    Returns
    -------
    Wanted
        The columns, with those that patterns match, and the sources.
    list of Facts or None
        What each source says; None where it was not looked at.

    Raises
    ------
    MemmpyError
        The first thing that is wrong with a file, in the order of the files.
    OptionError
        If two inputs hold the same events, which would count twice.

    Warns
    -----
    ConversionWarning
        If inputs have one UUID and different content; see `check_apart`.
    """
    known = [None] * len(inputs) if recreate else _known(inputs, recipes, metadata)
    lacking = _lacking([s for s in known if s is not None], recipes, holdings)
    uuids: dict[int, set[str]] = {}
    for filled in metadata.sources:
        uuids.setdefault(filled.size, set()).add(filled.uuid)
    questions, needed = {}, []
    for i, (found, source) in enumerate(zip(inputs, known, strict=True)):
        held, is_needed = frozenset[str](), True
        if source is not None:
            held, is_needed = lacking[parts_of([source])[0]]
        needed += [i] if is_needed else []
        questions[i] = Question(
            found, recipes, held, range_bytes, frozenset(uuids.get(found.status.size, ()))
        )
    facts = _look({i: questions[i] for i in needed}, pool)
    others = _others_needed(recipes, known, facts)
    facts |= _look({i: questions[i] for i in others}, pool)
    facts |= _look(_typed(questions, facts, metadata), pool)
    skipped = Skips.union(facts[i].skipped for i in sorted(facts))
    sources = _in_order(
        [
            _described(found, facts[i]) if source is None or i in facts else source
            for i, (found, source) in enumerate(zip(inputs, known, strict=True))
        ],
        inputs,
        skipped,
    )
    warn_of(check_apart(sources, known), ConversionWarning)
    wanted_recipes = recipes.with_matches(_all_matches(recipes, sources, skipped, facts))
    return Wanted(tuple(wanted_recipes), sources), [facts.get(i) for i in range(len(inputs))]


def _typed(
    questions: Mapping[int, Question], facts: Mapping[int, Facts], metadata: Metadata
) -> dict[int, Question]:
    """Return questions to files without a value of a branch, with its type in other files."""
    untyped = {branch for found in facts.values() for branch in found.untyped}
    if not untyped:
        return {}
    types: dict[str, ColumnType] = {}
    for found in facts.values():
        for branch in untyped & found.branch_types.keys():
            types.setdefault(branch, found.branch_types[branch])
    for column in metadata.columns.values():
        recipe = {} if column.origin is None else column.origin.recipe
        if recipe.get("branch") in untyped and "padding" not in recipe:
            types.setdefault(recipe["branch"], type_of_column(column))
    return {
        i: dataclasses.replace(
            questions[i], types={b: types[b] for b in sorted(found.untyped & types.keys())}
        )
        for i, found in facts.items()
        if found.untyped
    }


def _known(
    inputs: Sequence[Input], recipes: Recipes, metadata: Metadata
) -> list[SourceRecord | None]:
    """Return what the store knows of files that did not change, where that is enough."""
    candidates: dict[tuple[object, ...], list[SourceRecord]] = {}
    for source in metadata.sources:
        state = (source.path, source.state, source.asked)
        candidates.setdefault(state, []).append(source)
    known = []
    for found in inputs:
        same = candidates.get((found.path, found.status.state, found.tree), ())
        # The path as it was given: a store keeps no credentials.
        enough = (
            dataclasses.replace(s, path=found.path) for s in same if _is_enough(s, found, recipes)
        )
        known.append(next(enough, None))
    return known


def _is_enough(source: SourceRecord, found: Input, recipes: Recipes) -> bool:
    """Say whether a known source has the entries that are wanted, and all patterns."""
    return _range(found, source.tree_entries) == (source.tree_start, source.tree_stop) and all(
        pattern in source.matches for pattern in recipes.patterns
    )


def _range(found: Input, tree_entries: int) -> tuple[int, int]:
    """Return the entries of a tree that are taken."""
    start = min(found.tree_start, tree_entries)
    stop = tree_entries if found.tree_stop is None else min(found.tree_stop, tree_entries)
    return start, max(start, stop)


def _lacking(
    sources: Sequence[SourceRecord], recipes: Recipes, holdings: Holdings
) -> dict[Part, tuple[frozenset[str], bool]]:
    """Return the columns that the store has of each source, and whether it lacks others."""
    parts = parts_of(sources)
    held: dict[Part, set[str]] = {part: set() for part in parts}
    # Sources that match alike share one mapping.
    wanted = {id(s.matches): recipes.with_matches(s.matches) for s in sources}
    for recipe in {recipe.key: recipe for found in wanted.values() for recipe in found}.values():
        for part, piece in zip(parts, holdings.find(recipe, parts), strict=True):
            if piece is not None:
                held[part].add(recipe.key)
    keys = {number: {recipe.key for recipe in found} for number, found in wanted.items()}
    return {
        part: (frozenset(held[part]), not keys[id(source.matches)] <= held[part])
        for part, source in zip(parts, sources, strict=True)
    }


def _others_needed(
    recipes: Recipes, known: Sequence[SourceRecord | None], facts: Mapping[int, Facts]
) -> list[int]:
    """Return known sources to look at besides: patterns match more in others than in them."""
    kept = {i: s.matches for i, s in enumerate(known) if s is not None and i not in facts}
    # Sources that match alike share one mapping.
    distinct = {id(m): m for m in [*kept.values(), *(found.matches for found in facts.values())]}
    lacking = set[int]()
    for pattern in recipes.patterns:
        names = {name for matches in distinct.values() for name in matches[pattern]}
        lacking |= {number for number, m in distinct.items() if not names <= set(m[pattern])}
    return [i for i, matches in kept.items() if id(matches) in lacking]


def _look(questions: Mapping[int, Question], pool: WorkerPool) -> dict[int, Facts]:
    """Return what files say, all looked at at once; the first error in their order is raised."""
    waiting = iter(questions.items())
    facts: dict[int, Facts] = {}
    errors: dict[int, MemmpyError] = {}

    def next_questions(num: int) -> list[tuple[int, Question]]:
        return list(islice(waiting, num))

    for i, said in run_tasks(pool, _look_at, next_questions):
        if isinstance(said, Facts):
            facts[i] = said
        else:
            errors[i] = said
    if errors:
        raise errors[min(errors)]
    return facts


def _look_at(numbered: tuple[int, Question]) -> tuple[int, Facts | MemmpyError]:
    i, question = numbered
    return i, look_at(question)


def _described(found: Input, facts: Facts) -> SourceRecord:
    start, stop = _range(found, facts.num_entries)
    return SourceRecord(
        path=found.path,
        uuid=facts.uuid,
        size=found.status.size,
        mtime_ns=found.status.mtime_ns,
        tree=facts.tree,
        asked=found.tree,
        num_entries=stop - start,
        entry_start=0,
        tree_start=start,
        tree_entries=facts.num_entries,
        tag=found.status.tag,
        matches=facts.matches,
        naming=facts.naming,
    )


def _in_order(
    sources: Sequence[SourceRecord], inputs: Sequence[Input], skipped: Skips
) -> tuple[SourceRecord, ...]:
    """Return the sources with the entries of the store that they fill.

    What is skipped in one file is skipped in all: a column has entries of each.
    """
    placed: list[SourceRecord] = []
    entry_start = 0
    for source, found in zip(sources, inputs, strict=True):
        placed.append(
            dataclasses.replace(
                source,
                entry_start=entry_start,
                metadata=found.metadata,
                matches=skipped.without(source.matches),
            )
        )
        entry_start += source.num_entries
    return tuple(placed)


def _all_matches(
    recipes: Recipes,
    sources: Sequence[SourceRecord],
    skipped: Skips,
    facts: Mapping[int, Facts],
) -> dict[str, dict[str, None]]:
    """Return the branches that each pattern matches in any file."""
    matched: dict[str, dict[str, None]] = {pattern: {} for pattern in recipes.patterns}
    for source in sources:
        for pattern in recipes.patterns:
            matched[pattern] |= dict.fromkeys(source.matches.get(pattern, ()))
    for pattern, names in matched.items():
        if not names and match(pattern, skipped):
            raise skipped.of_pattern(pattern).error(pattern, " in some file")
        if not names:
            message = f"the pattern {pattern!r} matches no branch of {sources[0].path!r}"
            if len(sources) > 1:
                message += f", nor of {format_count(len(sources) - 1, 'other file')}"
            near = next((f.nearest[pattern] for f in facts.values() if pattern in f.nearest), "")
            raise MissingKeyError(f"{message}{near}", pattern)
    return matched
