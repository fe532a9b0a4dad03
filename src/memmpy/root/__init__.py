"""ROOT's words live here: files, trees and branches in, columns out."""

from memmpy.root.config import RFileConfig, RootFiles
from memmpy.root.convert import Conversion, convert

__all__ = ["Conversion", "RFileConfig", "RootFiles", "convert"]
