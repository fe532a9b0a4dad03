"""Types of the values in JSON documents, and the conversion of JSON values to them."""

import re
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

__all__ = ["Checksum", "Count", "Hash", "JsonObject", "from_json", "to_json"]

_Type = TypeVar("_Type")

#: A count or an index.
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
#: A hash, as `hash_text` writes it.
Hash: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
#: A checksum, as `crc_text` writes it.
Checksum: TypeAlias = Annotated[str, Meta(pattern=r"\Acrc32:[0-9a-f]{8}\Z")]


class JsonObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A JSON object with known fields. Fields with a default may be missing."""


def from_json(value: Any, kind: type[_Type]) -> _Type:
    """Convert a parsed JSON value to a declared type.

    Raises
    ------
    ValueError
        If it has another type. Names the place in the document and the expected type.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=_decode_dtype)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        where = _named(place, value, kind, str(error))
        raise ValueError(f"{where}{what[:1].lower()}{what[1:]}") from error


def to_json(document: JsonObject) -> dict[str, Any]:
    """Return the JSON values of an object, which `from_json` converts back."""
    values: dict[str, Any] = msgspec.to_builtins(document, enc_hook=_encode)
    return values


def _encode(value: Any) -> Any:
    """Return the JSON value of a dtype, or of a text of a subclass of str such as ``np.str_``."""
    return str.__str__(value) if isinstance(value, str) else np.lib.format.dtype_to_descr(value)


def _decode_dtype(_: type, descr: Any) -> np.dtype[Any]:
    """Return the dtype of a description from a ``.npy`` header: a text, or a list of fields."""
    try:
        dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(_tuples(descr))
    except (LookupError, TypeError, ValueError, AttributeError, SyntaxError) as error:
        raise ValueError(f"{descr!r:.80} is not a dtype") from error
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(f"values of dtype {dtype} have no fixed width")
    return dtype


def _tuples(descr: Any) -> Any:
    """Convert the lists of a structured dtype's fields, as JSON has them, to tuples."""
    if not isinstance(descr, list):
        return descr
    return [
        (
            tuple(name) if isinstance(name, list) else name,  # a title, and a name
            _tuples(kind),
            *(tuple(shape) for shape in rest),
        )
        for name, kind, *rest in descr
    ]


def _named(place: str, value: Any, kind: Any, message: str) -> str:
    """Return a place such as ``$.columns[...].shape`` with the keys that msgspec leaves out."""
    names, inner = [], value
    for field, index in re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", place):
        step = field or (_culprit(inner, value, kind, message) if index == "..." else int(index))
        names.append(str(step))
        inner = inner[step]
    if place.startswith("`key`"):
        names.append("a name")
    return f"{'.'.join(names)}: " if names else ""


def _culprit(items: dict[str, Any], value: Any, kind: Any, message: str) -> str:
    """Return the key of the item that causes a message, and remove all others from `items`."""
    for key, item in dict(items).items():
        items.clear()
        items[key] = item
        try:
            msgspec.convert(value, kind, dec_hook=_decode_dtype)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return key
    raise AssertionError(message)
