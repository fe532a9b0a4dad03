"""`load_root`: from files to batches in one call; `training_set`; drafts of recipes."""

from memmpy.pipeline.load_root import load_root
from memmpy.pipeline.recipe_draft import draft_recipe
from memmpy.pipeline.training_files import training_set

__all__ = ["draft_recipe", "load_root", "training_set"]
