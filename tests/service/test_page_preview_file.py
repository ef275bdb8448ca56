"""What a browser cannot play gets a preview file, which shows the same frames."""

from fractions import Fraction

import pytest
from counted_film import analyse_counted_film, make_counted_film
from page_tools import wait_until
from test_page_playback import NUMBERS, WATCH

from otio_speakerzoom import pipeline

pytest_plugins = ["review_page"]

RATE = Fraction(24000, 1001)


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A film in ProRes, which no browser plays."""
    path = make_counted_film(tmp_path / "talk.mov", RATE, seconds=8, encoder="prores_ks")
    analyse_counted_film(path, monkeypatch=monkeypatch)
    pipeline.cut(pipeline.Job(path))
    return path


def test_frames_of_prores_are_shown_from_a_preview_file_with_the_same_frames(page, film):
    wait_until(page, "document.querySelector('#media-note').innerText")
    assert "Preview file" in page.locator("#media-note").inner_text()
    page.evaluate(WATCH, NUMBERS)
    media = pipeline.cached_cut(pipeline.Job(film)).media

    page.keyboard.press("End")
    wait_until(page, f"document.documentElement.dataset.frame === '{media.duration - 1}'")
    assert page.evaluate("window.read()")["number"] == media.duration - 1
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    wait_until(page, f"document.documentElement.dataset.frame === '{media.duration - 4}'")

    assert page.evaluate("window.read()")["number"] == media.duration - 4
