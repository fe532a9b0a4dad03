"""Tests of the page of a report in a browser: search, toggles, theme, keyboard, accessibility."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memmpy.display import printable
from memmpy.report.report_page import render_page
from tests.report.pages import HOSTILE, report_of

pytest.importorskip("jinja2")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Reader:
    """A page in the browser, which fails a test that leaves messages in the console."""

    def __init__(self, browser: Any, folder: Path, names: list[str], **options: Any) -> None:
        text = options.pop("text", "plain")
        file = folder / "report.html"
        file.write_bytes(render_page(report_of(names, text=text)))
        context = browser.new_context(**options)
        self.messages: list[str] = []
        self.requests: list[str] = []
        context.set_default_timeout(5000)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: self.messages.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        start = time.perf_counter()
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("#found:not(:empty)")
        self.seconds = time.perf_counter() - start

    def shown(self) -> list[str]:
        """Return the keys that are shown."""
        return [
            one.get_attribute("data-name")
            for one in self.page.query_selector_all("#key-grid > .card")
            if one.is_visible()
        ]

    def line(self, number: int = 0) -> str:
        """Return the path of the first line of the first histogram of a key."""
        self.page.locator("#key-grid .card:visible").first.scroll_into_view_if_needed()
        self.page.locator("#key-grid .line").first.wait_for(state="attached")
        lines = self.page.query_selector_all("#key-grid .card:not([hidden]) .line")
        return str(lines[number].get_attribute("d"))

    def press(self, name: str) -> None:
        """Press a button of the toolbar of the keys."""
        self.page.locator("#keys").get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def reader(browser: Any, tmp_path: Path) -> Iterator[Reader]:
    one = Reader(browser, tmp_path, [f"jet_{i}" for i in range(70)] + ["met", "MET_phi"])
    yield one
    assert one.messages == []
    one.page.context.close()


def test_a_search_shows_the_keys_with_all_words(reader: Reader) -> None:
    reader.page.fill("#search", "met")
    assert reader.shown() == ["met", "MET_phi"]
    reader.page.fill("#search", "met phi")
    assert reader.shown() == ["MET_phi"]
    assert reader.page.inner_text("#found") == "1 of 74 keys match"


def test_a_star_in_a_search_stands_for_any_characters(reader: Reader) -> None:
    reader.page.fill("#search", "j*_6?")
    assert reader.shown() == []
    reader.page.fill("#search", "j*_6*")
    assert reader.shown() == ["jet_6", *(f"jet_6{i}" for i in range(10))]


def test_only_the_first_60_keys_are_shown_until_the_others_are_asked_for(reader: Reader) -> None:
    assert len(reader.shown()) == 60
    reader.page.get_by_role("button", name="Show all 74 keys").click()
    assert len(reader.shown()) == 74
    assert not reader.page.is_visible("#more")


def test_toggles_draw_again(reader: Reader) -> None:
    first = reader.line()
    reader.press("Log scale")
    in_log = reader.line()
    assert in_log != first
    reader.press("Log scale")
    assert reader.line() == first
    labels = reader.page.locator("#key-grid text").all_inner_texts()
    reader.press("Normalise")
    assert reader.page.locator("#key-grid text").all_inner_texts() != labels


def test_a_histogram_has_a_line_for_each_group_of_the_view(reader: Reader) -> None:
    reader.line()
    card = reader.page.locator("#key-grid .card").first
    assert card.locator(".line").count() == 3
    reader.page.select_option("#keys [data-view]", label="class")
    assert card.locator(".line").count() == 2
    assert reader.page.locator("#keys .legend button").all_inner_texts() == ["signal", "background"]


def test_a_name_in_the_legend_hides_its_line(reader: Reader) -> None:
    reader.line()
    card = reader.page.locator("#key-grid .card").first
    button = reader.page.locator("#keys .legend").get_by_role("button", name="ttbb")
    button.click()
    assert card.locator(".line").count() == 2
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert card.locator(".line").count() == 3


def test_numbers_are_those_of_the_bins(reader: Reader) -> None:
    reader.page.fill("#search", "flag")
    card = reader.page.locator("#key-grid .card").filter(has_text="flag")
    card.get_by_text("Numbers").click()
    card.locator("tbody tr").last.wait_for()
    assert card.locator("tbody tr").all_inner_texts() == ["false\t3\t1", "plain\t4\t2"]
    assert card.locator("thead th").all_inner_texts() == ["value", "ttH", "plain"]


def test_the_theme_follows_the_system_until_the_button_is_pressed(
    browser: Any, tmp_path: Path
) -> None:
    reader = Reader(browser, tmp_path, ["met"], color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = reader.page.evaluate(colour)
    reader.page.get_by_role("button", name="Light theme").click()
    light = reader.page.evaluate(colour)
    assert dark != light
    reader.page.emulate_media(color_scheme="light")
    reader.page.get_by_role("button", name="Dark theme").click()
    assert reader.page.evaluate(colour) == dark
    reader.page.reload()
    assert reader.page.evaluate(colour) == dark
    assert reader.messages == []


def test_the_keyboard_reaches_the_controls_in_their_order(reader: Reader) -> None:
    places = []
    for _ in range(60):
        reader.page.keyboard.press("Tab")
        place = reader.page.evaluate(
            "() => { const e = document.activeElement;"
            "return e.id || e.dataset.toggle || e.getAttribute('href') || e.textContent; }"
        )
        places.append(place)
        if place == "Numbers of jet_0":
            break
    controls = ["#main", "#summary", "theme", "search", "log", "norm", "ttH", "Numbers of jet_0"]
    assert [place for place in places if place in controls] == controls


def test_the_skip_link_leads_past_the_navigation(reader: Reader) -> None:
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    assert reader.page.evaluate("document.activeElement.id") == "main"


def test_a_page_of_500_keys_has_all_of_them(browser: Any, tmp_path: Path) -> None:
    reader = Reader(browser, tmp_path, [f"key_{i}" for i in range(500)])
    reader.page.get_by_role("button", name="Show all 502 keys").click()
    assert len(reader.shown()) == 502
    assert reader.messages == []
    print(f"500 keys are there after {reader.seconds:.2f} s")  # noqa: T201 - for pytest -s


def test_a_page_asks_for_nothing_but_itself(reader: Reader) -> None:
    reader.page.mouse.wheel(0, 20000)
    reader.page.wait_for_timeout(100)
    assert len(reader.requests) == 1


def test_names_run_no_script(browser: Any, tmp_path: Path) -> None:
    reader = Reader(browser, tmp_path, HOSTILE, text=" ".join(HOSTILE))
    reader.line()
    for summary in reader.page.query_selector_all("#keys summary"):
        summary.click()
    reader.page.select_option("#keys [data-view]", index=1)
    assert [printable(name) for name in HOSTILE] == reader.shown()[: len(HOSTILE)]
    assert reader.messages == []
    reader.page.context.close()


@pytest.mark.parametrize("width", [320, 360, 500, 1440])
def test_a_page_is_as_wide_as_the_screen(browser: Any, tmp_path: Path, width: int) -> None:
    long = "a_very_long_name_of_a_branch_that_has_no_blank_" * 3
    viewport = {"width": width, "height": 800}
    reader = Reader(browser, tmp_path, [long], text=long, viewport=viewport)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
    reader.page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(browser: Any, tmp_path: Path, theme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    viewport = {"width": width, "height": 1200}
    reader = Reader(browser, tmp_path, ["met"], color_scheme=theme, viewport=viewport)
    for summary in reader.page.query_selector_all("summary"):
        summary.click()
    reader.line()
    found = axe.Axe().run(reader.page).response
    assert found["passes"]
    assert [one["id"] for one in found["violations"]] == []
    reader.page.context.close()


def test_a_printed_page_has_all_histograms(reader: Reader) -> None:
    reader.page.emulate_media(media="print", color_scheme="dark")
    pdf = reader.page.pdf()
    assert pdf.startswith(b"%PDF")
    drawn = reader.page.locator("#key-grid .card:not([hidden]) .plot svg").count()
    assert drawn == 60
    assert not reader.page.is_visible("nav")
