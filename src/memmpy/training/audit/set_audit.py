"""Audit a training set: find inputs, labels and weights that would spoil a training."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import format_share
from memmpy.loaders import rows_between
from memmpy.parallel import num_helpers
from memmpy.skims import Skim
from memmpy.splits import Splits, has_source_identity
from memmpy.store import Metadata, process_of, read_metadata, source_numbers
from memmpy.training.audit.count_findings import count_input, findings_of_counts
from memmpy.training.audit.findings import LEVELS, Audit, Finding, Level
from memmpy.training.audit.input_samples import InputSample, sample_input
from memmpy.training.audit.repeat_findings import file_names
from memmpy.training.audit.repeats import source_groups
from memmpy.training.audit.sample_findings import (
    SampledInput,
    findings_of_samples,
    findings_of_sources,
)
from memmpy.training.audit.weight_findings import (
    findings_of_classes,
    findings_of_weights,
    weight_extremes,
)
from memmpy.training.class_numbers import rows_of_classes
from memmpy.training.event_groups import EventGroups
from memmpy.training.label_columns import LABEL, PHYSICS
from memmpy.training.row_statistics import Cells, scan_rows
from memmpy.training.training_request import TrainingRequest
from memmpy.training.weight_sums import WeightSums
from memmpy.typing import Array, Entries

__all__ = ["audit_training_set"]

_NO_EVENTS = "no event passes the cut of the training set: loosen it"
_CLIPPED = "Objects drops the last objects of some events: give a larger length"
#: The name of the last column of an input of objects.
_NUM_ITEMS = "number of objects"


def audit_training_set(
    skim: Skim, request: TrainingRequest, splits: Splits, *, fold: int | None, has_fit: bool
) -> Audit:
    """Audit a training set; see `memmpy.TrainingSet.check`.

    Parameters
    ----------
    skim : Skim
        Its rows.
    request : TrainingRequest
        Its content.
    splits : Splits
        The splits of its events.
    fold : int or None
        The fold whose training split is compared; None for the first one.
    has_fit : bool
        Whether classes and weights are fitted on these events.
    """
    if fold is None and splits.num_folds is not None:
        fold = 0
    fold = splits.check_fold(fold)
    path = skim.path.absolute().parent.parent
    if not len(skim):
        findings = [Finding("cut", "", "all events", skim.num_store_entries, "error", _NO_EVENTS)]
        return Audit(os.fspath(path), 0, tuple(findings))
    auditor = _Auditor(skim, request, splits, fold, read_metadata(path))
    findings = [*auditor.findings_of_events()] if has_fit else []
    for name in request.keys:
        findings += auditor.findings_of_input(name)
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    return Audit(os.fspath(path), len(skim), tuple(findings))


@final
class _Auditor:
    """The rows of a training set, by class, split and file.

    Parameters
    ----------
    skim, request, splits, fold
        See `audit_training_set`.
    metadata : Metadata
        The metadata of the store.
    """

    def __init__(
        self,
        skim: Skim,
        request: TrainingRequest,
        splits: Splits,
        fold: int | None,
        metadata: Metadata,
    ) -> None:
        self._skim, self._request, self._splits, self._fold = skim, request, splits, fold
        self._classes = request.classes if LABEL in skim.fields else ("all",)
        self._groups = EventGroups.of(metadata, skim.num_store_entries, self._classes)
        self._files = _Files.of(metadata, skim.num_store_entries)
        self._others = skim.multiplicities().others
        num = sum(map(len, map(self._columns_of, request.keys)))
        self._num_tests = num * (len(self._classes) + self._files.num_files)

    def findings_of_events(self) -> Iterator[Finding]:
        """Yield the findings on labels and weights."""
        skim, classes, groups = self._skim, self._classes, self._groups
        cells = Cells.of(skim, self._splits, [self._fold])
        scanned = scan_rows(skim, cells, groups, {}, num_threads=num_helpers())
        sums = {}
        for split in ("train", "val", "test"):
            of_cells = [scanned[number].weights for number in cells.members[split, self._fold]]
            whole = sum(of_cells, start=WeightSums.zero(groups.num_groups))
            sums[split] = whole.merge(groups.group_classes, len(classes) + 1)
        yield from findings_of_classes(sums, classes, others=self._others)
        if PHYSICS in skim.fields:
            ranges = self._rows_of("train")
            extremes = weight_extremes(skim, ranges, self._labels, num_classes=len(classes))
            yield from findings_of_weights(sums["train"], extremes, classes)

    def findings_of_input(self, name: str) -> Iterator[Finding]:
        """Yield the findings on an input."""
        skim, classes, keys = self._skim, self._classes, self._request.keys[name]
        counts = count_input(skim, name, self._labels, num_classes=len(classes))
        yield from self._findings_of_length(name)
        yield from findings_of_counts(name, keys, classes, counts, others=self._others)
        columns, test_name = self._columns_of(name), "test" if self._rows_of("test") else "val"
        train, test = (
            sample_input(skim, name, self._rows_of(split), self._labels, num_groups=len(classes))
            for split in ("train", test_name)
        )
        one = SampledInput(name, columns, classes, counts, train, test, test_name, self._others)
        yield from findings_of_samples(one, num_tests=self._num_tests)
        del one, train, test
        yield from self._findings_of_files(name)

    def _findings_of_files(self, name: str) -> Iterator[Finding]:
        files = self._files
        if not files.processes:
            return
        samples = sample_input(
            self._skim,
            name,
            [range(len(self._skim))],
            lambda part: files.processes_of(np.asarray(part["_index"])),
            num_groups=len(files.processes),
        )
        of_processes: list[tuple[str, InputSample, NDArray[np.int64]]] = [
            (process, sample, files.files_of(sample.entries))
            for process, sample in zip(files.processes, samples, strict=True)
        ]
        columns = self._columns_of(name)
        yield from findings_of_sources(
            name, columns, of_processes, files.names, num_tests=self._num_tests
        )

    def _findings_of_length(self, name: str) -> Iterator[Finding]:
        """Yield the finding on objects that do not fit into the length of an input."""
        first = self._request.skim_request().groups[name][0]
        length = self._skim.padded_lengths.get(first)
        if length is None or first not in self._skim.counts:
            return
        clipping = self._skim.counts[first].clipping
        if clipping.num_clipped_entries:
            level: Level = "warning" if clipping.is_large else "info"
            items = format_share(clipping.num_clipped_items, clipping.num_items)
            where = f"input {name!r}, {length:,} of up to {clipping.max_items:,} objects: {items}"
            yield Finding("clipped", "", where, clipping.num_clipped_entries, level, _CLIPPED)

    def _columns_of(self, name: str) -> tuple[str, ...]:
        keys = self._request.keys[name]
        is_group = name in self._skim.fields and len(self._skim.fields[name].shape) == 1
        return keys if is_group else (*keys, _NUM_ITEMS)

    def _rows_of(self, split: str) -> Sequence[range]:
        ranges = rows_between(self._skim.tickets, self._splits.ranges(split, self._fold))
        return [rows for rows in ranges if len(rows)]

    def _labels(self, part: Array) -> NDArray[np.int64]:
        """Return the class of each row; the number of classes for none."""
        if LABEL not in self._skim.fields:
            return np.zeros(len(part), np.int64)
        return rows_of_classes(part[LABEL], len(self._classes))


@final
@dataclass(frozen=True, slots=True)
class _Files:
    """The files of entries, and those of processes that have several.

    Attributes
    ----------
    names : sequence of str
        The name of each file.
    processes : sequence of str
        The names of the processes, apart by variation, that have several files.
    """

    names: Sequence[str]
    processes: Sequence[str]
    _starts: Entries
    _files: NDArray[np.int64]
    _numbers: NDArray[np.int64]

    @classmethod
    def of(cls, metadata: Metadata, num_entries: int) -> "_Files":
        """Return the files of the entries of a store."""
        none = np.empty(0, np.int64)
        if not has_source_identity(metadata, num_entries):
            return cls([], [], none, none, none)
        groups, processes = source_groups(metadata), list[str]()
        numbers = np.full(len(metadata.sources), -1)
        for sample in np.unique(groups.samples).tolist():
            is_own = groups.samples == sample
            if len(np.unique(groups.files[is_own])) > 1:
                source = metadata.sources[int(np.argmax(is_own))]
                texts = [*process_of(source).values(), source.metadata.get("variation", "")]
                numbers[is_own] = len(processes)
                processes.append(", ".join(filter(None, texts)) or "all")
        starts = np.array([source.entry_start for source in metadata.sources], np.int64)
        return cls(file_names(groups.paths), processes, starts, groups.files, numbers)

    @property
    def num_files(self) -> int:
        """The number of files that are compared."""
        return len(np.unique(self._files[self._numbers >= 0]))

    def files_of(self, entries: Entries) -> NDArray[np.int64]:
        """Return the file of each entry."""
        return self._files[source_numbers(self._starts, entries)]

    def processes_of(self, entries: Entries) -> NDArray[np.int64]:
        """Return the number of the process of each entry; -1 for those with one file."""
        return self._numbers[source_numbers(self._starts, entries)]
