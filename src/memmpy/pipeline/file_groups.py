"""Groups files by process and year, which it guesses from their paths."""

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memmpy.sources import Status, find

__all__ = ["FileGroup", "group_files"]

_SEPARATORS = r"_\-. "
#: A data-taking period, as a word of a path.
_YEAR = re.compile(
    rf"(?:^|(?<=[{_SEPARATORS}]))"
    r"(?:mc(?:16|20|21|23)[a-z]|20[12]\d(?:(?:pre|post)(?:VFP|EE|BPix))?)"
    rf"(?=$|[{_SEPARATORS}])"
)
#: Words of file names that are no process.
_GENERIC = re.compile(
    r"(?i)(?:(?:nano(?:aod)?(?:sim)?(?:v\d+)?|d?aod|physlite|phys|ntup(?:le)?s?|trees?|skim(?:med)?"
    r"|merged?|hadd|output|out|part|p|job|chunk|files?|f|events?|pool|root)?\d*)"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8,}(?:-[0-9A-Fa-f]+)*")
#: A data set of ATLAS, with its physics name; of CMS, a directory after the name.
_ATLAS = re.compile(r"(?:mc|data)\d\d_\w+TeV\.\d+\.([^.]+)\.")
_CMS = re.compile(r"([^/]+)/(?:MINI|NANO)AOD(?:SIM)?/")
_GENERATOR = re.compile(r"_(?:Tune|1[34](?:p\d)?TeV).*")
_DATA = re.compile(
    r"(?i)(?:data|run20[12]\d|single(?:muon|electron|photon)|double(?:muon|eg)|egamma|muon(?:eg)?$"
    r"|jetht|jetmet|met_run|\w*parked)"
)


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one process and year.

    Parameters
    ----------
    process : str
        The guess of the process.
    year : str
        The guess of the year or period; empty if it is unknown.
    paths : tuple of str
        The files as a user types them, one path or pattern each.
    files : tuple of Status
        The files.
    """

    process: str
    year: str
    paths: tuple[str, ...]
    files: tuple[Status, ...]

    @property
    def is_data(self) -> bool:
        """Whether the name is one of collision data."""
        return _DATA.match(self.process) is not None


def group_files(patterns: Sequence[str]) -> list[FileGroup]:
    """Return the files of paths, patterns and URLs in groups, in their order.

    All groups have a year, or none has.

    Raises
    ------
    MissingFileError
        If a file is missing, or a pattern matches none.
    """
    of_patterns = {pattern: _find(pattern) for pattern in patterns}
    # Two paths may lead to the same file.
    paths = {file.path: path for own in of_patterns.values() for path, file in own.items()}
    files = {path: file for own in of_patterns.values() for path, file in own.items()}
    names = {path: (_process_of(path), _year_of(path)) for path in dict.fromkeys(paths.values())}
    has_years = all(year for _, year in names.values())
    groups: dict[tuple[str, str], list[str]] = {}
    for path, (process, year) in names.items():
        groups.setdefault((process, year if has_years else ""), []).append(path)
    return [
        FileGroup(
            process,
            year,
            tuple(_patterns_of(own, of_patterns)),
            tuple(files[path] for path in own),
        )
        for (process, year), own in groups.items()
    ]


def _find(pattern: str) -> dict[str, Status]:
    """Return the files of a pattern by path, as a user types it."""
    statuses = find(pattern)
    if "://" in pattern:
        return {status.path: status for status in statuses}
    is_there = len(statuses) == 1 and Path(pattern).exists()
    names = [pattern] if is_there else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    return dict(zip(names, statuses, strict=True))


def _year_of(path: str) -> str:
    match = _YEAR.search(path.rpartition("/")[2]) or _YEAR.search(path.replace("/", "."))
    return match[0] if match else ""


def _process_of(path: str) -> str:
    """Return the process of a file: from its name, or else from the nearest directory."""
    if match := _ATLAS.search(path):
        return match[1]
    if match := _CMS.search(path):
        return _GENERATOR.sub("", match[1])
    folder = path.rpartition("/")[0].rpartition("/")[2]
    if folder.casefold() != "data" and _DATA.match(folder):
        return folder
    for part in reversed(path.split("/")):
        name = _process_in(re.sub(r"\.(?:root|parquet|pq|h5|hdf5)(?:\.\d+)?$", "", part))
        if name and not part.endswith(":"):
            return name
    return "sample"


def _process_in(stem: str) -> str:
    """Return the process in a name, without the year and words at its ends such as ``nano``."""
    if _UUID.fullmatch(stem):
        return ""
    plain = _YEAR.sub("", _GENERATOR.sub("", stem)).replace("'", "_")  # it stands in quotes
    words = re.split(f"([{_SEPARATORS}]+)", plain)
    while words and (not words[0] or _GENERIC.fullmatch(words[0])):
        words = words[2:]
    while words and (not words[-1] or _GENERIC.fullmatch(words[-1])):
        if words[-1].isdecimal() and words[-2:-1] == ["-"]:  # a mass: M-50
            break
        words = words[:-2]
    return "".join(words)


def _patterns_of(
    paths: Sequence[str], of_patterns: Mapping[str, Mapping[str, Status]]
) -> list[str]:
    """Return few paths and patterns that match just these files."""
    for pattern, matches in of_patterns.items():
        if len(paths) > 1 and set(matches) == set(paths):
            return [pattern]
    folders = {path.rpartition("/")[0] for path in paths}
    if len(paths) == 1 or len(folders) > 1 or "://" in paths[0]:
        return list(paths)
    names = [path.rpartition("/")[2] for path in paths]
    folder = paths[0].removesuffix(names[0])
    start = _common_start(names)
    end = _common_start([name[::-1] for name in names])[::-1]
    for name in (f"*{Path(names[0]).suffix}", f"{start}*{end}"):
        pattern = f"{folder}{name}"
        if sorted(glob.glob(pattern)) == sorted(paths):  # noqa: PTH207 - the user's spelling
            return [pattern]
    return list(paths)


def _common_start(names: Sequence[str]) -> str:
    """Return the characters with which all names begin."""
    first = names[0]
    return next(
        (
            first[:stop]
            for stop in range(len(first), 0, -1)
            if all(name.startswith(first[:stop]) for name in names)
        ),
        "",
    )
