"""The skims that lie in a store."""

import re
from pathlib import Path

from memmpy.errors import CorruptStoreError, MissingFileError
from memmpy.skims.keeping import SKIMS
from memmpy.skims.read import Skim
from memmpy.typing import PathLike

__all__ = ["list_skims"]

_FOLDER = re.compile(r"[0-9a-f]{16}")


def list_skims(path: PathLike) -> list[Skim]:
    """Return the skims of a store, by name; also those that would be made anew now.

    One that is damaged is left out: it is made anew when it is asked for.
    """
    folder = Path(path) / SKIMS
    found = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if _FOLDER.fullmatch(file.name) is not None:
            try:
                found.append(Skim.open(file))
            except (MissingFileError, CorruptStoreError):
                continue
    return found
