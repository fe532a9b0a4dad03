"""`write_report`: a page on a store or a training set, to open in any browser."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from memmpy._version import __version__
from memmpy.checks import check_flag, check_mapping, check_path, check_progress
from memmpy.cuts import Constant
from memmpy.dataset import ColumnSummary, Store, StoreInfo
from memmpy.display import Note, is_terminal, quiet
from memmpy.errors import OptionError, argument_hints
from memmpy.report.chart_rows import ClassCuts, process_columns
from memmpy.report.finding_groups import findings_of, verdict_of
from memmpy.report.key_charts import draw_keys
from memmpy.report.python_code import PythonCall, PythonText, code_of
from memmpy.report.report_code import code_of_store, code_of_training
from memmpy.report.report_data import Panel, ReportData, Section
from memmpy.report.report_page import page_template, render_page
from memmpy.report.store_sections import (
    cutflow_section,
    facts_of,
    skim_sections,
    sources_section,
)
from memmpy.report.training_sections import score_section, training_section
from memmpy.store import write_in_folder
from memmpy.training import Audit, Scores, TrainingSet
from memmpy.typing import PathLike

__all__ = ["check_report_path", "write_report"]

_SUFFIXES = {".html", ".htm"}


def check_report_path(path: PathLike) -> Path:
    """Return the path of a report; a wrong one, or no jinja2, is an error before any work."""
    file = check_path(path)
    if file.suffix.lower() not in _SUFFIXES:  # no slip replaces a recipe or a file of data
        raise OptionError(f"a report is a file that ends in .html or .htm, got {str(file)!r}")
    page_template()
    return file


@argument_hints
def write_report(
    data: Store | TrainingSet | PathLike,
    path: PathLike,
    *,
    scores: Scores | None = None,
    keys: str | Collection[str] | None = None,
    cut: str | Sequence[str] | None = None,
    weight: str | None = None,
    signal: str | Sequence[str] | None = None,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    check: bool = True,
    progress: bool | None = None,
) -> Path:
    """Write one page that shows what is in a store or a training set, and whether it is healthy.

    The page needs no server, no network and no other file: mail it, or put it on a web page. It
    shows the processes with their weights, what `Store.check` and `TrainingSet.check` find, the
    histogram of each key by process and by class, the cut-flow, skims, source files, and the Python
    calls that make the same data. Of a training set it also shows the balance of classes, the
    inputs before and after scaling, and their correlations; of scores, ROC curves and histograms.

    Parameters
    ----------
    data : Store, TrainingSet or path-like
        The store, its path, or a training set, whose store is shown, too.
    path : path-like
        The file to write, such as ``"report.html"``; it is replaced. Its folder is created. It ends
        in ``.html`` or ``.htm``.
    scores : Scores, optional
        The scores of the training set.
    keys : str or collection of str, optional
        The keys whose histograms are drawn, or patterns such as ``"jet_*"``; all by default.
    cut : str or sequence of str, optional
        The steps of a cut-flow, as `cutflow` takes them; by default the cut of the training set.
    weight : str, optional
        The weight of histograms, sums and cut-flow; by default that of the training set.
    signal : str or sequence of str, optional
        The processes that are the signal of the cut-flow, which then shows S/B and S/√B.
    aliases : mapping of str to str, optional
        Names for expressions in the cut and the weight, beside those of the training set.
    constants : mapping of str to bool, number or str, optional
        Names for values in the cut and the weight, beside those of the training set.
    check : bool, default True
        Whether to look for data that would spoil a training.
    progress : bool, optional
        Whether to show a progress bar; by default only on a terminal.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingPackageError
        If jinja2 is not installed: ``pip install 'memmpy[report]'``.
    MissingFileError, CorruptStoreError
        If there is no such store, or it is damaged.
    MissingKeyError
        If a key is missing; names the nearest.
    CutError
        If memmpy cannot read the cut or the weight; shows the place.
    OptionError
        If an option or the suffix of the file is invalid, a signal is no process, or scores come
        without their training set.
    DiskError, ReadOnlyStoreError
        If memmpy cannot write the file.

    Notes
    -----
    memmpy reads each column a few times, in steps of bounded memory, on threads; with ``check``,
    also once for each 16 million entries. The page takes about 1 kB for each key and process.

    Examples
    --------
    >>> memmpy.write_report("data.mmpy", "report.html", cut="nJets >= 6 && met > 50")
    >>> memmpy.write_report(data, "report.html", scores=scores)
    """
    file, progress = check_report_path(path), check_progress(progress)
    training = data if isinstance(data, TrainingSet) else None
    _check_scores(scores, training)
    given = {
        "keys": keys,
        "cut": cut,
        "weight": weight,
        "signal": signal,
        "aliases": aliases,
        "constants": constants,
        "check": None if check_flag("check", check) else False,
    }
    options = {
        name: value
        for name, value in given.items()
        if value is not None and not (isinstance(value, Mapping) and not value)
    }
    store = _store_of(data)
    cuts = _cuts_of(training, weight, aliases, constants)
    if cut is None and training is not None:
        cut = training.request.cut
    if signal is not None and cut is None:
        raise OptionError("signal is that of a cut-flow: give its cut, too")
    columns = store.columns(keys)
    with quiet(when=progress is False):
        audits = _audits(store, training) if check else []
        info = store.info(weight=cuts.weight, aliases=cuts.aliases, constants=cuts.constants)
        cuts = replace(cuts, weight=info.weight)
        sections = []
        if cut is not None:
            flow = store.cutflow(
                cut,
                by=process_columns(store),
                weight=cuts.weight,
                signal=signal,
                aliases=cuts.aliases,
                constants=cuts.constants,
            )
            sections.append(cutflow_section(flow))
        if training is not None:
            sections += _training_sections(training, scores)
        sections.append(_key_section(store, info, columns, cuts, progress=progress))
    sections += [
        *skim_sections(store),
        sources_section(store),
        _code_section(store, training, file, options),
    ]
    report = ReportData(
        title=store.path.absolute().name,
        subtitle=str(store.path.absolute()),
        date=f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
        version=__version__,
        verdict=verdict_of(audits, what="the store" if training is None else "the training set"),
        facts=facts_of(store, info),
        processes=info.process_table(),
        findings=findings_of(audits),
        sections=sections,
    )
    write_in_folder(file, render_page(report))
    return file


def _store_of(data: Store | TrainingSet | PathLike) -> Store:
    if isinstance(data, Store):
        return data
    return Store(data.path if isinstance(data, TrainingSet) else data)


def _check_scores(scores: object, training: TrainingSet | None) -> None:
    if scores is None:
        return
    if not isinstance(scores, Scores):
        raise OptionError(f"scores must be those of data.scores(), got {scores!r:.80}")
    if training is None:
        raise OptionError("scores belong to a training set: give it in place of the store")
    if not len(scores):
        raise OptionError("the scores are empty: add those of a model, or leave them out")


def _cuts_of(
    training: TrainingSet | None,
    weight: str | None,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
) -> ClassCuts:
    aliases, constants = check_mapping("aliases", aliases), check_mapping("constants", constants)
    if training is None:
        return ClassCuts({}, weight, aliases, constants)
    request = training.request
    return ClassCuts(
        (request.labels or {}) if request.is_labelled else {},
        request.weight if weight is None else weight,
        {**(request.aliases or {}), **aliases},
        {**(request.constants or {}), **constants},
    )


def _audits(store: Store, training: TrainingSet | None) -> list[Audit]:
    with _note("looking for data that would spoil a training"):
        return [store.check(), *([] if training is None else [training.check()])]


def _training_sections(training: TrainingSet, scores: Scores | None) -> list[Section]:
    with _note("reading the training set"):
        sections = [training_section(training)]
        return sections if scores is None else [*sections, score_section(training, scores)]


def _note(text: str) -> AbstractContextManager[object]:
    return Note(text) if is_terminal() else nullcontext()


def _key_section(
    store: Store,
    info: StoreInfo,
    columns: Sequence[ColumnSummary],
    cuts: ClassCuts,
    *,
    progress: bool | None,
) -> Section:
    sizes = {one.name: one.num_entries for one in info.processes}
    charts = draw_keys(store, columns, cuts, sizes=sizes, progress=progress)
    words = []
    if cuts.weight is not None:
        words.append(f"Weight: {cuts.weight}. The numbers below a picture count each value once.")
    if cuts.labels:
        words.append("Classes are those of the labels, before the cut.")
    return Section("keys", "Keys", [Panel(charts=charts)], " ".join(words))


def _code_section(
    store: Store, training: TrainingSet | None, file: Path, options: Mapping[str, Any]
) -> Section:
    code = code_of_store(store.snapshot.metadata, str(store.path))
    data = "store"
    if training is not None:
        code, data = f"{code}\n\n{code_of_training(training)}", "data"
    call = PythonCall("memmpy.write_report", [PythonText(data), str(file)], options)
    code = f"{code}\n\n{code_of(call)}"
    made_by = {
        version
        for column in store.snapshot.metadata.columns.values()
        if column.origin is not None
        for version in column.origin.made_by
        if version
    }
    note = "These calls make the same data."
    if made_by:
        note += f" The files were read by memmpy {', '.join(sorted(made_by))}."
    return Section("code", "How it was made", [Panel(code=code)], note)
