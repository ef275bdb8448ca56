"""Framing somebody in a crowd needs bounded memory, and finds the same crop as without a bound."""

import tracemalloc

import numpy as np

from otio_speakerzoom.director import framing_faults
from otio_speakerzoom.director.framing import frame_single
from otio_speakerzoom.director.style import Style

SIZE = CANVAS = (1920, 1080)


def crowd(count):
    """(T, 4) boxes of a face, and of so many others beside, above and below it."""
    rng = np.random.default_rng(1)
    lefts, tops = rng.uniform(0, 1880, count), rng.uniform(0, 1040, count)
    boxes = np.stack([lefts, tops, lefts + 20, tops + 25], axis=1).astype(np.float32)
    return np.array([[900, 500, 990, 620]], np.float32), [box[None] for box in boxes]


def test_a_crop_does_not_depend_on_how_many_shares_are_computed_at_once(monkeypatch):
    whole = frame_single(*crowd(40), SIZE, CANVAS, Style())

    monkeypatch.setattr(framing_faults, "MAX_SHARES", 1000)

    assert frame_single(*crowd(40), SIZE, CANVAS, Style()) == whole


def test_memory_for_a_single_in_a_crowd_is_bounded():
    """All shares at once of 300 others need 0.9 GB."""
    face, others = crowd(300)
    tracemalloc.start()
    try:
        frame_single(face, others, SIZE, CANVAS, Style())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 8 * framing_faults.MAX_SHARES
