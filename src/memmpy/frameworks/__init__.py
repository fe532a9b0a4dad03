"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""

from memmpy.frameworks.jax import to_jax

__all__ = ["to_jax"]
