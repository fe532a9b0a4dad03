"""ROOT's words live here: files, trees and branches in, columns out."""

from memmpy.root.config import RFileConfig, RootFiles, list_configs, list_inputs
from memmpy.root.convert import Conversion, convert
from memmpy.root.reading import TreeFile
from memmpy.root.recipe import branches_of

__all__ = [
    "Conversion",
    "RFileConfig",
    "RootFiles",
    "TreeFile",
    "branches_of",
    "convert",
    "list_configs",
    "list_inputs",
]
