"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""

from memmpy.frameworks.jax import JaxLoader, to_jax
from memmpy.frameworks.keras import to_keras
from memmpy.frameworks.torch import TorchLoader, to_torch
from memmpy.frameworks.torch_tensors import GraphTensor, JaggedTensor, PackedTensor

__all__ = [
    "GraphTensor",
    "JaggedTensor",
    "JaxLoader",
    "PackedTensor",
    "TorchLoader",
    "to_jax",
    "to_keras",
    "to_torch",
]
