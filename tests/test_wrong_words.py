"""A misspelled word as the value of an argument names the nearest right word, at every door."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Objects, Reweight, RFileConfig, Shuffle, SplitLoader, Splits
from memmpy.demo import write_demo_files
from memmpy.training import Scores

SPLITS = Splits(by=("process", "eventNumber"), num_folds=5, val=0.1)
INPUTS: dict[str, list[str] | Objects] = {
    "event": ["nJets", "met"],
    "jets": Objects(["jet_pt"], max_length=20),
}
LABELS = {"background": "process == 'ttbb'", "signal": "process == 'ttH'"}


@dataclass(frozen=True)
class World:
    """Toy files, and the training set, scores and columns that were made of them."""

    folder: Path
    data: memmpy.TrainingSet
    scores: Scores

    @property
    def path(self) -> Path:
        return self.folder / "data.mmpy"

    @property
    def store(self) -> memmpy.Store:
        return memmpy.open(self.path)

    @property
    def train(self) -> SplitLoader:
        return self.data.loader("train", fold=0)

    def config(self, name: str = "ttH_mc16d.root", **options: Any) -> RFileConfig:
        given = {"tree": "tree2", "metadata": {"process": "ttH"}, **options}
        return RFileConfig(self.folder / name, **given)

    def load_root(self, config: RFileConfig | None = None, **options: Any) -> SplitLoader:
        """Load a store that does not exist yet."""
        given: dict[str, Any] = {"keys": ["nJets", "met", "eventNumber"], **options}
        return memmpy.load_root(config or self.config(), self.folder / "other.mmpy", **given)

    def training_set(self, **options: Any) -> memmpy.TrainingSet:
        given: dict[str, Any] = {"inputs": INPUTS, "labels": LABELS, "splits": SPLITS, **options}
        return self.store.training_set(**given)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    write_demo_files(folder, num_events=300, seed=1)
    names = {"ttbb": "tree1", "ttH": "tree2"}
    files = [
        RFileConfig(folder / f"{process}_mc16a.root", tree=tree, metadata={"process": process})
        for process, tree in names.items()
    ]
    data = memmpy.training_set(
        files, folder / "data.mmpy", inputs=INPUTS, labels=LABELS, splits=SPLITS, weight="weight"
    )
    scores = data.scores()
    for fold in range(5):
        for batch in data.loader("test", fold=fold, shuffle=False):
            scores.add(batch, batch["event"][:, 1], fold=fold)
    return World(folder, data, scores)


Door = Callable[[World], object]


def load(**options: Any) -> Door:
    return lambda world: world.load_root(**options)


def load_file(name: str = "ttH_mc16d.root", **options: Any) -> Door:
    return lambda world: world.load_root(world.config(name, **options))


def train_on(**options: Any) -> Door:
    return lambda world: world.training_set(**options)


def of_splits(**options: Any) -> Door:
    return lambda world: world.load_root(splits=Splits(**options), split="all")


def write(writer: Any, world: World) -> None:
    with writer(world.folder / "new.mmpy", "x", dtype="flot32"):
        pass


#: The name of each door, a call with a typo, and the word that the message must name.
DOORS: dict[str, tuple[Door, str]] = {
    "file": (load_file("ttH_mc16x.root"), "ttH_mc16d.root"),
    "folder": (load_file("../wrld0/ttH_mc16d.root"), "world0"),
    "pattern": (load_file("tH_mc16[x].root"), "ttH_mc16d.root"),
    "tree": (load_file(tree="tre2"), "tree2"),
    "tree: a pattern": (load_file(tree="tre?x"), "tree2"),
    "tree: of a list": (load_file(tree=["tree2", "tre2"]), "tree2"),
    "metadata": (load_file(metadata={"process": "{tre}"}), "{tree}"),
    "missing": (load_file(missing={"mett": 0.0}), "met"),
    "totals: tree": (load_file(totals={"n": "tre2:met"}), "tree2"),
    "totals: branch": (load_file(totals={"n": "tree2:mett"}), "met"),
    "friends: placeholder": (load_file(friends={"tree2": "{stm}.root"}), "stem"),
    "friends: file": (load_file(friends={"tree1": "ttbb_mc16x.root"}), "ttbb_mc16d.root"),
    "friends: tree": (load_file(friends={"tre1": "ttbb_mc16d.root"}), "tree1"),
    "keys": (load(keys=["nJet"]), "nJets"),
    "keys: a pattern": (load(keys=["nJetss*"]), "nJets"),
    "keys: a mapping": (load(keys={"n": "nJet"}), "nJets"),
    "keys: an alias": (load(keys=["hrd"], aliases={"hard": "met > 3"}), "hard"),
    "keys_padded": (load(keys_padded={"jet_ptt": (4, 0.0)}), "jet_pt"),
    "groups": (load(groups={"event": ["nJet"]}), "nJets"),
    "tcut": (load(tcut="nJet > 3"), "nJets"),
    "tcut: function": (load(tcut="sqr(met) > 3"), "sqrt"),
    "tcut: constant": (load(tcut="met > limit", cut_constants={"limits": 3}), "limits"),
    "tcut: alias": (load(tcut="is_hrd", aliases={"is_hard": "met > 3"}), "is_hard"),
    "aliases": (load(keys=["x"], aliases={"x": "mett * 2"}), "met"),
    "dtype: key": (load(dtype={"mett": "float32"}), "met"),
    "dtype": (load(dtype={"met": "flot32"}), "float32"),
    "dtype: group": (load(groups={"event": ["met"]}, dtype={"evnt": "float32"}), "event"),
    "split": (load(split="trian"), "train"),
    "shuffle": (load(shuffle="exat"), "exact"),
    "rank": (load(rank="slrum"), "slurm"),
    "Shuffle": (lambda _: Shuffle("block"), "blocks"),  # type: ignore[arg-type]
    "Splits: by": (of_splits(by=("proces", "eventNumber")), "process"),
    "Splits: by a branch": (of_splits(by=("eventNumbr",)), "eventNumber"),
    "Splits: by a text": (of_splits(by="fil"), "file"),
    "Splits: by one column": (of_splits(by="eventNumber"), "by=('eventNumber',)"),
    "Splits: fractions": (of_splits(fractions={"trian": 1.0}), "train"),
    "Splits: fold_by": (of_splits(fold_by="eventNumbr % 4", num_folds=4), "eventNumber"),
    "Splits: split_by": (of_splits(split_by="eventNumbr % 3"), "eventNumber"),
    "Splits.of": (lambda _: SPLITS.of({"process": ["a"], "eventNumbr": [3]}), "eventNumbr"),
    "set_splits": (lambda w: w.store.set_splits(Splits(by=("proces",))), "process"),
    "inputs": (train_on(inputs={"event": ["nJet"]}), "nJets"),
    "inputs: expression": (train_on(inputs={"event": ["nJet * 2"]}), "nJets"),
    "Objects": (train_on(inputs={"jets": Objects(["jet_p"])}), "jet_pt"),
    "Objects: sort_by": (train_on(inputs={"j": Objects(["jet_pt"], sort_by="jet_p")}), "jet_pt"),
    "Objects: valid": (train_on(inputs={"j": Objects(["jet_pt"], valid="jet_p > 0")}), "jet_pt"),
    "Objects: names": (train_on(inputs={"j": Objects({"x": ["met"]}, sort_by="xx")}), "x"),
    "Objects: flat keys": (train_on(inputs={"j": Objects({"x": ["mett"]})}), "met"),
    "labels": (train_on(labels={"b": "proces == 'ttbb'"}), "process"),
    "others": (train_on(others="rase"), "raise"),
    "weight": (train_on(weight="weigt"), "weight"),
    "cut": (train_on(cut="nJet > 3"), "nJets"),
    "cut: alias": (train_on(cut="is_hard", aliases={"is_hrd": "met > 3"}), "is_hrd"),
    "cut: constant": (train_on(cut="met > limit", constants={"limt": 3}), "limt"),
    "spectators": (train_on(spectators=["eventNumbr"]), "eventNumber"),
    "missing: key": (train_on(missing={"mett": -999}), "met"),
    "scale": (train_on(scale="standrd"), "standard"),
    "scale: method": (train_on(scale={"event": "standrd"}), "standard"),
    "scale: name": (train_on(scale={"evnt": "standard"}), "event"),
    "normalise": (train_on(normalise="equl"), "equal"),
    "normalise: class": (train_on(normalise={"signl": 1, "background": 1}), "signal"),
    "negative": (train_on(negative="kep"), "keep"),
    "dtype: input": (train_on(dtype="flot32"), "float32"),
    "Reweight: to": (train_on(reweight=Reweight({"met": [0, 1]}, to="singal")), "signal"),
    "Reweight": (
        lambda w: w.training_set(reweight=Reweight({"mett": [0, 1e9]}, to="signal")).fit(0),
        "met",
    ),
    "TrainingSet.loader": (lambda w: w.data.loader("trian", fold=0), "train"),
    "TrainingSet.loader: shuffle": (
        lambda w: w.data.loader("train", fold=0, shuffle="exat"),  # type: ignore[arg-type]
        "exact",
    ),
    "TrainingSet.loader: sampling": (
        lambda w: w.data.loader("train", fold=0, sampling={"signl": 0.5, "background": 0.5}),
        "signal",
    ),
    "apply_to": (lambda w: w.data.apply_to(w.folder / "dat.mmpy"), "data.mmpy"),
    "apply_to: cut": (lambda w: w.data.apply_to(cut="nJet > 3"), "nJets"),
    "apply_to: alias": (lambda w: w.data.apply_to(cut="x > 3", aliases={"x": "nJet"}), "nJets"),
    "Scores.auc": (lambda w: w.scores.auc(signal="singal"), "signal"),
    "Scores.roc": (lambda w: w.scores.roc("singal"), "signal"),
    "Store": (lambda w: w.store["nJet"], "nJets"),
    "Store.hist": (lambda w: w.store.hist("mett"), "met"),
    "Store.hist: by": (lambda w: w.store.hist("met", by="proces"), "process"),
    "Store.hist: cut": (lambda w: w.store.hist("met", cut="nJet > 3"), "nJets"),
    "Store.hist: weight": (lambda w: w.store.hist("met", weight="weigt"), "weight"),
    "StoreHist.plot": (lambda w: w.store.hist("met").plot("met.pgn"), ".png"),
    "Store.describe": (lambda w: w.store.describe(["mett"]), "met"),
    "Store.describe: by": (lambda w: w.store.describe(by="proces"), "process"),
    "Store.head": (lambda w: w.store.head(keys=["mett"]), "met"),
    "Store.columns": (lambda w: w.store.columns(["mett"]), "met"),
    "Store.info": (lambda w: w.store.info(weight="weigt"), "weight"),
    "Store.export": (lambda w: w.store.export(w.folder / "x.parqet"), ".parquet"),
    "Store.export: keys": (lambda w: w.store.export(w.folder / "x.h5", keys=["mett"]), "met"),
    "TrainingSet.histograms": (lambda w: w.data.histograms("trian", fold=0), "train"),
    "TrainingSet.histograms: inputs": (
        lambda w: w.data.histograms("train", fold=0, inputs=["evnt"]),
        "event",
    ),
    "TrainingSet.correlations": (lambda w: w.data.correlations("trian", fold=0), "train"),
    "Store.loader": (lambda w: w.store.loader("trian", fold=0), "train"),
    "Store.loader: keys": (lambda w: w.store.loader("all", keys=["mett"]), "met"),
    "Store.loader: cut": (lambda w: w.store.loader("all", cut="mett > 3"), "met"),
    "Store.cut": (lambda w: w.store.cut("mett > 3"), "met"),
    "Store.add": (lambda w: w.store.add("k", "mett * 2"), "met"),
    "Store.lineage": (lambda w: w.store.lineage("mett"), "met"),
    "Store.skim": (lambda w: w.store.skim(keys=["mett"]), "met"),
    "Store.skim: groups": (lambda w: w.store.skim(groups={"g": ["mett"]}), "met"),
    "Store.skim: keys_padded": (lambda w: w.store.skim(keys_padded={"jet_p": (3, 0.0)}), "jet_pt"),
    "Store.skim: dtype": (
        lambda w: w.store.skim(groups={"event": ["met"]}, dtype={"event": "flot32"}),
        "float32",
    ),
    "Store.skim: dtype of a group": (
        lambda w: w.store.skim(groups={"event": ["met"]}, dtype={"evnt": "float32"}),
        "event",
    ),
    "write_friend": (
        lambda w: w.store.write_friend(w.folder, {"score": np.ones(600)}, fill={"scor": 0.0}),
        "score",
    ),
    "write_friend: store": (
        lambda w: memmpy.write_friend(w.folder / "dat.mmpy", w.folder, {"score": np.ones(3)}),
        "data.mmpy",
    ),
    "open": (lambda w: memmpy.open(w.folder / "dat.mmpy"), "data.mmpy"),
    "verify": (lambda w: memmpy.verify(w.folder / "dat.mmpy"), "data.mmpy"),
    "clean": (lambda w: memmpy.clean(w.folder / "dat.mmpy"), "data.mmpy"),
    "Skim": (lambda w: memmpy.Skim(w.data.path.with_name(w.data.path.name[:-1])), ""),
    "read_vector": (lambda w: memmpy.read_vector(w.path, "mett"), "met"),
    "read_vector: store": (lambda w: memmpy.read_vector(w.folder / "dat.mmpy", "x"), "data.mmpy"),
    "ReadJagged": (lambda w: memmpy.ReadJagged(w.path, "jet_p"), "jet_pt"),
    "load_memmaps": (lambda w: memmpy.load_memmaps(w.path, ["mett"]), "met"),
    "compute_cut_batched": (lambda w: memmpy.compute_cut_batched(w.path, "mett > 3"), "met"),
    "compute_cut_batched: constants": (
        lambda w: memmpy.compute_cut_batched(w.path, "met > limit", constants={"limt": 3}),
        "limt",
    ),
    "cutflow": (lambda w: memmpy.cutflow(w.path, ["mett > 3"]), "met"),
    "cutflow: by": (lambda w: memmpy.cutflow(w.path, ["met > 3"], by="proces"), "process"),
    "cutflow: weight": (lambda w: memmpy.cutflow(w.path, ["met > 3"], weight="weigt"), "weight"),
    "SplitLoader: split": (lambda _: SplitLoader({"x": np.arange(9)}, split="trian"), "train"),
    "SplitLoader: shuffle": (
        lambda _: SplitLoader({"x": np.arange(9)}, shuffle="blcks"),  # type: ignore[arg-type]
        "blocks",
    ),
    "feature_matrix": (
        lambda w: memmpy.feature_matrix(next(iter(w.train)), w.train, leave_out=["evnt"]),
        "event",
    ),
    "shuffle_score": (lambda w: memmpy.shuffle_score(w.train, "lable"), "label"),
    **{
        f"{writer.__name__}: dtype": (partial(write, writer), "float32")
        for writer in (memmpy.WriteVector, memmpy.WriteJagged, memmpy.WriteShaped)
    },
}


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_word_names_the_nearest(door: str, world: World) -> None:
    call, word = DOORS[door]
    word = word or world.data.path.name
    with pytest.raises(memmpy.MemmpyError) as caught:
        call(world)
    text = str(caught.value)
    first, *rest = text.splitlines()
    assert word in first.partition(": its only " if "its only " in first else "; ")[2], text
    assert all(line.startswith("  ") for line in rest), "an error is one line and a cut"


@pytest.mark.parametrize(
    ("package", "options", "word"),
    [
        ("torch", {"jagged": "flatt"}, "flat"),
        ("torch", {"packed": {"p": ["jetz"]}}, "jets"),
        ("torch", {"device": "cdua"}, "cuda"),
        ("torch", {"dtype": "flot32"}, "float32"),
        ("jax", {"device": "cpuu"}, "cpu"),
        ("lightgbm", {"label": "lable"}, "label"),
        ("lightgbm", {"negative": "dorp"}, "drop"),
        ("xgboost", {"weight": "wieght"}, "weight"),
        ("xgboost", {"negative": "dorp"}, "drop"),
    ],
)
def test_a_wrong_word_at_a_framework_names_the_nearest(
    package: str, options: dict[str, Any], word: str, world: World
) -> None:
    pytest.importorskip(package)
    loader = world.data.loader("train", fold=0)
    door = partial(getattr(memmpy, f"to_{package}"), loader)
    with pytest.raises(memmpy.MemmpyError, match=f"nearest: '{word}'") as caught:
        door(**options)
    assert "\n" not in str(caught.value)


def test_a_text_that_no_event_has_names_the_nearest(world: World) -> None:
    with pytest.warns(memmpy.MemmpyWarning, match="no entry has the text 'tth'; nearest: 'ttH'"):
        world.store.cut("process == 'tth'")
