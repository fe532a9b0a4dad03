"""Identities and tickets: 64 bits that name each event, and a hash of them. Format version 2.

``word(x)`` is an integer modulo 2**64; of the words from ``2**64 - 2**31`` on, which are negative
numbers of 32 bits, the lower 32 bits. So UInt_t, Int_t, ULong64_t and Long64_t that hold the same
bits give the same word. With ``+`` modulo 2**64, and `mix64`, `absorb` and `derive_key` as in
`memmpy.kernels.hashing`:

- the identity of an entry of a file is
  ``absorb(derive_key(uuid, tree, purpose="file identity"), word(entry))``, of the 16 bytes of the
  file's UUID and the tree's name in UTF-8;
- the identity of the values a, b, ... of `n` columns is
  ``absorb(absorb(derive_key(n, purpose="column identity"), word(a)), word(b))`` and so on;
- the ticket of an identity is ``absorb(derive_key(seed, purpose="ticket"), identity)``, and
  stands for the number ticket / 2**64 in [0, 1).

Within a file no two entries share an identity, since `absorb` is a bijection. Version 1 took
negative numbers of 32 bits modulo 2**64.
"""

import uuid as uuids
from collections.abc import Sequence

import numpy as np

from memmpy.checks import check_seed
from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.kernels import Words, absorb, derive_key
from memmpy.typing import Array, Entries

__all__ = ["TICKET_VERSION", "column_identities", "file_identities", "tickets"]

#: The version of the formulas above: another one would put events into other splits.
TICKET_VERSION = 2
#: The first word of a negative number of 32 bits, and its upper 32 bits.
_NEGATIVE_WORDS, _UPPER_BITS = np.uint64(2**64 - 2**31), np.uint64(2**64 - 2**32)


def file_identities(uuid: bytes | str, tree: str, entries: Entries) -> Words:
    """Return the identity of entries of a tree of a file.

    Parameters
    ----------
    uuid : bytes or str
        The file's UUID: 16 bytes, or their text as `uuid.UUID` reads it.
    tree : str
        The tree's name, without a cycle number.
    entries : array of int64
        Entries of that tree.
    """
    key = derive_key(_uuid_bytes(uuid), tree.encode(), purpose="file identity")
    return absorb(key, entries.astype(np.uint64))


def column_identities(columns: Sequence[Array]) -> Words:
    """Return the identity of each entry, from columns that name it, such as run and event number.

    Parameters
    ----------
    columns : sequence of arrays
        One-dimensional integers or booleans of one length. Their order matters; how wide they
        are stored, and whether signed, does not: int32 5 and uint64 5 are the same, and so are
        int32 -1 and uint32 4294967295.

    Raises
    ------
    ColumnError
        For other dtypes: two events whose numbers a float rounds to one would become one.
    """
    if not columns:
        message = "an identity needs at least one column, such as ('runNumber', 'eventNumber')"
        raise OptionError(message)
    checked = [_identity_column(number, column) for number, column in enumerate(columns)]
    identities = np.full(
        len(checked[0]), derive_key(len(checked), purpose="column identity"), dtype=np.uint64
    )
    for number, column in enumerate(checked):
        if len(column) != len(checked[0]):
            message = (
                f"identity columns 0 and {number} have {len(checked[0]):,} and {len(column):,} "
                "entries: they must have the same number"
            )
            raise LengthError(message)
        identities = absorb(identities, _words(column))
    return identities


def tickets(identities: Words, seed: int) -> Words:
    """Return the ticket of each identity, uniform in 0..2**64-1 and unrelated between seeds."""
    return absorb(derive_key(check_seed("seed", seed), purpose="ticket"), identities)


def _words(column: Array) -> Words:
    words = column.astype(np.uint64)
    if column.dtype.kind == "i" or column.dtype.itemsize == 8:
        words[words >= _NEGATIVE_WORDS] -= _UPPER_BITS
    return words


def _identity_column(number: int, column: Array) -> Array:
    column = np.asarray(column)
    if column.dtype.kind not in "iub" or column.ndim != 1:
        message = (
            f"identity column {number} has dtype {column.dtype} and shape {column.shape}: an "
            "identity is made of one-dimensional integers or booleans, because rounding could give "
            "two events one name"
        )
        raise ColumnError(message)
    return column


def _uuid_bytes(uuid: bytes | str) -> bytes:
    if isinstance(uuid, bytes) and len(uuid) == 16:
        return uuid
    if isinstance(uuid, str):
        try:
            return uuids.UUID(uuid).bytes
        except ValueError:
            pass
    message = f"a file's UUID is 16 bytes, or their text, not {uuid!r}"
    raise OptionError(message)
