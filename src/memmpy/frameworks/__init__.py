"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""
