"""Names of the files of a store, and the 64-bit hash that names them."""

import hashlib
import re
import secrets

__all__ = [
    "CUTS",
    "LOCK",
    "METADATA",
    "SKIM_METADATA",
    "UNFINISHED",
    "array_file",
    "aside_suffix",
    "hash64",
    "hash_text",
    "is_array_file",
    "is_leftover",
    "repair_folder",
]

#: The commit point: what this file says is the store.
METADATA = "metadata_memmpy.json"
#: The same of a skim, in a folder of its own.
SKIM_METADATA = "metadata_skim.json"
#: Held by the one process that writes.
LOCK = "lock"
#: Folder of cached selections.
CUTS = "cuts"
#: Folder of arrays that are being made.
UNFINISHED = "unfinished"

_LEFTOVER = re.compile(rf"(repair|{re.escape(METADATA)})\.[0-9a-f.]+\.tmp")
_ARRAY_FILE = re.compile(r"[0-9a-f]{16}\.[0-9]+\.npy")


def hash64(text: str) -> int:
    """Return sha256 of the UTF-8 text, as an integer modulo 2**64."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[-8:], "big")


def hash_text(number: int) -> str:
    """Return a 64-bit number as it stands in file names and metadata: 16 hexadecimal digits."""
    return f"{number:016x}"


def array_file(name: str, generation: int) -> str:
    """Return the file name of an array of a store."""
    return f"{hash_text(hash64(name))}.{generation}.npy"


def aside_suffix() -> str:
    """Return how the name of a new file ends that only its caller writes, until it is renamed."""
    return f"{secrets.token_hex(8)}.tmp"


def repair_folder() -> str:
    """Return the name of a new folder of a store, in which damaged columns are made again."""
    return f"repair.{aside_suffix()}"


def is_leftover(name: str) -> bool:
    """Say whether a name of a store is one that a writer makes for a while, for itself alone."""
    return _LEFTOVER.fullmatch(name) is not None


def is_array_file(name: str) -> bool:
    """Say whether a file name is one that `array_file` makes."""
    return _ARRAY_FILE.fullmatch(name) is not None
