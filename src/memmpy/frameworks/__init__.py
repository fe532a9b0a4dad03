"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""

from memmpy.frameworks.torch import TorchLoader, to_torch
from memmpy.frameworks.torch_tensors import GraphTensor, JaggedTensor, PackedTensor

__all__ = ["GraphTensor", "JaggedTensor", "PackedTensor", "TorchLoader", "to_torch"]
