"""The page plays the programme as the film would show it, to the frame."""

import pytest
from counted_film import BITS, SIZE, SQUARE
from page_tools import wait_until

from otio_speakerzoom import pipeline

pytest_plugins = ["review_page"]

WATCH = """
({ bits, square, width, height }) => {
  const root = document.documentElement;
  const [source, programme] = ["source", "programme"].map((id) =>
    document.querySelector(`#${id} canvas`));
  const pixel = (canvas, x, y) => canvas.getContext("2d")
    .getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data;
  const read = () => {
    let number = 0;
    for (let bit = 0; bit < bits; bit++) {
      const value = pixel(source, (bit + 0.5) * square / width, 1 - 0.5 * square / height)[1];
      number |= (value > 128) << bit;
    }
    const [red, , blue] = pixel(programme, 0.5, 0.25);
    return {
      frame: Number(root.dataset.frame), shot: Number(root.dataset.shot), number,
      side: red > blue ? "left" : "right",
    };
  };
  window.drawn = [];
  window.read = read;
  new MutationObserver(() => window.drawn.push(read()))
    .observe(root, { attributes: true, attributeFilter: ["data-frame"] });
}
"""
"""Notes what is on the two canvases each time that the page has drawn a frame."""

NUMBERS = {"bits": BITS, "square": SQUARE, "width": SIZE[0], "height": SIZE[1]}
"""Its argument."""


@pytest.fixture
def drawn(page):
    """Return what the page has drawn so far."""
    page.evaluate(WATCH, NUMBERS)
    return lambda: page.evaluate("window.drawn")


def side_of(shot):
    return "left" if shot.crop.centre[0] < SIZE[0] / 2 else "right"


def check(rows, cut_list):
    """Check that each row shows the picture of its frame, in the crop of that frame's shot."""
    for row in rows:
        (index,) = [
            n for n, shot in enumerate(cut_list.shots)
            if shot.range.start <= row["frame"] < shot.range.end
        ]  # fmt: skip
        expected = {
            "frame": row["number"], "number": row["number"], "shot": index,
            "side": side_of(cut_list.shots[index]),
        }  # fmt: skip
        assert row == expected


def go_to(page, frame):
    """Move the playhead by the keys of an editing program."""
    page.keyboard.press("Home")
    wait_until(page, "document.documentElement.dataset.frame === '0'")
    for _ in range(frame // 25):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(frame % 25):
        page.keyboard.press("ArrowRight")
    wait_until(page, f"document.documentElement.dataset.frame === '{frame}'")


def test_over_a_cut_the_other_person_is_on_screen_from_its_first_frame(page, film, drawn):
    cut_list = pipeline.cached_cut(pipeline.Job(film))
    cut = cut_list.shots[1].range.start
    go_to(page, cut - 15)

    page.keyboard.press("Space")
    wait_until(page, f"Number(document.documentElement.dataset.frame) > {cut + 15}")
    page.keyboard.press("Space")
    rows = drawn()

    played = [row for row in rows if cut - 15 <= row["frame"] <= cut + 15]
    assert {row["side"] for row in played} == {"left", "right"}
    assert len(played) > 5  # of 31; a busy machine draws fewer
    check(rows, cut_list)


def test_stepping_shows_every_frame_around_a_cut(page, film, drawn):
    cut_list = pipeline.cached_cut(pipeline.Job(film))
    cut = cut_list.shots[2].range.start
    go_to(page, cut - 2)

    for frame in (cut - 1, cut, cut + 1):
        page.keyboard.press("ArrowRight")
        wait_until(page, f"document.documentElement.dataset.frame === '{frame}'")
        check([page.evaluate("window.read()")], cut_list)
    page.keyboard.press("ArrowLeft")
    wait_until(page, f"document.documentElement.dataset.frame === '{cut}'")

    check(drawn(), cut_list)


def test_sound_does_not_stop_at_a_cut(page, film):
    cut = pipeline.cached_cut(pipeline.Job(film)).shots[1].range.start
    go_to(page, cut - 15)
    page.evaluate(
        "window.events = []; for (const name of ['seeking', 'pause', 'emptied'])"
        "document.querySelector('video').addEventListener(name, () => window.events.push(name))"
    )

    page.keyboard.press("Space")
    wait_until(page, f"Number(document.documentElement.dataset.frame) > {cut + 15}")

    assert page.evaluate("window.events") == []
