"""From files to a training set or to batches in one call, also by a recipe file."""

from memmpy.pipeline.load_root import load_root
from memmpy.pipeline.recipe_draft import draft_recipe
from memmpy.pipeline.recipe_file import RecipeFile, is_recipe, read_recipe
from memmpy.pipeline.training_columns import columns_request
from memmpy.pipeline.training_files import training_set

__all__ = [
    "RecipeFile",
    "columns_request",
    "draft_recipe",
    "is_recipe",
    "load_root",
    "read_recipe",
    "training_set",
]
