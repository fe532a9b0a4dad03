"""Tests of charts as small as a word."""

import math
import re

import pytest

from memmpy.display import Bar, Sparkline


def test_a_sparkline_has_a_block_for_each_bin() -> None:
    assert str(Sparkline([0, 1, 4, 8])) == " ▁▄█"
    assert str(Sparkline([])) == ""
    assert str(Sparkline([0, 0])) == "  "


def test_a_bin_with_little_content_is_not_blank() -> None:
    assert str(Sparkline([1, 10**9])) == "▁█"


def test_content_that_has_no_height_is_blank() -> None:
    assert str(Sparkline([-5.0, 2.0, math.nan, math.inf])) == " █  "


def test_a_sparkline_is_one_svg_with_its_label() -> None:
    text = Sparkline([1, 0, 2], "met <0>").to_html()
    assert text.count("<svg") == text.count("</svg>") == 1
    assert "met &lt;0&gt;" in text
    assert re.findall(r"M(\d) \d+v-(\d+)", text) == [("0", "9"), ("2", "18")]


@pytest.mark.parametrize(("share", "has_bar"), [(0.5, True), (1, True), (1.5, False), (-1, False)])
def test_a_bar_is_drawn_for_a_share(share: float, has_bar: bool) -> None:
    bar = Bar("<50 %", share)
    assert str(bar) == "<50 %"
    assert ("<svg" in bar.to_html()) == has_bar
    assert bar.to_html().startswith("&lt;50 %")


def test_a_share_that_is_nan_has_no_bar() -> None:
    assert Bar("-", math.nan).to_html() == "-"
