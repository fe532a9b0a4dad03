"""Decodes ROOT's compact number types `Double32_t` and `Float16_t`.

The rules are those of ROOT's ``GetRange`` (TStreamerElement.cxx) and of ``ReadDouble32`` and
``ReadFloat16`` of `TBufferFile`, bit for bit.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.typing import Array

__all__ = ["Truncation", "fixed_shape", "truncation_of"]

#: Type numbers of ROOT in a TLeafElement; arrays have 20 more.
_DOUBLE32, _FLOAT16, _ARRAY = 9, 19, 20
#: The bit of a streamer element with a range, since version 4.
_HAS_RANGE = 1 << 6

_FLOAT16_BITS = 12
_MAX_MANTISSA = 14

#: Words that ROOT searches in a limit, in this order. It ignores the rest of the text.
_PIS = {
    "2pi": 2 * math.pi,
    "2*pi": 2 * math.pi,
    "twopi": 2 * math.pi,
    "pi/2": math.pi / 2,
    "pi/4": math.pi / 4,
    "pi": math.pi,
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_INTEGER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True, slots=True)
class Truncation:
    """The encoding of the truncated numbers of one branch.

    Parameters
    ----------
    dtype : np.dtype
        Dtype of the values.
    factor, low : float
        A value is the stored uint32 divided by `factor`, plus `low`. A factor of 0 means no range.
    num_bits : int
        Without a range: bits of the mantissa in 3 stored bytes, or 0 for floats of 4 bytes.
    """

    dtype: np.dtype[Any]
    factor: float = 0
    low: float = 0
    num_bits: int = 0

    @property
    def stored(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Dtype and shape of one number in the file."""
        if self.factor:
            return np.dtype(">u4"), ()
        return (np.dtype("u1"), (3,)) if self.num_bits else (np.dtype(">f4"), ())

    def unpack(self, stored: Array) -> Array:
        """Return the values of stored numbers; the last axes are the bytes of a number."""
        if self.factor:
            return np.asarray(stored / self.factor + self.low, self.dtype)
        if not self.num_bits:
            return np.asarray(stored, self.dtype)
        exponent, high, low = np.moveaxis(stored.astype(np.uint32), -1, 0)
        mantissa = high << 8 | low
        sign = mantissa >> (self.num_bits + 1) & 1
        mantissa &= (1 << (self.num_bits + 1)) - 1
        # As in ROOT, where rounding up the mantissa may carry into the exponent.
        bits: Array = exponent << 23 | mantissa << (23 - self.num_bits) | sign << 31
        return np.asarray(bits.view(np.float32), self.dtype)


def truncation_of(branch: Any) -> Truncation | None:
    """Return the truncation of an uproot branch, or None if it has another type.

    Raises
    ------
    ValueError
        If ROOT itself cannot read its range.
    """
    leaves = branch.member("fLeaves")
    if len(leaves) != 1 or branch.branches:
        return None
    [leaf] = leaves
    if leaf.classname in {"TLeafD32", "TLeafF16"}:
        is_double, text = leaf.classname == "TLeafD32", _range_of_leaf(leaf)
    elif leaf.classname == "TLeafElement":
        kind = leaf.member("fType")
        kinds = {_DOUBLE32, _FLOAT16, _DOUBLE32 + _ARRAY, _FLOAT16 + _ARRAY}
        if kind not in kinds or branch.streamer is None:
            return None
        is_double, text = kind % _ARRAY == _DOUBLE32, _range_of_member(branch)
    else:
        return None
    dtype = np.dtype(np.float64 if is_double else np.float32)
    factor, low = _range(text)
    if factor:
        return Truncation(dtype, factor, low)
    num_bits = int(low) or (0 if is_double else _FLOAT16_BITS)
    if not 0 <= num_bits <= _MAX_MANTISSA:
        raise ValueError(f"its range {text!r} makes a mantissa of {num_bits} bits")
    return Truncation(dtype, num_bits=num_bits)


def fixed_shape(branch: Any) -> tuple[int, ...]:
    """Return the shape of an entry of a branch of one leaf, or of an item of its lists.

    Raises
    ------
    ValueError
        If the shape is unknown.
    """
    [leaf] = branch.member("fLeaves")
    length = int(leaf.member("fLen"))
    for title in (leaf.member("fTitle"), branch.member("fTitle")):  # ROOT 6.18 has only the latter
        shape = tuple(map(int, re.findall(r"\[(\d+)\]", title.partition("/")[0])))
        if math.prod(shape) == length:
            return shape
    raise ValueError(f"it has {length} numbers per entry, and not in the shape of {title!r}")


def _range_of_leaf(leaf: Any) -> str:
    """Return the range after the type in a leaf list: ``x[3]/d[0,100,16]``."""
    title, letter = leaf.member("fTitle"), "d" if leaf.classname == "TLeafD32" else "f"
    if title.startswith(f"{letter}["):  # of ROOT 6.18 and 6.20
        return str(title[1:])
    return str(title.partition("/")[2][1:]) if f"/{letter}[" in title else ""


def _range_of_member(branch: Any) -> str:
    """Return the comment of a class member if it has a range."""
    element = branch.streamer
    versions = branch.file.streamers.get(branch.member("fParentName"), {})
    members = [m for info in versions.values() for m in info.elements if m.name == element.name]
    if len({member.title for member in members}) > 1:
        raise ValueError("the file has versions of its class with different ranges")
    base = element
    while base.classname != "TStreamerElement":
        base = base.bases[0]
    has_range = base.instance_version < 4 or element.member("@fBits") & _HAS_RANGE
    return str(element.title) if has_range else ""


def _range(text: str) -> tuple[float, float]:
    """Return the factor and the lower limit of a range, or 0 and the bits of the mantissa.

    The first of two brackets may be a dimension.
    """
    match = re.match(r"[^\[]*\[([^\]]*)\](?:[^\[]*\[([^\]]*)\])?", text)
    specs = [spec for spec in match.groups() if spec and "," in spec] if match else []
    if not specs:
        return 0.0, 0.0
    low_text, high_text, bits_text = (specs[0] + ",").split(",", 2)
    bits = _INTEGER.match(bits_text)
    num_bits = int(bits[1]) if bits and 2 <= int(bits[1]) <= 32 else 32
    low, high = _limit(low_text), _limit(high_text)
    if low < high:
        return ((1 << num_bits) - (num_bits == 32)) / (high - low), low
    return 0.0, num_bits if num_bits <= _MAX_MANTISSA else low


def _limit(text: str) -> float:
    text = text.lower().replace(" ", "")
    for word, value in _PIS.items():
        if word in text:
            return -value if "-" in text else value
    if re.match(r"[+-]?(?:0x|inf|nan)", text):
        raise ValueError(f"its range has the limit {text!r}")
    number = _NUMBER.match(text)
    return float(number[0]) if number else 0.0
