"""Fixtures: a running service, and Debian's Chromium that shows its page."""

import shutil

import pytest
from counted_film import analyse_counted_film, make_counted_film
from page_tools import open_page

from otio_speakerzoom import pipeline

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="session")
def counted_source(tmp_path_factory):
    """A film of 20 s with two people, and its cut."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        film = make_counted_film(tmp_path_factory.mktemp("counted") / "talk.mp4")
        analyse_counted_film(film, monkeypatch=monkeypatch)
        pipeline.cut(pipeline.Job(film))
    return film


@pytest.fixture
def film(counted_source, tmp_path):
    """A copy of that film and its work folder, to edit."""
    shutil.copy(counted_source, tmp_path)
    name = f"{counted_source.name}.speakerzoom"
    shutil.copytree(counted_source.with_name(name), tmp_path / name)
    return tmp_path / counted_source.name


@pytest.fixture
def opened(film):
    """A function that returns an address to open the page of the film with, once each.

    The service runs in a thread of this process.
    """
    from review_service import running

    with running(film) as (service, _):
        (source,) = service.sources.values()
        yield lambda: service.launch_url(source)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium without a window.

    Of a module, because playwright's event loop counts as running in this thread as long as it
    lives, and other modules run loops of their own.
    """
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, opened):
    """The page of the film, ready to use; an error on its console fails the test."""
    with open_page(browser, opened()) as page:
        yield page
