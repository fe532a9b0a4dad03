"""Files of events in, columns out: a plan of what must be read, and whoever carries it out."""

from memmpy.conversion.clipping import total_clipping
from memmpy.conversion.config import RFileConfig, RootFiles, list_configs, list_inputs
from memmpy.conversion.convert import (
    STEP_BYTES,
    Conversion,
    convert,
    convert_checked,
    plan_conversion,
)
from memmpy.conversion.plan import Plan
from memmpy.conversion.recipes import check_names, check_one_key, names_in, split_renames
from memmpy.conversion.repair import repair_columns

__all__ = [
    "STEP_BYTES",
    "Conversion",
    "Plan",
    "RFileConfig",
    "RootFiles",
    "check_names",
    "check_one_key",
    "convert",
    "convert_checked",
    "list_configs",
    "list_inputs",
    "names_in",
    "plan_conversion",
    "repair_columns",
    "split_renames",
    "total_clipping",
]
