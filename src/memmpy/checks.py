"""Checks arguments that many functions take: keys, paths, and seconds to wait."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.errors import OptionError

__all__ = ["check_key", "check_path", "check_timeout"]


def check_key(key: object) -> str:
    """Return the key of a new column; raise an `OptionError` unless it is a text, and not empty."""
    if not isinstance(key, str):
        raise OptionError(f"a key is a text, got {key!r}")
    if not key:
        raise OptionError("a key must not be empty")
    return key


def check_path(path: object) -> Path:
    """Return the path of a store or a skim; raise an `OptionError` unless it is a path."""
    if isinstance(path, str | os.PathLike):
        name: object = os.fspath(path)
        if isinstance(name, str):
            return Path(name)
    raise OptionError(f"a path is a text or a pathlib.Path, got {path!r}")


def check_timeout(lock_timeout: Any) -> float:  # of any type: it is checked here
    """Return the seconds to wait for a lock; raise an `OptionError` unless they are a number."""
    is_number = isinstance(lock_timeout, int | float | np.integer | np.floating)
    seconds = float(lock_timeout) if is_number else math.nan
    if math.isnan(seconds) or isinstance(lock_timeout, bool):
        message = "lock_timeout is a number of seconds, below zero for no limit; "
        raise OptionError(f"{message}got {lock_timeout!r}")
    return seconds
