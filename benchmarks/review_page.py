"""Measure the review page of a long film: time until it is ready, frames a second, memory.

    python benchmarks/generated_store.py FOLDER --hours 2 --people 5
    speakerzoom cut FOLDER/conversation.mp4 -o FOLDER/cut.otio --min-shot 1s --max-shot 7s
    python benchmarks/review_page.py FOLDER/conversation.mp4

drives Debian's Chromium without a window, and without a graphics card, through playwright. It turns
a wheel over the timeline once before each frame of the screen, for five seconds at each zoom.
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.server import Service

SIZES = ((1440, 900), (2560, 1440))
ZOOM_KEYS = 8
"""Presses of + from the whole film to about five minutes of two hours: each is a factor of 1.5."""
READY_S = 30
OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
WHEEL = """
async ([zooms, seconds]) => {
  const stage = document.querySelector("#timeline .stage");
  const { left, top, width } = stage.getBoundingClientRect();
  const place = { bubbles: true, cancelable: true, clientX: left + width / 2, clientY: top + 60 };
  const times = [];
  await new Promise((resolve) => {
    const turn = (now) => {
      times.push(now);
      const deltaY = Math.floor(times.length / 50) % 2 ? 60 : -60;
      stage.dispatchEvent(new WheelEvent("wheel", { ...place, deltaY, ctrlKey: zooms }));
      if (now - times[0] < 1000 * seconds) requestAnimationFrame(turn);
      else resolve();
    };
    requestAnimationFrame(turn);
  });
  return times;
}
"""
"""Turns the wheel before each frame and returns their times, in milliseconds."""


def main() -> None:
    """Measure the page at two sizes of its window."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("film", type=Path, help="analysed and cut")
    film: Path = parser.parse_args().film
    with _service(film) as service, sync_playwright() as playwright:
        (source,) = service.sources.values()
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        processes = browser.new_browser_cdp_session()
        for width, height in SIZES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(service.launch_url(source))
            page.wait_for_selector('body[data-ready="true"]', timeout=1000 * READY_S)
            ready_ms = page.evaluate("performance.now()")
            print(f"{width} x {height}: ready after {ready_ms / 1000:.2f} s")
            _measure_drawing(page, processes)
            _measure_memory(page, processes)
            page.close()
        browser.close()


@contextmanager
def _service(film: Path) -> Generator[Service, None, None]:
    with Service() as service:
        service.open(Job(film))
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()
        yield service
        service.end()
        thread.join()


def _measure_drawing(page: Page, processes: CDPSession) -> None:
    """Print frames a second while the timeline scrolls and zooms."""
    page.wait_for_timeout(3000)  # until the first pictures and signals have arrived
    _turn(page, processes, "zoom", zooms=True)
    for _ in range(ZOOM_KEYS):
        page.keyboard.press("+")
    _turn(page, processes, "scroll", zooms=False)


def _turn(page: Page, processes: CDPSession, name: str, *, zooms: bool) -> None:
    before = _cpu_s(processes)
    times: list[float] = page.evaluate(WHEEL, [zooms, 5])
    frames = len(times) - 1
    each_ms = 1000 * (_cpu_s(processes) - before) / frames
    rate = 1000 * frames / (times[-1] - times[0])
    print(f"  {name}: {rate:.0f} frames a second, {each_ms:.0f} ms of processor time each")


def _measure_memory(page: Page, processes: CDPSession) -> None:
    """Print the memory of the page after it has played, without what the browser gives back."""
    page.keyboard.press("Space")
    page.wait_for_timeout(5000)
    page.keyboard.press("Space")
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    metrics = tools.send("Performance.getMetrics")["metrics"]
    heap = next(metric["value"] for metric in metrics if metric["name"] == "JSHeapUsedSize")
    # a cache of drawn pictures, up to 512 MB where there is no graphics card, gives way like this
    tools.send("Memory.simulatePressureNotification", {"level": "critical"})
    page.wait_for_timeout(3000)
    renderers = [p["id"] for p in _processes(processes) if p["type"] == "renderer"]
    print(f"  heap {heap / 1e6:.0f} MB, renderer {max(map(_memory_mb, renderers)):.0f} MB")


def _processes(session: CDPSession) -> list[dict[str, Any]]:
    return session.send("SystemInfo.getProcessInfo")["processInfo"]


def _cpu_s(session: CDPSession) -> float:
    """Return the processor time of the whole browser."""
    return sum(process["cpuTime"] for process in _processes(session))


def _memory_mb(pid: int) -> float:
    """Return the memory of a process, without the pages of the program that all of them share."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = [line for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return sum(int(line.split()[1]) for line in own) * 1024 / 1e6


if __name__ == "__main__":
    main()
