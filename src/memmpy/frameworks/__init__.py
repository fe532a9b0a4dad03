"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""

from memmpy.frameworks.jax import to_jax
from memmpy.frameworks.keras import to_keras

__all__ = ["to_jax", "to_keras"]
