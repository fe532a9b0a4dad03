"""Stands in for torchvision, which `streaming` imports for data sets of pictures only.

That of PyPI is made for CUDA, and does not load beside a PyTorch without.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__: list[str] = []


def _nothing(*_: Any) -> None:
    raise NotImplementedError("torchvision is not here")


_NAMES: dict[str, dict[str, Any]] = {
    "torchvision": {},
    "torchvision.datasets": {"VisionDataset": object},
    "torchvision.transforms": {},
    "torchvision.transforms.functional": {"to_tensor": _nothing},
}
for _name, _content in _NAMES.items():
    _module = ModuleType(_name)
    _module.__path__ = []
    _module.__spec__ = ModuleSpec(_name, None, is_package=True)
    _module.__dict__.update(_content)
    sys.modules[_name] = _module
