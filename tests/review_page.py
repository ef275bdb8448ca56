"""Fixtures: a running service, and Debian's Chromium that shows its page."""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest
from counted_film import analyse_counted_film, make_counted_film

from otio_speakerzoom import pipeline

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None
)
LAUNCH_URL = re.compile(r"http://\S+/launch\?secret=\S+")


@pytest.fixture(scope="session")
def counted_source(tmp_path_factory):
    """A film of 20 s with two people, and its cut."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        film = make_counted_film(tmp_path_factory.mktemp("counted") / "talk.mp4")
        analyse_counted_film(film, monkeypatch=monkeypatch)
        pipeline.cut(pipeline.Job(film))
    return film


@pytest.fixture
def talk(counted_source, tmp_path):
    """A copy of that film and its work folder, to edit."""
    shutil.copy(counted_source, tmp_path)
    name = f"{counted_source.name}.speakerzoom"
    shutil.copytree(counted_source.with_name(name), tmp_path / name)
    return tmp_path / counted_source.name


@contextmanager
def running_service(source, home, *options):
    """Run `speakerzoom review`; give its process, with `launch_url`, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", "review", str(source), "--no-browser", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home)},
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        match = LAUNCH_URL.search(line)
        assert match, (line, process.stderr.read() if process.poll() is not None else "")
        process.launch_url = match[0]
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.communicate()  # which closes the pipes too


@pytest.fixture
def service(talk, tmp_path):
    """The service of the film, as a process with a `launch_url`."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with running_service(talk, home) as process:
        yield process


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, service):
    """The page of the film, ready to use; an error on its console fails the test."""
    with open_page(browser, service.launch_url) as page:
        yield page


def wait_until(page, expression, seconds=15):
    """Wait until an expression is true in the page; playwright's own waiting breaks its CSP."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        time.sleep(0.02)


@contextmanager
def open_page(browser, url, size=(1440, 900)):
    """Open the page in a context of its own; fail on an error of its console."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page, messages = context.new_page(), []
    page.on("console", lambda m: messages.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(url)
    page.wait_for_selector('body[data-ready="true"]', timeout=20_000)
    page.messages = messages
    try:
        yield page
    finally:
        context.close()
    assert not messages
