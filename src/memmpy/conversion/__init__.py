"""Conversion of event files to columns: planned as data, then run by workers."""

from memmpy.conversion.convert import (
    Conversion,
    convert,
    convert_request,
    plan_conversion,
    plan_request,
)
from memmpy.conversion.planning.config import (
    Input,
    Number,
    RFileConfig,
    RootFiles,
    list_configs,
    list_inputs,
    metadata_names,
)
from memmpy.conversion.planning.conversion_request import ConversionRequest
from memmpy.conversion.planning.key_patterns import (
    check_aliases,
    check_names,
    check_one_key,
    check_some_key,
    make_specs,
    names_in,
    split_renames,
)
from memmpy.conversion.planning.plan import ConversionPlan
from memmpy.conversion.repair import repair_columns
from memmpy.conversion.running.column_records import total_clipping

__all__ = [
    "Conversion",
    "ConversionPlan",
    "ConversionRequest",
    "Input",
    "Number",
    "RFileConfig",
    "RootFiles",
    "check_aliases",
    "check_names",
    "check_one_key",
    "check_some_key",
    "convert",
    "convert_request",
    "list_configs",
    "list_inputs",
    "make_specs",
    "metadata_names",
    "names_in",
    "plan_conversion",
    "plan_request",
    "repair_columns",
    "split_renames",
    "total_clipping",
]
