"""Doors to frameworks: the batches of a loader as PyTorch, JAX, XGBoost and others take them."""

from memmpy.frameworks.feature_matrix import feature_matrix
from memmpy.frameworks.lightgbm import to_lightgbm
from memmpy.frameworks.pandas import to_pandas
from memmpy.frameworks.xgboost import to_xgboost

__all__ = ["feature_matrix", "to_lightgbm", "to_pandas", "to_xgboost"]
