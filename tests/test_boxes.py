import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.boxes import (
    areas,
    box_iou,
    centres,
    intersection_areas,
    intersection_sizes,
    iou,
    nms,
    pairwise_iou,
    share_inside,
    sizes,
)
from otio_speakerzoom.model import Box

BOX, RIGHT_HALF, APART = [0, 0, 10, 10], [5, 0, 10, 10], [20, 30, 24, 32]


@st.composite
def box_arrays(draw):
    """(N, 4) boxes of whole pixels, so that equal edges and equal boxes are common."""
    shape = (draw(st.integers(0, 8)), 2)
    corners = draw(arrays(np.int64, shape, elements=st.integers(-20, 20)))
    extents = draw(arrays(np.int64, shape, elements=st.integers(1, 20)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return np.concatenate([corners, corners + extents], axis=1).astype(dtype)


def pixels(box):
    """The whole pixels inside a box, as a set."""
    left, top, right, bottom = map(int, box)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


def test_sizes_areas_and_centres():
    boxes = np.array([BOX, RIGHT_HALF, APART], np.float32)

    assert sizes(boxes).tolist() == [[10, 10], [5, 10], [4, 2]]
    assert areas(boxes).tolist() == [100, 50, 8]
    assert centres(boxes).tolist() == [[5, 5], [7.5, 5], [22, 31]]


def test_boxes_that_do_not_meet_have_a_negative_size_and_no_area_in_common():
    box, apart = np.array([BOX, APART], float)

    assert intersection_sizes(box, apart).tolist() == [-10, -20]
    assert intersection_areas(box, apart) == iou(box, apart) == share_inside(box, apart) == 0


def test_iou_compares_row_by_row_and_pairwise_iou_each_with_each():
    a = np.array([BOX, APART], np.float32)
    b = np.array([[5, 0, 15, 10], APART, BOX], np.float32)

    assert iou(a, b[:2]).tolist() == pytest.approx([1 / 3, 1])
    assert pairwise_iou(a, b).tolist() == [pytest.approx([1 / 3, 0, 1]), [0, 1, 0]]
    assert pairwise_iou(a[:0], b).shape == (0, 3)


def test_share_inside_is_of_the_first_boxes_area():
    box, half = np.array([BOX, RIGHT_HALF], float)

    assert share_inside(half, box) == 1
    assert share_inside(box, half) == 0.5
    assert share_inside(np.array([5.0, 5, 5, 5]), box) == 0  # an empty box


def test_nan_gives_nan():
    assert np.isnan(iou(np.full(4, np.nan), np.array(BOX, float)))
    assert np.isnan(share_inside(np.full(4, np.nan), np.array(BOX, float)))


@given(box_arrays(), box_arrays())
def test_areas_iou_and_shares_are_what_counting_pixels_gives(a, b):
    if a.dtype != b.dtype:
        b = b.astype(a.dtype)
    common = np.array([[len(pixels(x) & pixels(y)) for y in b] for x in a]).reshape(len(a), len(b))
    union = np.array([[len(pixels(x) | pixels(y)) for y in b] for x in a]).reshape(len(a), len(b))
    area = np.array([len(pixels(x)) for x in a]).reshape(-1, 1)

    assert pairwise_iou(a, b).dtype == a.dtype
    np.testing.assert_array_equal(intersection_areas(a[:, None], b), common)
    np.testing.assert_allclose(pairwise_iou(a, b), common / union, rtol=1e-6)
    np.testing.assert_allclose(share_inside(a[:, None], b), common / area, rtol=1e-6)
    for n, m in np.ndindex(common.shape):
        one, other = Box.from_edges(a[n]), Box.from_edges(b[m])
        assert box_iou(one, other) == pytest.approx(common[n, m] / union[n, m])


@given(box_arrays(), st.data())
def test_nms_leaves_boxes_apart_and_drops_only_what_overlaps_a_better_one(boxes, data):
    order = np.array(data.draw(st.permutations(range(len(boxes)))), int)
    max_iou = data.draw(st.sampled_from([0.1, 0.3, 0.5, 1.0]))
    max_share = data.draw(st.sampled_from([0.2, 0.6, 1.0]))
    remaining = nms(boxes, order, max_iou=max_iou, max_share_of_smaller=max_share)

    common = intersection_areas(boxes[:, None], boxes)
    area = areas(boxes)
    too_near = common > max_iou * (area[:, None] + area - common)
    too_near |= common > max_share * np.minimum(area[:, None], area)
    rank = {n: place for place, n in enumerate(order.tolist())}
    assert remaining == sorted(remaining, key=rank.__getitem__)
    for n in range(len(boxes)):
        better = [m for m in remaining if rank[m] < rank[n] and too_near[n, m]]
        assert (n in remaining) == (not better)


def test_nms_keeps_a_box_that_overlaps_by_the_limit_exactly():
    boxes = np.array([BOX, RIGHT_HALF], float)
    order = np.array([0, 1])

    assert nms(boxes, order, max_iou=0.5) == [0, 1]
    assert nms(boxes, order, max_iou=0.49) == [0]
    assert nms(boxes, order[::-1], max_iou=0.49) == [1]
    assert nms(boxes, order, max_share_of_smaller=0.99) == [0]  # it lies inside the other
