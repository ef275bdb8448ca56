"""Face crops: smooth boxes, the region that a recipe cuts, and its sampling."""

import numpy as np
import pytest

from otio_speakerzoom.speech.crops import (
    LOWER_FACE,
    WHOLE_BOX,
    CropRecipe,
    crop_face,
    crop_region,
    smooth_boxes,
)


def test_smoothing_leaves_a_still_face_alone():
    boxes = np.tile(np.float32([10, 20, 110, 140]), (30, 1))

    np.testing.assert_array_equal(smooth_boxes(boxes), boxes)


@pytest.mark.parametrize("frames", [1, 5, 13, 40])
def test_the_first_box_of_a_moving_face_does_not_lag(frames):
    boxes = np.float32([100, 100, 150, 160]) + np.float32([4, 2, 4, 2]) * np.arange(frames)[:, None]

    smooth = smooth_boxes(boxes.astype(np.float32))

    # An edge-padded running median of a straight line is that line, ends included.
    np.testing.assert_allclose(smooth, boxes, atol=1e-3)


def test_smoothing_removes_a_jump_shorter_than_half_the_kernel():
    boxes = np.tile(np.float32([10, 20, 110, 140]), (30, 1))
    jumped = boxes.copy()
    jumped[12:18] += 300

    np.testing.assert_array_equal(smooth_boxes(jumped), boxes)


def chart(axis):
    """A 400 by 400 frame in which a pixel's value is its position along `axis`, halved."""
    ramp = np.arange(400) / 2
    return np.broadcast_to(ramp if axis else ramp[:, None], (400, 400)).round().astype(np.uint8)


RECIPES = [
    (WHOLE_BOX, (150 - 72, 200 - 48, 144, 96)),
    (LOWER_FACE, (150 - 42, 200 + 24 - 42, 84, 84)),
    (CropRecipe(scale=2.2, shift=0.0, square=True), (18, 68, 264, 264)),
]


@pytest.mark.parametrize(("recipe", "region"), RECIPES)
def test_a_crop_shows_the_region_of_its_recipe(recipe, region):
    box = np.float32([90, 160, 210, 240])  # 120 wide, 80 high, around 150, 200
    left, top, width, height = region
    middle = (np.arange(112) + 0.5) / 112  # of each crop pixel, along its region

    across = crop_face(chart(1), box, recipe)
    down = crop_face(chart(0), box, recipe)

    # A source pixel n has its middle at n + 0.5; the chart's own rounding is half a gray level.
    assert np.abs(across - (left + width * middle - 0.5) / 2).max() <= 1
    assert np.abs(down - (top + height * middle - 0.5)[:, None] / 2).max() <= 1


def test_a_region_of_the_crops_size_is_copied():
    frame = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)

    cropped = crop_face(frame, np.float32([30, 40, 142, 152]), CropRecipe(1.0, 0.0, square=True))

    np.testing.assert_array_equal(cropped, frame[40:152, 30:142])


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_large_face_is_averaged_not_sampled(factor):
    side = 112 * factor
    frame = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    means = frame.reshape(112, factor, 112, factor).mean(axis=(1, 3))

    cropped = crop_face(frame, np.float32([0, 0, side, side]), CropRecipe(1.0, 0.0, square=True))

    assert np.abs(cropped - means).max() <= 1


def test_outside_the_frame_is_gray():
    frame = np.zeros((100, 100), np.uint8)

    away = crop_face(frame, np.float32([500, 500, 600, 600]), WHOLE_BOX)
    corner = crop_face(frame, np.float32([-50, -50, 50, 50]), WHOLE_BOX)

    assert (away == 110).all()
    assert (corner[:50] == 110).all()
    assert (corner[62:, 62:] == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_reads_nothing_outside_its_region(seed):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (240, 320), np.uint8)
    for _ in range(25):
        left, top = rng.uniform(-60, 320), rng.uniform(-60, 240)
        box = np.float32([left, top, left + rng.uniform(5, 250), top + rng.uniform(5, 250)])
        recipe = (WHOLE_BOX, LOWER_FACE)[rng.integers(2)]
        x0, y0, x1, y1 = np.maximum(crop_region(box, recipe), 0)
        other = np.full_like(frame, rng.integers(256))
        other[y0:y1, x0:x1] = frame[y0:y1, x0:x1]

        np.testing.assert_array_equal(crop_face(other, box, recipe), crop_face(frame, box, recipe))
