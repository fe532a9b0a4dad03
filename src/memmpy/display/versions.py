"""The versions of memmpy, of Python and of the packages that memmpy uses."""

import os
import platform
import re
import sys

from memmpy._version import __version__

__all__ = ["show_versions"]

#: The extra with the packages of memmpy's own tests.
_TESTS = "test"


def show_versions() -> None:
    """Print the versions of memmpy, Python and all packages that memmpy uses, for a bug report.

    No package is imported, so that it also works where one is broken.

    Examples
    --------
    >>> memmpy.show_versions()  # doctest: +SKIP
    memmpy:       0.3.0
    python:       3.11.7 (/usr/bin/python3)
    platform:     Linux-6.8.0-x86_64-with-glibc2.36
    cpus:         16
    <BLANKLINE>
    awkward:      2.9.0
    click:        8.3.0
    ...
    """
    system = {
        "memmpy": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "cpus": str(os.cpu_count()),
    }
    needed, optional = _packages()
    sections = [system, *({name: _version(name) for name in names} for names in (needed, optional))]
    width = max(len(name) for section in sections for name in section) + 2
    blocks = [[f"{name + ':':{width}}{text}\n" for name, text in rows.items()] for rows in sections]
    sys.stdout.write("\n".join("".join(block) for block in blocks if block))


def _packages() -> tuple[list[str], list[str]]:
    """Return the packages that memmpy needs, and those of its extras, from its metadata."""
    from importlib import metadata  # slow, and most processes never show versions

    try:
        requirements = metadata.requires("memmpy") or []
    except metadata.PackageNotFoundError:  # run from a folder of sources
        requirements = []
    needed, optional = set(), set()
    for requirement in requirements:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        extra = re.search(r"""extra == ['"]([^'"]+)""", requirement)
        if extra is None:
            needed.add(name)
        elif extra[1] != _TESTS and name != "memmpy":  # the extra `all` names other extras
            optional.add(name)
    return sorted(needed), sorted(optional - needed)


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
