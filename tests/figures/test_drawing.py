"""Tests of figures of matplotlib: labels, colours, files, and what happens without matplotlib."""

import pickle
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from memmpy.errors import DiskError, MissingPackageError, OptionError
from memmpy.figures import (
    COLOURS,
    add_legend,
    check_figure_path,
    label_axes,
    line_style,
    new_figure,
    save_figure,
)

needs_matplotlib = pytest.mark.usefixtures("matplotlib")
#: The first bytes of a file of each format.
MAGIC = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml", ".PNG": b"\x89PNG"}
#: Names that matplotlib would change, or refuse.
NAMES = [
    "jet_pt",
    "_hidden",
    "$H_{",
    "$m_{jj}$ [GeV]",
    "a\\b",
    "line\nbreak",
    "tab\t",
    "100 %",
    "🎉",
]


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib")


def drawn() -> Any:
    figure = new_figure(6, 4)
    axes = figure.subplots()
    handles = [
        axes.plot([0, 1], [number, 1], **line_style(number))[0] for number in range(len(NAMES))
    ]
    label_axes(axes, "x_$1", "$")
    add_legend(axes, handles, NAMES)
    return figure


@needs_matplotlib
@pytest.mark.parametrize("suffix", MAGIC)
def test_the_suffix_is_the_format(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"new/folder/figure{suffix}"
    figure = drawn()
    assert save_figure(figure, file) is figure
    assert file.read_bytes().startswith(MAGIC[suffix])
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    file.write_bytes(b"old")
    save_figure(figure, file)
    assert file.read_bytes().startswith(MAGIC[suffix])


@needs_matplotlib
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_figures_that_look_the_same_make_equal_files(suffix: str, tmp_path: Path) -> None:
    first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
    save_figure(drawn(), first)
    save_figure(drawn(), second)
    assert first.read_bytes() == second.read_bytes()


@needs_matplotlib
def test_names_are_shown_unchanged_but_for_control_characters(tmp_path: Path) -> None:
    figure = save_figure(drawn(), tmp_path / "figure.svg")
    (axes,) = figure.axes
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown == [name.replace("\t", "\\t") for name in NAMES]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x_$1", "$")


@needs_matplotlib
def test_names_are_no_tex_in_the_style_of_the_user(tmp_path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"text.usetex": True}):
        legend = drawn().axes[0].get_legend()
    assert not any(text.get_usetex() or text.get_parse_math() for text in legend.get_texts())


@needs_matplotlib
def test_no_path_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    figure = drawn()
    assert save_figure(figure, None) is figure
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["figure", "figure.jpeg", "figure.root", ".png"])
def test_another_suffix_is_an_error(name: str) -> None:
    with pytest.raises(OptionError, match=r"a plot is a file \.png, \.pdf, \.svg, got"):
        check_figure_path(name)


@pytest.mark.parametrize("path", [3, b"figure.png", True])
def test_what_is_no_path_is_an_error(path: Any) -> None:
    with pytest.raises(OptionError, match="a path must be"):
        check_figure_path(path)


@needs_matplotlib
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot write"):
        save_figure(drawn(), tmp_path / "file/figure.png")


@needs_matplotlib
def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "figure.png"
    file.mkdir()  # no file can replace it, for any user
    with pytest.raises(OSError, match="cannot write"):
        save_figure(drawn(), file)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert stat.S_ISDIR(file.stat().st_mode)


def test_ten_colours_differ_and_more_have_other_dashes() -> None:
    styles = [tuple(line_style(number).values()) for number in range(-1, 40)]
    assert len({*styles}) == 41
    assert [line_style(number)["color"] for number in range(10)] == [*COLOURS]
    assert line_style(12)["color"] == COLOURS[2]


@needs_matplotlib
def test_pyplot_is_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    save_figure(drawn(), tmp_path / "figure.png")
    assert "matplotlib.pyplot" not in sys.modules


@needs_matplotlib
def test_a_notebook_shows_the_figure() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(drawn())
    assert shown["image/png"].startswith(MAGIC[".png"])


@needs_matplotlib
def test_a_figure_can_be_pickled() -> None:
    assert len(pickle.loads(pickle.dumps(drawn())).axes) == 1


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        MissingPackageError,
        match=r"needs the package 'matplotlib': pip install 'memmpy\[plot\]'",
    ):
        new_figure(6, 4)
