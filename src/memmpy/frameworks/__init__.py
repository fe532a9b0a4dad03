"""The batches of a loader as PyTorch, JAX, Keras, XGBoost, LightGBM and pandas take them."""

from memmpy.frameworks.feature_matrix import feature_matrix
from memmpy.frameworks.jax import JaxLoader, to_jax
from memmpy.frameworks.keras import to_keras
from memmpy.frameworks.lightgbm import to_lightgbm
from memmpy.frameworks.pandas import to_pandas
from memmpy.frameworks.torch import TorchLoader, to_torch
from memmpy.frameworks.torch_tensors import GraphTensor, JaggedTensor, PackedTensor
from memmpy.frameworks.xgboost import to_xgboost

__all__ = [
    "GraphTensor",
    "JaggedTensor",
    "JaxLoader",
    "PackedTensor",
    "TorchLoader",
    "feature_matrix",
    "to_jax",
    "to_keras",
    "to_lightgbm",
    "to_pandas",
    "to_torch",
    "to_xgboost",
]
