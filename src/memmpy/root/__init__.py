"""ROOT's words live here: files, trees and branches in, columns out."""

from memmpy.root.config import RFileConfig, RootFiles, list_inputs
from memmpy.root.convert import Conversion, convert
from memmpy.root.reading import TreeFile

__all__ = ["Conversion", "RFileConfig", "RootFiles", "TreeFile", "convert", "list_inputs"]
