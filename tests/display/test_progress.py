"""Tests of progress bars and notes."""

import io
import sys

import pytest

from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet


def test_a_note_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    with Note("waiting"):
        assert capsys.readouterr().err == "\rwaiting"
    assert capsys.readouterr().err == "\r       \r"


def test_no_note_is_shown_while_somebody_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet():
        with quiet(), Note("one"):
            assert is_quiet()
        with Note("two"):
            pass
    assert not is_quiet()
    assert capsys.readouterr().err == ""
    with quiet(when=False), Note("three"):
        assert capsys.readouterr().err == "\rthree"


def test_a_note_is_taken_back_also_where_somebody_is_quiet_by_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    note = Note("waiting")
    with note, quiet():
        capsys.readouterr()
        note.__exit__(None, None, None)
        assert capsys.readouterr().err == "\r       \r"


def test_an_error_ends_the_quiet() -> None:
    with pytest.raises(ZeroDivisionError), quiet():
        raise ZeroDivisionError
    assert not is_quiet()


def test_a_note_is_printed_above_a_bar_and_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("counting", 3, show=True), Note("waiting [now]"):
        assert capsys.readouterr().err == "waiting [now]\n"
    assert "\r" not in capsys.readouterr().err


def test_a_note_after_a_bar_is_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("counting", 3, show=True):
        pass
    capsys.readouterr()
    with Note("waiting"):
        assert capsys.readouterr().err == "\rwaiting"


def test_no_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert not is_terminal()
    with Note("waiting"):
        pass


def test_a_closed_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    assert not is_terminal()
    with Note("waiting"):
        pass
