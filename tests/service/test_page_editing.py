"""What a hand changes on the page is in the work folder, and comes back from it."""

import json
import time

import pytest
from page_tools import open_page, running_service

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.cli.main import main

pytest_plugins = ["review_page"]


def cut_of(film):
    return pipeline.cached_cut(pipeline.Job(film))


def locks_of(film):
    return store.load_locks(pipeline.Job(film).folder)


@pytest.fixture
def next_cut(film):
    """Return the cut of the folder as soon as it is another than at the last call."""
    path = pipeline.Job(film).folder / "cutlist.json"
    digest = store.file_digest(path)

    def wait():
        nonlocal digest
        deadline = time.monotonic() + 60
        while (now := store.file_digest(path)) == digest:
            assert time.monotonic() < deadline, "nothing was saved"
            time.sleep(0.02)
        digest = now
        return cut_of(film)

    return wait


def shots_on_page(page):
    """Return start, end and subjects of the shots, as the service has them for the page."""
    shots = page.evaluate("fetch('api/state').then((answer) => answer.json())")["shots"]
    return [(shot["start"], shot["end"], tuple(shot["subjects"])) for shot in shots]


def shots_of(cut_list):
    return [(shot.range.start, shot.range.end, shot.subjects) for shot in cut_list.shots]


def find_first_cut(page):
    """Return where the pointer can take the first cut on the timeline, in pixels of the page."""
    box = page.locator("#timeline").bounding_box()
    for y in range(int(box["y"]) + 40, int(box["y"]) + 120, 10):
        for x in range(int(box["x"]) + 130, int(box["x"] + box["width"]), 5):
            page.mouse.move(x, y)
            if page.evaluate(
                "[...document.querySelectorAll('#timeline *')]"
                ".some((part) => part.style.cursor === 'ew-resize')"
            ):
                return x, y
    raise AssertionError("no cut on the timeline")


def test_a_key_gives_the_shot_to_the_other_person(page, film, next_cut):
    old = cut_of(film)

    page.keyboard.press("2")
    new = next_cut()

    assert new.shots[0].subjects == (2,)
    assert [shot.range for shot in new.shots] == [shot.range for shot in old.shots]
    assert new.shots[1:] == old.shots[1:]
    assert [(lock.range, lock.subjects) for lock in locks_of(film)] == [(old.shots[0].range, (2,))]


def test_a_cut_is_dragged(page, film, next_cut):
    old = cut_of(film)
    x, y = find_first_cut(page)

    page.keyboard.down("Alt")  # no magnet
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Alt")
    new = next_cut()

    moved = new.shots[0].range.end
    assert old.shots[0].range.end < moved < old.shots[1].range.end
    assert new.shots[1].range.start == moved
    assert shots_of(new)[2:] == shots_of(old)[2:]
    assert [lock.range for lock in locks_of(film)] == [new.shots[0].range, new.shots[1].range]


def test_a_crop_is_dragged(page, film, next_cut):
    old = cut_of(film).shots[0].crop
    box = page.locator("#source .crop").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 15, middle[1] - 8, steps=5)
    page.mouse.up()
    new = next_cut().shots[0].crop

    assert new.left > old.left
    assert new.top < old.top
    assert new.width == pytest.approx(old.width, abs=1)
    assert locks_of(film)[0].crop == new


def test_undo_takes_back_the_edits_one_by_one_and_redo_makes_them_again(page, film, next_cut):
    old = shots_of(cut_of(film))
    page.keyboard.press("w")
    first = shots_of(next_cut())
    page.keyboard.press("End")
    page.keyboard.press("1")
    second = shots_of(next_cut())
    assert len({tuple(old), tuple(first), tuple(second)}) == 3

    page.keyboard.press("Control+z")
    assert shots_of(next_cut()) == first
    page.keyboard.press("Control+z")
    assert shots_of(next_cut()) == old
    assert locks_of(film) == ()

    page.keyboard.press("Control+Shift+z")
    assert shots_of(next_cut()) == first
    page.keyboard.press("Control+Shift+z")
    assert shots_of(next_cut()) == second


def test_a_service_that_starts_again_has_the_edits_and_their_undo(
    browser, film, tmp_path, next_cut
):
    old = shots_of(cut_of(film))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with running_service(film, home) as service, open_page(browser, service.launch_url) as page:
        page.keyboard.press("w")
        edited = shots_of(next_cut())
        page.context.close()
        service.kill()
    with running_service(film, home) as service, open_page(browser, service.launch_url) as page:
        assert shots_on_page(page) == edited
        page.keyboard.press("Control+z")
        assert shots_of(next_cut()) == old


def test_the_command_line_exports_what_the_page_has_changed(page, film, tmp_path, next_cut, capsys):
    page.keyboard.press("w")
    new = next_cut()

    assert main(["export", str(film), "-o", str(tmp_path / "talk.otio")]) == 0
    assert main(["inspect", str(film), "--json"]) == 0

    shots = json.loads(capsys.readouterr().out.split("\n", 1)[1])["shots"]
    assert [(shot["start"], shot["end"], tuple(shot["subjects"])) for shot in shots] == shots_of(
        new
    )
