"""The source's own cuts are those that PySceneDetect's AdaptiveDetector detects."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from otio_speakerzoom.faces.camera_cuts import CameraCuts, ContentChange
from otio_speakerzoom.faces.resize import resize_fast

SIZE = (256, 144)


class Scored(AdaptiveDetector):
    """PySceneDetect's rule for any values, without pixels."""

    def _calculate_frame_score(self, timecode, frame_img):
        return frame_img


def scenedetect_cuts(values, rate=25.0, start=0, detector=Scored):
    cuts, judge = [], detector(adaptive_threshold=3.5, window_width=3, min_scene_len=3)
    for number, value in enumerate(values, start):
        cuts += judge.process_frame(FrameTimecode(number, rate), value)
    cuts += judge.post_process(FrameTimecode(start + len(values), rate))
    return [cut.frame_num for cut in cuts]


def cuts_of(changes, start=0):
    cuts = CameraCuts(start)
    for change in changes:
        cuts.push(change)
    cuts.finish()
    return cuts.cuts


# --- which values are cuts ------------------------------------------------------------------------

CHANGES = st.one_of(
    st.floats(0, 255), st.sampled_from([0.0, 1e-6, 0.00001, 1.0, 14.999, 15.0, 52.5, 60.0, 255.0])
)


@given(st.lists(CHANGES, max_size=60), st.sampled_from([24000 / 1001, 25.0, 30000 / 1001, 60.0]),
       st.sampled_from([0, 1, 7, 100_000]))  # fmt: skip
def test_any_changes_give_the_cuts_of_pyscenedetect(changes, rate, start):
    assert cuts_of(changes, start) == scenedetect_cuts(changes, rate, start)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_many_random_changes_give_the_cuts_of_pyscenedetect(seed, share):
    rng = np.random.default_rng(seed)
    changes = rng.gamma(1.5, 2, 3_000)
    changes[rng.random(len(changes)) < share] += rng.uniform(5, 100)
    cuts = cuts_of(changes.tolist())

    assert cuts == scenedetect_cuts(changes.tolist())
    assert cuts


@pytest.mark.parametrize("length", range(12))
def test_the_first_and_the_last_three_frames_are_no_cuts(length):
    for place in range(length):
        changes = [0.0] * length
        changes[place] = 200.0
        assert cuts_of(changes) == ([place] if 3 <= place < length - 3 else [])


def test_two_cuts_are_at_least_three_frames_apart():
    for distance in range(1, 9):
        changes = [0.0] * 30
        changes[10] = changes[10 + distance] = 200.0
        assert cuts_of(changes) == scenedetect_cuts(changes)
        assert len(cuts_of(changes)) == (2 if distance >= 3 else 1)


@given(st.lists(CHANGES, max_size=60), st.integers(0, 9))
def test_a_cut_is_known_three_frames_later_and_never_before(changes, start):
    cuts, last = CameraCuts(start), cuts_of(changes, start)
    for number, change in enumerate(changes, start):
        cuts.push(change)
        assert cuts.settled_end == max(start, number - 2)
        assert cuts.cuts == [cut for cut in last if cut < cuts.settled_end]


def test_no_frame_has_no_cut():
    assert cuts_of([]) == []


# --- how much a frame changes ---------------------------------------------------------------------


def noise(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return cv2.resize(coarse, (960, 540), interpolation=cv2.INTER_CUBIC)


def film():
    """Cuts, a fade, a dissolve, flashes, a pan and a still picture."""
    one, two, three = noise(1), noise(2), noise(3)
    frames = [one] * 12 + [two] * 9 + [one] * 2 + [two] * 8
    frames += [cv2.convertScaleAbs(two, alpha=1 - n / 10) for n in range(11)]  # to black
    frames += [cv2.addWeighted(one, n / 8, three, 1 - n / 8, 0) for n in range(9)]
    for n in range(30):
        flash = 60 if n in (7, 8, 20) else 0
        frames.append(cv2.add(np.roll(three, 12 * n, axis=1), (flash, flash, flash, 0)))
    rng = np.random.default_rng(4)
    frames += [cv2.add(two, rng.integers(0, 30, two.shape, np.uint8)) for _ in range(12)]
    return frames + [one] * 4


@pytest.mark.parametrize("size", [(960, 540), (540, 960), (300, 300), (101, 57)])
def test_a_film_has_the_changes_and_cuts_of_pyscenedetect(size):
    class Spy(AdaptiveDetector):
        values = []  # noqa: RUF012

        def _calculate_frame_score(self, timecode, frame_img):
            self.values.append(super()._calculate_frame_score(timecode, frame_img))
            return self.values[-1]

    frames = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in film()]
    small = (SIZE[0], round(SIZE[0] * size[1] / size[0]))
    frames = [resize_fast(frame, small) for frame in frames]
    bgr = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
    expected = scenedetect_cuts(bgr, detector=Spy)
    change = ContentChange()
    changes = [change.push(frame) for frame in frames]

    assert changes == Spy.values  # bit for bit
    assert cuts_of(changes) == expected
    assert {12, 21} < set(expected)


def test_a_cut_is_detected_to_the_frame_and_a_pan_is_not():
    rng = np.random.default_rng(3)
    one, two = (rng.integers(0, 255, (18, 64, 3), np.uint8).repeat(5, 0).repeat(5, 1) for _ in "ab")
    content, cuts = ContentChange(), CameraCuts(0)
    for number in range(40):
        cuts.push(content.push(np.roll(one, number, axis=1) if number < 23 else two))
    cuts.finish()

    assert cuts.cuts == [23]
