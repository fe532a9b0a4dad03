"""The demo of toy events: convert, cut, train a network on five folds, and draw the scores."""

import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.conversion import RFileConfig
from memmpy.cuts import cutflow, keys_of, parse
from memmpy.demo.events import demo_files, write_demo_files
from memmpy.demo.jets import MAX_JETS, MISSING
from memmpy.demo.network import Network
from memmpy.demo.steps import (
    batch_table,
    convert_files,
    loading_rate,
    print_code,
    print_sentence,
)
from memmpy.display import format_count, format_rate, format_share, format_size
from memmpy.pipeline import training_set
from memmpy.report import PythonCall, PythonText, code_of, write_report
from memmpy.skims import Objects
from memmpy.splits import Splits
from memmpy.training import Scores, TrainingSet

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_toys"]

#: The cut of the README.
TOY_CUT = "nJets >= 6 & nBTags_77 >= 2"
EVENT_KEYS = ["ht", "m_bb", "dr_bb", "nBTags_77", "met"]
JET_KEYS = ["jet_pt", "jet_eta", "jet_btag"]
#: The columns that name an event, and its weight.
OTHER_KEYS = {"runNumber", "eventNumber", "weight"}
LABELS = {"ttbb": "process == 'ttbb'", "ttH": "process == 'ttH'"}
NUM_FOLDS, NUM_EPOCHS = 5, 5

_TRAINING = """\
scores = data.scores()
for fold in range({num_folds}):
    network = Network(['event', 'jets'])
    loader = data.loader('train', fold=fold, batch_size={batch_size})
    for epoch in range({num_epochs}):
        for batch in loader:
            network.step(batch)
    for batch in data.loader('test', fold=fold, shuffle=False):
        scores.add(batch, network.predict(batch), fold=fold)
print(scores)
"""


def run_toys(
    directory: Path,
    *,
    num_events: int,
    seed: int,
    cut: str | None,
    batch_size: int,
    console: "Console",
) -> Scores:
    """Run the demo of toy events, print what it does, and return the scores.

    Parameters
    ----------
    directory : Path
        Where the files, the store and the pictures go; created if missing.
    num_events : int
        Events of each of the four files.
    seed : int
        The seed of the events.
    cut : str or None
        The events to train on; None is the cut of the README.
    batch_size : int
        The batches of the training.
    console : rich.console.Console
        Where to print.

    Raises
    ------
    FitError
        If a class has no training events.
    DiskError, ReadOnlyStoreError
        If `directory` cannot be written to.
    """
    cut = cut or TOY_CUT
    folder, store = directory / f"toys_{num_events}_{seed}", directory / "data.mmpy"
    _write_files(folder, num_events=num_events, seed=seed, console=console)
    files = [RFileConfig(*file) for file in demo_files(folder)]
    keys = {*EVENT_KEYS, *JET_KEYS, *OTHER_KEYS, *keys_of(parse(cut))} - {"process", "year"}
    convert_files(files, store, keys, console=console)
    console.print(cutflow(store, cut, by="process", weight="weight"))
    options: dict[str, Any] = {
        "splits": Splits(num_folds=NUM_FOLDS, val=0.1),
        "inputs": {"event": EVENT_KEYS, "jets": Objects(JET_KEYS, length=MAX_JETS)},
        "labels": LABELS,
        "weight": "weight",
        "cut": cut,
        "missing": MISSING,
        "scale": "standard",
        "normalise": "equal",
    }
    data = training_set(files, store, **options)
    scores = _train(data, batch_size=batch_size, console=console)
    code = _code(folder, store, options, batch_size=batch_size)
    code += _write_pictures(directory, data, scores, console=console)
    print_code(console, "The same in Python:", code.rstrip())
    verbs = [f"memmpy {verb} {quote(str(store))}" for verb in ("info", "bench")]
    commands = [*verbs, "memmpy demo --files YOURS.root"]
    print_code(console, "What to try next:", "\n".join(commands))
    return scores


def _code(folder: Path, store: Path, options: Mapping[str, object], *, batch_size: int) -> str:
    """Return Python that makes the training set and trains."""
    files = PythonCall("files = demo_files", [str(folder)], {})
    configs = PythonText("[memmpy.RFileConfig(*file) for file in files]")
    call = PythonCall("data = memmpy.training_set", [configs, str(store)], options)
    training = _TRAINING.format(num_folds=NUM_FOLDS, num_epochs=NUM_EPOCHS, batch_size=batch_size)
    imports = "import memmpy\nfrom memmpy.demo import Network, demo_files\n"
    return "\n".join([imports, code_of(files), code_of(call), training])


def _write_files(folder: Path, *, num_events: int, seed: int, console: "Console") -> None:
    """Write the toy files unless they exist."""
    paths = [Path(path) for path, _, _ in demo_files(folder)]
    num_files = format_count(len(paths), "ROOT file")
    if all(path.exists() for path in paths):
        print_sentence(console, f"Found {num_files} of toy events in {folder}.")
        return
    start = time.perf_counter()
    write_demo_files(folder, num_events=num_events, seed=seed)
    seconds = time.perf_counter() - start
    size = format_size(sum(path.stat().st_size for path in paths))
    events = format_count(num_events, "toy event")
    print_sentence(console, f"Wrote {num_files} of {events} each to {folder}:")
    print_sentence(console, f"{size} in {seconds:.1f} s.")


def _train(data: TrainingSet, *, batch_size: int, console: "Console") -> Scores:
    """Train a network for each fold, and return the scores of all events."""
    scores, aucs, num_steps, seconds = data.scores(), [], 0, 0.0
    for fold in range(NUM_FOLDS):
        loader = data.loader("train", fold=fold, batch_size=batch_size)
        if fold == 0:
            console.print()
            console.print(batch_table(next(loader.batches(0)), "A batch of the training set:"))
            alone = loading_rate(loader)
            print_sentence(console, f"Loading alone: {format_rate(alone)} events/s")
        start = time.perf_counter()
        network = Network(["event", "jets"])
        for _ in range(NUM_EPOCHS):
            for batch in loader:
                network.step(batch)
        seconds += time.perf_counter() - start
        num_steps += NUM_EPOCHS * loader.num_entries
        tested = data.scores()
        for batch in data.loader("test", fold=fold, shuffle=False):
            tested.add(batch, network.predict(batch), fold=fold)
        scores.merge(tested)
        aucs.append(tested.auc())
        of = f"trained on {loader.num_entries:,} events, tested on {len(tested):,}"
        print_sentence(console, f"Fold {fold}: {of}: AUC {aucs[-1]:.4f}")
    auc = f"AUC {scores.auc():.4f}, folds ± {np.std(aucs, ddof=1):.4f}"
    print_sentence(console, f"{auc}: no network scores what it trained on.")
    rate = num_steps / seconds
    share = format_share(rate, alone)
    print_sentence(console, f"Training: {format_rate(rate)} events/s; loading takes {share} of it.")
    return scores


def _write_pictures(
    directory: Path, data: TrainingSet, scores: Scores, *, console: "Console"
) -> str:
    """Write the pictures for which the packages are installed; return the code that does it."""
    code = ""
    console.print()
    if find_spec("matplotlib") is not None:
        picture = directory / "scores.png"
        scores.plot(picture)
        print_sentence(console, f"Scores and ROC curve: {picture}")
        code += f"scores.plot({str(picture)!r})\n"
    if find_spec("jinja2") is not None:
        page = directory / "report.html"
        write_report(data, page, scores=scores)
        print_sentence(console, f"A page on the data and the training: {page}")
        code += f"page = {str(page)!r}\nmemmpy.write_report(data, page, scores=scores)\n"
    if code.count("\n") < 3:
        print_sentence(console, "For all pictures: pip install 'memmpy[plot,report]'")
    return code
