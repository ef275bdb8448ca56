"""What the tests of the review page share: a service of its own process, a page, patience."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

LAUNCH_URL = re.compile(r"http://\S+/launch\?secret=\S+")


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


def wait_until(page, expression, seconds=60):
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
    page.wait_for_selector('body[data-ready="true"]', timeout=60_000)
    page.messages = messages
    try:
        yield page
    finally:
        context.close()
    assert not messages
