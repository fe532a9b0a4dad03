"""Convert ROOT files to memory-mapped columns, and load shuffled batches for training.

The public names are listed in `__init__.pyi`. Python imports the room of a name when the name is
first used (PEP 562), so that ``import memmpy`` is quick.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

from memmpy import errors as errors
from memmpy._version import __version__ as __version__

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
_ROOMS = {
    name.name: node.module
    for node in _STUB
    if isinstance(node, ast.ImportFrom) and node.module is not None
    for name in node.names
}
(__all__,) = [ast.literal_eval(node.value) for node in _STUB if isinstance(node, ast.Assign)]


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in _ROOMS:
        message = f"module 'memmpy' has no attribute {name!r}{errors.nearest(name, _ROOMS)}"
        raise AttributeError(message)
    value = getattr(import_module(_ROOMS[name]), name)
    return globals().setdefault(name, value)


def __dir__() -> list[str]:
    """Return the public names, without the subpackages."""
    return [*__all__, "open"]
