"""The public names of memmpy, each with the room that it comes from."""

from memmpy import errors as errors
from memmpy._version import __version__
from memmpy.columns import (
    ReadJagged,
    ReadNested,
    ReadShaped,
    ReadText,
    WriteJagged,
    WriteNested,
    WriteShaped,
    WriteText,
    WriteVector,
    load_memmaps,
    read_vector,
)
from memmpy.conversion import RFileConfig, convert, plan_conversion
from memmpy.cuts import CutFlow, compute_cut_batched, cutflow
from memmpy.dataset import Store, clean, verify
from memmpy.dataset import open as open
from memmpy.display import show_versions
from memmpy.errors import MemmpyError, MemmpyWarning, SplitError
from memmpy.export import write_friend
from memmpy.frameworks import (
    feature_matrix,
    to_jax,
    to_keras,
    to_lightgbm,
    to_pandas,
    to_torch,
    to_xgboost,
)
from memmpy.jagged import Jagged
from memmpy.loaders import Sampling, Shuffle, SimpleLoader, shuffle_score
from memmpy.parallel import Work
from memmpy.pipeline import load_root, training_set
from memmpy.report import headspace, write_report
from memmpy.skims import Objects, Skim, skim
from memmpy.splits import SplitLoader, Splits, overlap
from memmpy.store import Transaction
from memmpy.training import Audit, Finding, Reweight, TrainingSet

__all__ = [
    "Audit",
    "CutFlow",
    "Finding",
    "Jagged",
    "MemmpyError",
    "MemmpyWarning",
    "Objects",
    "RFileConfig",
    "ReadJagged",
    "ReadNested",
    "ReadShaped",
    "ReadText",
    "Reweight",
    "Sampling",
    "Shuffle",
    "SimpleLoader",
    "Skim",
    "SplitError",
    "SplitLoader",
    "Splits",
    "Store",
    "TrainingSet",
    "Transaction",
    "Work",
    "WriteJagged",
    "WriteNested",
    "WriteShaped",
    "WriteText",
    "WriteVector",
    "__version__",
    "clean",
    "compute_cut_batched",
    "convert",
    "cutflow",
    "feature_matrix",
    "headspace",
    "load_memmaps",
    "load_root",
    "overlap",
    "plan_conversion",
    "read_vector",
    "show_versions",
    "shuffle_score",
    "skim",
    "to_jax",
    "to_keras",
    "to_lightgbm",
    "to_pandas",
    "to_torch",
    "to_xgboost",
    "training_set",
    "verify",
    "write_friend",
    "write_report",
]
