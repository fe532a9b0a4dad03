"""Fixtures of the tests of frameworks."""

from tests.training.conftest import sample

__all__ = ["sample"]
