"""Tests of results that show themselves."""

import io

import pytest
from rich.console import Console

from memmpy.display import DisplayBlock, Renderable, Table


class Result(Renderable):
    """A title, a table and a remark, of what a user named."""

    def _blocks(self) -> list[str | DisplayBlock]:
        table = Table(["key", "sum"], 1, [[["<b>[red]", "1"]]], title="of [red]\x1b")
        return ["result <b>", table, "remark\x1b[2J"]


def by_rich(result: Renderable) -> str:
    file = io.StringIO()
    Console(file=file, width=80, color_system=None).print(result)
    return file.getvalue()


@pytest.mark.parametrize("show", [str, repr, by_rich])
def test_blocks_stand_below_each_other(show: object) -> None:
    assert callable(show)
    lines = [line.rstrip() for line in show(Result()).splitlines()]
    texts = [line.strip() for line in lines if line.strip(" ─")]
    start = ["result <b>", r"of [red]\x1b"]
    assert texts == [*start, "key        sum", "<b>[red]     1", r"remark\x1b[2J"]
    assert lines[-2] == ""


def test_a_notebook_shows_html_without_markup_of_users() -> None:
    text = Result()._repr_html_()
    assert r"</style><p>result &lt;b&gt;</p><p>of [red]\x1b</p>" in text
    assert text.endswith(r"</table></div><p>remark\x1b[2J</p></div>")
    assert "&lt;b&gt;[red]" in text
