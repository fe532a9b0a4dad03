"""Files of events in, columns out: a plan of what must be read, and whoever carries it out."""

from memmpy.conversion.config import RFileConfig, RootFiles, list_configs, list_inputs
from memmpy.conversion.convert import Conversion, convert
from memmpy.conversion.recipe import check_names, names_in

__all__ = [
    "Conversion",
    "RFileConfig",
    "RootFiles",
    "check_names",
    "convert",
    "list_configs",
    "list_inputs",
    "names_in",
]
