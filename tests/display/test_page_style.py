"""Tests of the style of values in notebooks: of each value that a notebook may show."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, SimpleLoader, convert, shuffle_score

MakeFile = Callable[..., Path]


@pytest.fixture
def values(make_file: MakeFile, tmp_path: Path) -> dict[str, Any]:
    config = RFileConfig(make_file(num=200), "tree", {"process": "<i>ttH"})
    convert(config, tmp_path / "s", keys={"nJets", "weight", "jet_pt", "met"})
    store = memmpy.open(tmp_path / "s")
    store.cut("nJets > 1")
    data = store.training_set(inputs={"event": ["met"]}, splits=memmpy.Splits(by="file"))
    loader = data.loader("train")
    batch = next(iter(store.loader("all", batch_size=50)))
    return {
        "store": store,
        "info": store.info(),
        "head": store.head(),
        "describe": store.describe(by="process"),
        "columns": store.columns(),
        "cutflow": store.cutflow("nJets > 1"),
        "cuts": store.cuts,
        "skims": store.skims,
        "skim": data.skim,
        "training set": data,
        "audit": store.check(),
        "plan": memmpy.plan_conversion(config, tmp_path / "t", keys={"nJets"}),
        "loader": loader,
        "explanation": loader.explain(),
        "simple loader": SimpleLoader({"x": np.arange(3)}),
        "column": store["jet_pt"],
        "jagged": batch["jet_pt"],
        "config": config,
        "score": shuffle_score(store.loader("all"), "met"),
        "source": store.sources[0],
        "lineage": store.lineage("met")[0],
    }


def test_each_value_has_html_of_one_style_without_script_or_network(values: dict[str, Any]) -> None:
    for name, value in values.items():
        text = value._repr_html_()
        assert text.startswith('<div class="memmpy"><style>.memmpy{'), name
        assert text.count("<div") == text.count("</div>"), name
        assert text.count("<table>") == text.count("</table>"), name
        assert not re.search(r"<script|https?:|url\(|@import|<i>", text), name


def test_each_rule_of_the_style_acts_on_memmpy_alone(values: dict[str, Any]) -> None:
    style = re.findall(r"<style>(.*?)</style>", values["column"]._repr_html_())[0]
    selectors = re.findall(r"([^{}]+)\{", style)
    assert len(selectors) > 10
    assert all(part.startswith(".memmpy") for rule in selectors for part in rule.split(","))


def test_a_loader_tells_its_split_its_cut_and_its_keys(values: dict[str, Any]) -> None:
    text = values["loader"]._repr_html_()
    for words in ("train", "event", "met", "1 batch of 1,024"):
        assert words in text
    cut = values["store"].loader("all", cut="nJets > 1")
    assert "nJets &gt; 1" in cut._repr_html_()


def test_a_source_record_is_short(values: dict[str, Any]) -> None:
    text = repr(values["source"])
    assert len(text) < 100 + len(values["source"].path)
    assert "'tree;1', entries 0 to 200" in text
