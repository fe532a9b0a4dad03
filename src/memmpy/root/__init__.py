"""ROOT's words live here: files, trees and branches in, columns out."""

from memmpy.root.config import RFileConfig, RootFiles, list_configs, list_inputs
from memmpy.root.convert import Conversion, convert
from memmpy.root.reading import TreeFile
from memmpy.root.recipe import check_names, names_in

__all__ = [
    "Conversion",
    "RFileConfig",
    "RootFiles",
    "TreeFile",
    "check_names",
    "convert",
    "list_configs",
    "list_inputs",
    "names_in",
]
