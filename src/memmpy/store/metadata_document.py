"""Encodes and decodes the metadata of a store as a JSON document of declared types."""

from collections.abc import Mapping, Sized
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from memmpy._version import __version__
from memmpy.store.computation import Computed
from memmpy.store.file_names import hash64, hash_text
from memmpy.store.friend_record import FriendRecord
from memmpy.store.json_document import Format, parse
from memmpy.store.json_types import Count, Hash, JsonObject, from_json, to_json
from memmpy.store.legacy import decode_legacy, is_legacy
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata, Origin
from memmpy.store.number_record import NumberRecord
from memmpy.store.tree_source import Part, SourceRecord

__all__ = ["FORMAT_VERSION", "decode", "encode"]

FORMAT_VERSION = 5
_FORMAT = Format(
    name="memmpy store",
    what="the metadata of a memmpy store",
    version=FORMAT_VERSION,
    sealed_since=4,
    remedy="restore it from a copy, or delete the store and make it again",
)
#: Limit of the nesting of an awkward form.
_MAX_DEPTH = 100
#: Roles of the arrays of each kind. The roles of nested columns follow from their form.
_ROLES = {
    "vector": {"values"},
    "jagged": {"content", "offsets"},
    "text": {"content", "offsets"},
    "shaped": {"content", "offsets", "shapes", "shapes_offsets"},
}
_Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_Clipped: TypeAlias = tuple[Count, Count, Count, Count]


class _Numbers(JsonObject, frozen=True):
    dtype: str
    values: tuple[bool | int | float | None, ...]


class _Recipe(JsonObject, frozen=True):
    branch: str | None = None
    expression: str | None = None
    metadata: tuple[str, ...] | None = None
    language: Count | None = None
    dtype: str | None = None
    padding: tuple[Count, str] | None = None
    mask: bool = False
    missing: dict[str, str] | None = None
    numbers: dict[str, _Numbers] | None = None

    def __post_init__(self) -> None:
        num = 3 - [self.branch, self.expression, self.metadata].count(None)
        if num != 1 and not (num == 0 and self.numbers is not None and len(self.numbers) == 1):
            raise ValueError("expected one of branch, expression, metadata and a number")


class _Origin(JsonObject, frozen=True):
    recipe: _Recipe
    parts: Count
    made_by: str | tuple[str, ...] = ()
    clipped: tuple[_Clipped | None, ...] = ()
    branches: tuple[str, ...] = ()


class _Details(JsonObject, frozen=True):
    hashed: bool = False
    form: dict[str, Any] | None = None
    computed: Computed | None = None

    def __post_init__(self) -> None:
        if _is_deeper(self.form, _MAX_DEPTH):
            raise ValueError("its form is nested too deeply")


class _JsonColumn(JsonObject, frozen=True, kw_only=True):
    kind: Literal["vector", "jagged", "shaped", "text", "nested"]
    num_entries: Count
    arrays: dict[str, ArrayRecord]
    details: _Details
    origin: _Origin | None = None
    events: Count | None = None

    def __post_init__(self) -> None:
        if self.arrays.keys() != _ROLES.get(self.kind, self.arrays.keys()):
            raise ValueError(f"its arrays make no {self.kind} column: {', '.join(self.arrays)}")
        if (self.kind == "nested") != (self.details.form is not None):
            raise ValueError("nested columns have a form, and no others")


class _Source(JsonObject, frozen=True, kw_only=True):
    path: str
    uuid: str
    size: Count
    mtime_ns: int
    tree: str
    asked: str | None
    num_entries: Count
    entry_start: Count
    # Format 1 always took all entries of a tree, and had no such field.
    tree_entries: Count | None = None
    metadata: dict[str, str]
    tree_start: Count = 0
    tag: str = ""
    matches: Count | None = None
    naming: tuple[str, ...] = ()
    friends: tuple[FriendRecord, ...] = ()
    friend_of: Count | None = None
    numbers: NumberRecord = msgspec.field(default_factory=NumberRecord)


class _Rule(JsonObject, frozen=True):
    """The arguments of `Splits` that are not None."""

    by: Literal["file"] | tuple[str, ...] | None = None
    fractions: dict[str, _Share] | None = None
    num_folds: Count | None = None
    val: _Share | None = None
    fold_by: str | None = None
    split_by: str | None = None
    seed: int = 0


class _Splits(JsonObject, frozen=True):
    by: Literal["position"] | None = None
    splits: _Rule | None = None
    made_of: Hash | None = None
    notes: tuple[str, ...] = ()
    own: dict[str, tuple[Hash, Hash]] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.by is None) == (self.splits is None):
            raise ValueError("expected by or splits, and not both")


class _MetadataJson(JsonObject, frozen=True, kw_only=True):
    generation: Count
    columns: dict[str, _JsonColumn]
    hashes: dict[Hash, str]
    sources: tuple[_Source, ...]
    matches: tuple[dict[str, tuple[str, ...]], ...] = ()
    friend_of: tuple[dict[str, str], ...] = ()
    parts: tuple[tuple[tuple[Hash, Count], ...], ...]
    splits: _Splits | None = None


def encode(metadata: Metadata, *, written_by: str = __version__) -> bytes:
    """Return metadata as a document."""
    columns = metadata.columns.values()
    made_of = [column.origin.parts for column in columns if column.origin is not None]
    made_of += [column.events for column in columns if column.events is not None]
    # Most columns have the same parts, which are written once.
    indices = {parts: i for i, parts in enumerate(dict.fromkeys(made_of))}
    # Files of one kind share the branches that match the patterns.
    matches = [tuple(source.matches.items()) for source in metadata.sources]
    kinds = {items: i for i, items in enumerate(dict.fromkeys(matches))}
    # So do their friends.
    friend_of = dict.fromkeys(tuple(s.friend_of.items()) for s in metadata.sources if s.friends)
    fields = {
        "generation": metadata.generation,
        "columns": {
            key: _column_to_json(column, indices) for key, column in metadata.columns.items()
        },
        "hashes": {hash_text(number): text for number, text in metadata.hashes.items()},
        "sources": [
            _source_to_json(source, kinds[items], [*friend_of])
            for source, items in zip(metadata.sources, matches, strict=True)
        ],
        "matches": [dict(items) for items in kinds],
        **({"friend_of": [dict(items) for items in friend_of]} if friend_of else {}),
        "parts": [*indices],
        "splits": metadata.splits,
    }
    return _FORMAT.encode(fields, written_by=written_by)


def decode(data: bytes, *, path: str) -> Metadata:
    """Return the metadata of a document.

    Raises
    ------
    CorruptStoreError
        If it is no such document, is damaged, or of a newer memmpy.
    """
    with _FORMAT.damage_errors(path):
        values, is_sealed = parse(data)
        if is_legacy(values):
            return decode_legacy(values, path=path)
        version, fields = _FORMAT.fields_of(values, is_sealed=is_sealed, path=path)
        document = from_json(fields, _MetadataJson)
        for number, text in document.hashes.items():
            if hash64(text) != int(number, 16):
                raise ValueError(f"hashes.{number}: {text!r} has another hash")
        return Metadata(
            generation=document.generation,
            columns={
                key: _column_of(document, key, fields["columns"][key]) for key in document.columns
            },
            sources=tuple(_source_of(document, source) for source in document.sources),
            hashes={int(number, 16): text for number, text in document.hashes.items()},
            splits=fields.get("splits"),
            format_version=version,
        )


def _source_to_json(
    source: SourceRecord, matches: int, friend_of: list[tuple[tuple[str, str], ...]]
) -> dict[str, Any]:
    values = {name: getattr(source, name) for name in _Source.__struct_fields__}
    del values["friends"], values["friend_of"], values["numbers"]
    values["matches"] = matches
    if source.numbers != NumberRecord():
        values["numbers"] = to_json(source.numbers)
    if source.friends:
        values["friends"] = [to_json(friend) for friend in source.friends]
        values["friend_of"] = friend_of.index(tuple(source.friend_of.items()))
    return values


def _column_to_json(column: ColumnRecord, indices: Mapping[tuple[Part, ...], int]) -> Any:
    values: dict[str, Any] = {
        "kind": column.kind,
        "num_entries": column.num_entries,
        "arrays": {role: to_json(array) for role, array in column.arrays.items()},
        "details": column.details,
    }
    if column.origin is not None:
        origin = column.origin
        is_same = len(set(origin.made_by)) == 1  # nearly always
        values["origin"] = {
            "recipe": origin.spec,
            "parts": indices[origin.parts],
            "made_by": origin.made_by[0] if is_same else origin.made_by,
        }
        if origin.clipped:
            values["origin"]["clipped"] = origin.clipped
        if origin.branches:
            values["origin"]["branches"] = origin.branches
    if column.events is not None:
        values["events"] = indices[column.events]
    return values


def _column_of(document: _MetadataJson, key: str, values: dict[str, Any]) -> ColumnRecord:
    """Return a column from the document; `values` are its JSON values."""
    column = document.columns[key]
    origin = None
    if column.origin is not None:
        parts = _parts(document, column.origin.parts, key)
        made_by, clipped = column.origin.made_by, column.origin.clipped
        if isinstance(made_by, str):
            made_by = (made_by,) * len(parts)
        recipe = column.origin.recipe
        per_part: list[tuple[str, Sized]] = [
            (name, each)
            for name, each in (
                ("made_by", made_by),
                ("clipped", clipped),
                ("metadata", recipe.metadata),
            )
            if each  # unknown otherwise
        ]
        per_part += [("numbers", numbers.values) for numbers in (recipe.numbers or {}).values()]
        for name, each in per_part:
            if len(each) != len(parts):
                raise ValueError(
                    f"columns.{key}: {name} has {len(each)} items for {len(parts)} parts"
                )
        branches = column.origin.branches
        origin = Origin(values["origin"]["recipe"], parts, made_by, clipped, branches)
    return ColumnRecord(
        kind=column.kind,
        num_entries=column.num_entries,
        arrays=column.arrays,
        details=values["details"],
        origin=origin,
        events=None if column.events is None else _parts(document, column.events, key),
    )


def _parts(document: _MetadataJson, index: int, key: str) -> tuple[Part, ...]:
    if index >= len(document.parts):
        raise ValueError(f"columns.{key}: no parts {index} of {len(document.parts)}")
    return document.parts[index]


def _source_of(document: _MetadataJson, source: _Source) -> SourceRecord:
    fields = {**asdict(source), "numbers": source.numbers}
    if source.tree_entries is None:
        fields["tree_entries"] = source.num_entries
    fields["matches"] = {}
    if source.matches is not None:
        if source.matches >= len(document.matches):
            raise ValueError(f"sources: no matches {source.matches} of {len(document.matches)}")
        fields["matches"] = document.matches[source.matches]
    fields["friend_of"] = {}
    if source.friend_of is not None:
        if source.friend_of >= len(document.friend_of):
            raise ValueError(
                f"sources: no friend_of {source.friend_of} of {len(document.friend_of)}"
            )
        fields["friend_of"] = document.friend_of[source.friend_of]
        if unknown := {*fields["friend_of"].values()} - {f.name for f in source.friends}:
            raise ValueError(f"sources: no friend {min(unknown)!r} of {source.path!r}")
    return SourceRecord(**fields)


def _is_deeper(value: Any, depth: int) -> bool:
    """Return whether JSON values are nested in more than `depth` levels."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(item, depth - 1) for item in inner)
