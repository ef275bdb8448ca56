"""The page beside other tabs, the command line, and a full disk: no edit is lost."""

import errno
import time

import pytest
from page_tools import open_page, wait_until

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.store import atomic

pytest_plugins = ["review_page"]


def subjects(film):
    return [shot.subjects for shot in pipeline.cached_cut(pipeline.Job(film)).shots]


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text_of(page, selector):
    return page.locator(selector).inner_text()


def go_to_last_shot(page):
    page.keyboard.press("End")
    wait_until(page, "document.documentElement.dataset.shot === '3'")


@pytest.fixture
def two_tabs(browser, opened):
    """Two pages of the same cut."""
    with open_page(browser, opened()) as one, open_page(browser, opened()) as other:
        yield one, other


def test_edits_in_two_tabs_at_once_are_both_saved_and_both_tabs_show_both(two_tabs, film):
    one, other = two_tabs
    go_to_last_shot(other)

    one.keyboard.press("2")
    other.keyboard.press("w")

    wait_for(lambda: subjects(film) == [(2,), (2,), (1,), ()])
    for page in two_tabs:
        page.keyboard.press("Home")
        wait_for(lambda page=page: "Person 2" in text_of(page, "#transport"))
        go_to_last_shot(page)
        wait_for(lambda page=page: "Wide" in text_of(page, "#transport"))
        page.messages[:] = [text for text in page.messages if "412" not in text]  # asked again


def test_a_cut_on_the_command_line_keeps_the_edits_and_the_page_shows_it(page, film, tmp_path):
    page.keyboard.press("2")
    wait_for(lambda: subjects(film)[0] == (2,))

    options = ("--min-shot", "1s", "--max-shot", "4s", "-o", str(tmp_path / "talk.otio"))
    assert main(["cut", str(film), *options]) == 0
    shots = pipeline.cached_cut(pipeline.Job(film)).shots

    assert len(shots) > 4
    assert (shots[0].subjects, shots[0].range.end, shots[0].locked) == ((2,), 146, True)
    wait_for(lambda: f"of {len(shots)}" in text_of(page, "#transport"))


def test_a_hidden_tab_holds_no_connection_and_is_up_to_date_when_it_is_visible_again(
    page, film, browser, opened
):
    hide = (
        "(hidden) => { Object.defineProperty(document, 'hidden', { configurable: true, "
        "get: () => hidden }); document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(
        "window.streams = 0; const Original = window.EventSource;"
        "window.EventSource = class extends Original { constructor(...rest) {"
        "super(...rest); window.streams += 1; } }; null"
    )
    page.evaluate(hide, True)
    with open_page(browser, opened()) as other:
        other.keyboard.press("2")
        wait_for(lambda: subjects(film)[0] == (2,))
    time.sleep(1.5)  # the service looks at the files once a second
    assert "locked" not in text_of(page, "#transport")

    page.evaluate(hide, False)

    wait_until(page, "window.streams === 1")
    wait_for(lambda: "locked" in text_of(page, "#transport"))


def test_an_edit_waits_in_the_page_while_the_disk_is_full(page, film, monkeypatch):
    def no_space(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    old, digest = subjects(film), store.file_digest(pipeline.Job(film).folder / "cutlist.json")
    with monkeypatch.context() as full_disk:
        full_disk.setattr(atomic, "_new_file", no_space)
        page.keyboard.press("2")
        wait_for(lambda: "space" in text_of(page, "#saving").lower())
        assert store.file_digest(pipeline.Job(film).folder / "cutlist.json") == digest
        assert subjects(film) == old

    wait_for(lambda: subjects(film) == [(2,), *old[1:]])
    wait_for(lambda: "saved" in text_of(page, "#saving"))
    page.messages[:] = [text for text in page.messages if "507" not in text]


def test_a_timeline_that_the_page_exports_has_the_edits(page, film, tmp_path):
    page.keyboard.press("2")
    wait_for(lambda: subjects(film)[0] == (2,))

    page.keyboard.press("f")
    page.get_by_title("DaVinci Resolve: write the timeline (.otio)").click()
    output = film.with_suffix(".otio")
    wait_for(output.exists)

    assert main(["export", str(film), "-o", str(tmp_path / "again.otio")]) == 0
    assert output.read_text() == (tmp_path / "again.otio").read_text()
