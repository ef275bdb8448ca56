import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detectors import blazeface
from otio_speakerzoom.faces.detectors.blazeface import (
    BlazeFace,
    _distinct_faces,
    _tight_boxes,
    _views,
)
from otio_speakerzoom.faces.detectors.blazeface_runtimes import (
    Runtime,
    load_runtime,
    mediapipe_error,
)
from otio_speakerzoom.weights import fetch

LITERT_MODULE = "otio_speakerzoom.faces.detectors.blazeface_litert"
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="session")
def model():
    try:
        return fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def detector(model):
    with BlazeFace(model) as opened:
        yield opened


@pytest.fixture(scope="session")
def two_talkers():
    with av.open(str(SAMPLES / "two_talkers.mp4")) as film:
        return next(film.decode(video=0)).to_ndarray(format="rgb24")


@pytest.fixture(scope="session")
def labelled():
    truth = json.loads((SAMPLES / "two_talkers.json").read_text(encoding="utf-8"))
    return np.array(sorted(face["box"] for face in truth["faces"]), dtype=float)


def from_the_left(detections):
    boxes, _ = detections
    return boxes[np.argsort(boxes[:, 0])]


def half_size(frame):
    """Mean of each 2 x 2 block."""
    height, width, _ = frame.shape
    blocks = frame.reshape(height // 2, 2, width // 2, 2, 3)
    return blocks.mean(axis=(1, 3)).astype(np.uint8)


@pytest.mark.weights
def test_both_faces_are_boxed_from_forehead_to_chin(detector, two_talkers, labelled):
    boxes, confidences = detector(two_talkers)

    assert boxes.shape == (2, 4)
    assert boxes.dtype == confidences.dtype == np.float32
    assert all(0.5 < confidence <= 1 for confidence in confidences)
    assert all(iou(*pair) > 0.7 for pair in zip(from_the_left((boxes, 0)), labelled, strict=True))
    assert np.all(boxes[:, 3] - boxes[:, 1] > 1.2 * (boxes[:, 2] - boxes[:, 0]))


@pytest.mark.weights
def test_boxes_are_in_pixels_of_the_frame(detector, two_talkers):
    full = from_the_left(detector(two_talkers))
    half = from_the_left(detector(half_size(two_talkers)))

    # within 6 % of a face, as the network sees slightly different pixels
    assert np.abs(2 * half - full).max() < 0.06 * np.ptp(full[:, [1, 3]], axis=1).max()


@pytest.mark.weights
def test_a_mirrored_frame_gives_mirrored_boxes(detector, two_talkers):
    width = two_talkers.shape[1]
    straight = from_the_left(detector(two_talkers))
    mirrored = from_the_left(detector(two_talkers[:, ::-1]))
    back = np.stack([width - mirrored[:, 2], mirrored[:, 1], width - mirrored[:, 0]], axis=1)

    assert np.abs(back[::-1] - straight[:, :3]).max() < 0.1 * np.ptp(straight[:, [1, 3]])


@pytest.mark.weights
def test_the_same_frame_gives_the_same_boxes(detector, model, two_talkers):
    once = detector(two_talkers)
    with BlazeFace(model) as another:
        again = another(two_talkers)

    assert np.array_equal(once[0], again[0])
    assert np.array_equal(once[1], again[1])


@pytest.mark.weights
def test_a_face_too_small_in_the_whole_frame_is_detected_in_a_square(detector, two_talkers):
    half = half_size(two_talkers)  # faces of about 110 pixels, a tenth of the frame's height
    far = np.full_like(two_talkers, 128)
    far[270 : 270 + half.shape[0], 60 : 60 + half.shape[1]] = half
    boxes = from_the_left(detector(far))
    expected = (from_the_left(detector(two_talkers)) / 2) + [60, 270, 60, 270]

    assert len(boxes) == 2
    assert all(iou(*pair) > 0.6 for pair in zip(boxes, expected, strict=True))


@pytest.mark.weights
@pytest.mark.parametrize("shape", [(720, 1280, 3), (1280, 720, 3), (300, 300, 3), (64, 64, 3)])
def test_an_empty_frame_has_no_faces(detector, shape):
    boxes, confidences = detector(np.full(shape, 128, np.uint8))

    assert boxes.shape == (0, 4)
    assert confidences.shape == (0,)


@pytest.mark.weights
def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.tflite: cannot be read .No such file"):
        BlazeFace(tmp_path / "nowhere.tflite")


@pytest.fixture
def without_litert(monkeypatch):
    """A machine on which LiteRT is not installed."""
    load_runtime.cache_clear()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.delitem(sys.modules, LITERT_MODULE, raising=False)
    yield
    load_runtime.cache_clear()


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.tflite").write_text("not a model at all")

    with pytest.raises(WeightsError, match=r"text\.tflite: LiteRT cannot detect faces with it"):
        BlazeFace(tmp_path / "text.tflite")


def test_mediapipe_refuses_a_file_that_is_no_model(tmp_path, without_litert):
    (tmp_path / "text.tflite").write_text("not a model at all")

    message = r"text\.tflite: MediaPipe cannot detect faces with it .not a TFLite model"
    with pytest.raises(WeightsError, match=message):
        BlazeFace(tmp_path / "text.tflite")


@pytest.mark.weights
def test_where_litert_is_missing_mediapipe_detects_the_same_faces(
    detector, model, two_talkers, without_litert, caplog
):
    with BlazeFace(model) as by_mediapipe:
        boxes, confidences = by_mediapipe(two_talkers)

    assert from_the_left((boxes, 0)) == pytest.approx(
        from_the_left(detector(two_talkers)), abs=0.01
    )
    assert sorted(confidences) == pytest.approx(sorted(detector(two_talkers)[1]), abs=1e-5)
    assert "LiteRT cannot be loaded" in caplog.text


@pytest.mark.weights
def test_a_network_finds_what_mediapipe_finds_but_moves_no_box_to_an_edge(
    model, two_talkers, labelled, request
):
    from otio_speakerzoom.faces.detectors.blazeface_litert import LiteRtNetwork
    from otio_speakerzoom.faces.detectors.blazeface_mediapipe import MediaPipeNetwork

    by_mediapipe = MediaPipeNetwork(model.read_bytes(), 0.3)
    request.addfinalizer(by_mediapipe.close)
    networks = LiteRtNetwork(model.read_bytes(), 0.3), by_mediapipe
    faces = past_edge = 0
    brows_px = int(labelled[:, 1].max() + 0.45 * np.ptp(labelled[:, [1, 3]], axis=1).max())
    portrait = np.full((960, 540, 3), 128, np.uint8)  # of the person on the left
    portrait[200:740] = half_size(two_talkers)[:, 60:600]
    for image in (two_talkers, two_talkers[:, 100:820], two_talkers[brows_px:], portrait):
        ours, theirs = (network(np.ascontiguousarray(image)) for network in networks)
        faces += len(ours)
        past_edge += (ours[:, :2] < 0).any(axis=1).sum()
        shift = np.maximum(-ours[:, :2], 0)
        ours[:, :4] += np.tile(shift, 2)
        assert np.array_equal(ours[:, :4], theirs[:, :4])
        assert ours[:, 4:] == pytest.approx(theirs[:, 4:], abs=1e-3)
    assert faces >= 5
    assert past_edge >= 1


@pytest.mark.weights
def test_a_head_that_is_cut_by_the_upper_edge_keeps_its_box(detector, two_talkers):
    whole = from_the_left(detector(two_talkers))
    cut_px = round(whole[:, 1].max() + 0.3 * np.ptp(whole[:, [1, 3]], axis=1).min())
    cut = from_the_left(detector(np.ascontiguousarray(two_talkers[cut_px:])))

    assert len(cut) == len(whole)
    assert (cut[:, 1] < 0).all()
    shifts = cut - (whole - [0, cut_px, 0, cut_px])
    assert np.abs(shifts).max() < 0.15 * np.ptp(whole[:, [1, 3]], axis=1).min()


def test_a_missing_system_library_is_reported_with_its_package():
    error = mediapipe_error(OSError("libEGL.so.1: cannot open shared object file\nmore"))

    assert isinstance(error, ToolError)
    assert "libEGL.so.1" in str(error)
    assert "apt install libegl1" in str(error)
    assert "\n" not in str(error)


@given(st.integers(1, 8000), st.integers(1, 8000))
def test_views_cover_the_frame_and_overlap_and_are_few(width, height):
    whole, *squares = _views(width, height)
    along = 0 if width > height else 1
    across, length = sorted((width, height))
    side = max(across, -(-length // 13))  # a square, but in a frame that is hardly more than a line

    assert whole == (0, 0, width, height)
    assert len(squares) <= 16
    assert {(v[along + 2] - v[along], v[3 - along] - v[1 - along]) for v in squares} <= {
        (side, across)
    }
    if squares:
        assert squares[0][along] == 0
        assert squares[-1][along + 2] == max(width, height)
        steps = np.diff([v[along] for v in squares])
        assert steps.max() <= 0.8 * side + 1


def test_a_face_cut_by_a_square_gives_way_to_the_whole_one():
    boxes = np.array([[50, 0, 100, 100], [0, 0, 100, 100], [300, 0, 400, 100]], dtype=float)
    ears, confidences, cut = boxes[:, :1] + 50, [[0.9], [0.6], [0.8]], [[1], [0], [0]]

    _, remaining = _distinct_faces(np.concatenate([boxes, ears, confidences, cut], axis=1))

    assert remaining.tolist() == np.float32([0.8, 0.6]).tolist()


def test_a_box_follows_the_ears_of_a_turned_head():
    squares = np.array([[100, 100, 200, 200], [100, 100, 200, 200]], dtype=float)
    straight, turned = _tight_boxes(squares, np.array([150.0, 130.0]))

    assert straight.tolist() == pytest.approx([106, 83, 194, 204])
    assert (turned - straight).tolist() == pytest.approx([-9, 0, -9, 0])


class Started:
    """What stands for a network: whether it was closed."""

    open = 0

    def __init__(self):
        Started.open += 1

    def close(self):
        Started.open -= 1


@pytest.mark.parametrize("broken", [1, 2, None])
def test_whatever_was_started_is_closed_again_even_if_another_does_not_start(
    tmp_path, monkeypatch, broken
):
    (tmp_path / "model.tflite").write_bytes(b"any")
    calls = []

    def start(*_):
        calls.append(1)
        if len(calls) == broken:
            raise RuntimeError("no network")
        return Started()

    monkeypatch.setattr(Started, "open", 0)
    monkeypatch.setattr(blazeface, "load_runtime", lambda: Runtime("any", "any", start))
    monkeypatch.setattr(blazeface, "usable_cores", lambda: 8)
    if broken:
        with pytest.raises(WeightsError, match="no network"):
            BlazeFace(tmp_path / "model.tflite")
    else:
        detector = BlazeFace(tmp_path / "model.tflite")
        assert Started.open == 3
        detector.close()
        detector.close()

    assert Started.open == 0


@pytest.mark.weights
def test_the_detector_and_the_tracker_load_neither_mediapipe_nor_optimizers(model):
    program = (
        "import sys; from pathlib import Path\n"
        "from otio_speakerzoom.faces.detectors.blazeface import BlazeFace\n"
        "import otio_speakerzoom.faces.track\n"
        "with BlazeFace(Path(sys.argv[1])): pass\n"
        "bad = {'mediapipe', 'matplotlib', 'scipy.optimize', 'ai_edge_litert.interpreter'}\n"
        "print(*bad & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(model)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split() == ["ai_edge_litert.interpreter"], done.stderr


def test_mediapipe_loads_matplotlib_on_demand_only():
    program = (
        "import sys, otio_speakerzoom.faces.detectors.blazeface_mediapipe\n"
        "print(*{'mediapipe', 'matplotlib'} & sys.modules.keys())\n"
        "from mediapipe.tasks.python.vision import drawing_utils\n"
        "print(drawing_utils.plt.figure.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split() == ["mediapipe", "matplotlib.pyplot"], done.stderr
