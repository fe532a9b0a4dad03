"""The command line: ``memmpy VERB``."""

from memmpy.cli.main import main

__all__ = ["main"]
