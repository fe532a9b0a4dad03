"""Lightning: a data module of the splits of a training set."""

from memmpy.frameworks.data_module import MemmpyDataModule

__all__ = ["MemmpyDataModule"]
