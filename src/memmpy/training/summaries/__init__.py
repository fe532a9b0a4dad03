"""Summaries of a training set: histograms and correlations of inputs, balance of classes."""

from memmpy.training.summaries.class_balance import ClassBalance, balance_of
from memmpy.training.summaries.correlations import Correlations
from memmpy.training.summaries.input_histograms import InputHistogram, InputHistograms
from memmpy.training.summaries.split_rows import SplitRows
from memmpy.training.summaries.training_summaries import TrainingSummaries

__all__ = [
    "ClassBalance",
    "Correlations",
    "InputHistogram",
    "InputHistograms",
    "SplitRows",
    "TrainingSummaries",
    "balance_of",
]
