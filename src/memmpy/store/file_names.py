"""Names of the files in a store, and the 64-bit hash in these names."""

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
    "hash64",
    "hash_text",
    "is_array_file",
    "is_leftover",
    "repair_folder",
    "temp_suffix",
]

#: The metadata of a store. Replacing this file commits a transaction.
METADATA = "metadata_memmpy.json"
#: The metadata of a skim, in the folder of the skim.
SKIM_METADATA = "metadata_skim.json"
#: The lock file, locked by the process that writes.
LOCK = "lock"
#: Folder of cached selections.
CUTS = "cuts"
#: Folder of unfinished arrays.
UNFINISHED = "unfinished"

_LEFTOVER = re.compile(rf"(repair|{re.escape(METADATA)})\.[0-9a-f.]+\.tmp")
_ARRAY_FILE = re.compile(r"[0-9a-f]{16}\.[0-9]+\.npy")


def hash64(text: str) -> int:
    """Return sha256 of the UTF-8 text, as an integer modulo 2**64."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[-8:], "big")


def hash_text(number: int) -> str:
    """Return a 64-bit number as 16 hexadecimal digits, as in file names and metadata."""
    return f"{number:016x}"


def array_file(name: str, generation: int) -> str:
    """Return the file name of an array."""
    return f"{hash_text(hash64(name))}.{generation}.npy"


def temp_suffix() -> str:
    """Return a unique suffix for a temporary file, which its writer renames at the end."""
    return f"{secrets.token_hex(8)}.tmp"


def repair_folder() -> str:
    """Return the name of a new temporary folder in which damaged columns are rebuilt."""
    return f"repair.{temp_suffix()}"


def is_leftover(name: str) -> bool:
    """Return whether a file name is that of a temporary file or folder of a writer."""
    return _LEFTOVER.fullmatch(name) is not None


def is_array_file(name: str) -> bool:
    """Return whether `array_file` makes such a file name."""
    return _ARRAY_FILE.fullmatch(name) is not None
