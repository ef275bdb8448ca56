"""Each detector on a frame with two faces and on one without."""

import sys
from contextlib import ExitStack
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detectors.choose import FACTORIES, WEIGHTS, choose_detector
from otio_speakerzoom.faces.detectors.dlib_hog import DlibHog
from otio_speakerzoom.faces.detectors.haar import require_classifier
from otio_speakerzoom.faces.detectors.mtcnn import Mtcnn
from otio_speakerzoom.faces.detectors.retinaface import RetinaFace
from otio_speakerzoom.faces.detectors.s3fd import S3fd, S3fdNetwork
from otio_speakerzoom.faces.detectors.yunet import YuNet
from otio_speakerzoom.model import no_progress
from otio_speakerzoom.weights import catalogue, fetch
from otio_speakerzoom.weights.names import DETECTORS

SAMPLE = Path(__file__).parents[2] / "samples" / "two_talkers.mp4"

needs_opencv_5 = pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="needs OpenCV 5")


def silent(stage):
    return no_progress


@pytest.fixture(scope="module")
def two_talkers():
    """A frame as the pipeline passes it to a detector: 960 x 540."""
    with av.open(str(SAMPLE)) as film:
        whole = next(film.decode(video=0)).to_ndarray(format="rgb24")
    return cv2.resize(whole, (960, 540), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def opened():
    """Return a function that opens a detector once, or skips, saying what is missing."""
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).delenv("SPEAKERZOOM_OFFLINE")
        detectors, missing = {}, {}

        def open_detector(name):
            if name == "s3fd" and not fetch.find(name):
                pytest.skip("sfd_face.pth is missing, and 90 MB are not fetched for a test")
            if name not in detectors and name not in missing:
                try:
                    detectors[name] = stack.enter_context(choose_detector(name, on_fetch=silent))
                except (ToolError, WeightsError) as error:
                    missing[name] = str(error)
            return detectors[name] if name in detectors else pytest.skip(missing[name])

        yield open_detector


@pytest.fixture(params=DETECTORS)
def detector(request, opened):
    return opened(request.param)


@pytest.fixture(scope="module")
def random_weights():
    """The weights of an untrained S3FD, the same every time."""
    torch.manual_seed(0)
    return S3fdNetwork().state_dict()


@pytest.fixture
def s3fd(random_weights, tmp_path):
    torch.save(random_weights, tmp_path / "sfd_face.pth")
    return tmp_path / "sfd_face.pth"


def from_the_left(boxes):
    return boxes[np.argsort(boxes[:, 0])]


@pytest.mark.weights
def test_both_faces_are_detected_where_blazeface_detects_them(detector, opened, two_talkers):
    expected, _ = opened("blazeface")(two_talkers)
    boxes, confidences = detector(two_talkers)

    assert boxes.shape == (2, 4)
    assert boxes.dtype == confidences.dtype == np.float32
    assert all(0.5 < confidence <= 1 for confidence in confidences)
    pairs = zip(from_the_left(boxes), from_the_left(expected), strict=True)
    assert all(iou(*pair) > 0.5 for pair in pairs)


@pytest.mark.weights
def test_boxes_reach_from_forehead_to_chin(detector, two_talkers):
    boxes, _ = detector(two_talkers)
    width, height = (boxes[:, 2:] - boxes[:, :2]).T

    assert np.all(height > 1.1 * width)


@pytest.mark.weights
def test_boxes_are_in_pixels_of_the_frame(detector, two_talkers):
    large = cv2.resize(two_talkers, (1440, 810), interpolation=cv2.INTER_LINEAR)
    boxes, _ = detector(two_talkers)
    larger, _ = detector(large)

    # within a tenth of a face, as a detector sees slightly different pixels
    slack = 0.1 * (boxes[:, 3] - boxes[:, 1]).max()
    assert np.abs(from_the_left(larger) / 1.5 - from_the_left(boxes)).max() < slack


@pytest.mark.weights
def test_the_frame_is_not_changed(detector, two_talkers):
    before = two_talkers.copy()
    detector(two_talkers)

    assert np.array_equal(two_talkers, before)


@pytest.mark.weights
@pytest.mark.parametrize("shape", [(540, 960, 3), (961, 541, 3), (64, 64, 3)])
def test_an_empty_frame_has_no_faces(detector, shape):
    boxes, confidences = detector(np.full(shape, 128, np.uint8))

    assert boxes.shape == (0, 4)
    assert confidences.shape == (0,)
    assert boxes.dtype == confidences.dtype == np.float32


@pytest.mark.weights
def test_an_array_that_is_no_frame_is_refused(detector):
    with pytest.raises(ValueError, match=r"need \(H, W, 3\) uint8"):
        detector(np.zeros((64, 64), np.uint8))


def test_every_detector_has_a_factory_and_weights_in_the_catalogue():
    assert WEIGHTS.keys() == FACTORIES.keys()
    assert all(
        catalogue.entry(name).kind == "detector" for need in WEIGHTS.values() for name in need
    )


@pytest.mark.weights
def test_a_detector_has_the_name_it_was_chosen_by(opened, request):
    for name in DETECTORS:
        try:
            assert opened(name).name == name
        except pytest.skip.Exception:
            continue


def test_an_unknown_detector_is_refused_with_a_list_of_the_others():
    with pytest.raises(ValueError, match=r"'yolo'; there are yunet, blazeface"):
        choose_detector("yolo", on_fetch=silent)


def test_a_missing_package_is_reported_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)

    with pytest.raises(ToolError, match=r"pip install 'otio-speakerzoom\[dlib\]'") as error:
        DlibHog()
    assert "\n" not in str(error.value)


def test_an_opencv_without_cascades_is_reported_in_one_line(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)

    with pytest.raises(ToolError, match="opencv-python-headless<5") as error:
        require_classifier()
    assert "\n" not in str(error.value)


@needs_opencv_5
def test_an_opencv_that_cannot_run_retinaface_is_reported_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "__version__", "4.14.0")

    with pytest.raises(ToolError, match="opencv-python-headless>=5") as error:
        RetinaFace(tmp_path / "weights.py")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "open_with",
    [
        YuNet,
        pytest.param(RetinaFace, marks=needs_opencv_5),
        S3fd,
        lambda path: Mtcnn(path, path, path),
    ],
)
def test_weights_that_are_missing_or_wrong_are_named(open_with, tmp_path):
    (tmp_path / "text").write_text("not a network at all")

    with pytest.raises(WeightsError, match=r"nowhere:? cannot be read"):
        open_with(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match=r"text") as error:
        open_with(tmp_path / "text")
    assert "\n" not in str(error.value)


@needs_opencv_5
def test_a_module_is_read_and_never_run(tmp_path):
    (tmp_path / "weights.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")

    with pytest.raises(WeightsError, match=r"weights\.py"):
        RetinaFace(tmp_path / "weights.py")
    assert not (tmp_path / "ran").exists()


def test_s3fd_has_one_box_per_place_of_six_maps(random_weights):
    network = S3fdNetwork()
    network.load_state_dict(random_weights)
    with torch.inference_mode():
        boxes, confidences = network(torch.full((2, 3, 128, 256), 128.0))

    places = sum((128 // step) * (256 // step) for step in (4, 8, 16, 32, 64, 128))
    assert boxes.shape == (2, places, 4)
    assert confidences.shape == (2, places)
    assert torch.all((confidences > 0) & (confidences < 1))


def test_s3fd_has_as_many_weights_as_the_published_file():
    floats = sum(weight.numel() for weight in S3fdNetwork().parameters())
    size = catalogue.entry("s3fd").size

    # 4 bytes each; the rest of the file is 65 names and shapes
    assert size is not None
    assert 0 < size - 4 * floats < 65 * 150


def test_s3fd_anchors_are_squares_of_four_strides_around_each_place():
    network = S3fdNetwork()
    with torch.no_grad():
        for weight in network.loc.parameters():
            weight.zero_()  # so that nothing is moved
        boxes, _ = network(torch.full((1, 3, 128, 128), 128.0))

    assert boxes[0, 0].tolist() == [-6, -6, 10, 10]  # 16 pixels about the middle of 4
    assert boxes[0, 1].tolist() == [-2, -6, 14, 10]  # one step to the right
    assert boxes[0, -1].tolist() == [-192, -192, 320, 320]  # 512 about the middle of 128


def test_s3fd_takes_the_highest_of_three_background_outputs(random_weights):
    network = S3fdNetwork()
    network.load_state_dict(random_weights)
    with torch.no_grad():
        for conf in network.conf:
            conf.weight.zero_()
            conf.bias.zero_()
        network.conf[0].bias.copy_(torch.tensor([-9.0, 2.0, 0.0, 1.0]))
        _, confidences = network(torch.full((1, 3, 128, 128), 128.0))

    assert confidences[0, 0] == pytest.approx(1 / (1 + np.e))  # 1 against 2
    assert confidences[0, -1] == pytest.approx(0.5)


def test_s3fd_boxes_are_in_pixels_of_the_frame(random_weights, s3fd):
    """If only the places of the coarsest map are confident, each box is 4 x 128 pixels there."""
    biases = {name: torch.zeros_like(t) for name, t in random_weights.items() if "conf" in name}
    for i in range(6):
        biases[f"conf.{i}.bias"][-1] = 9.0 if i == 5 else -9.0
    offsets = {name: torch.zeros_like(t) for name, t in random_weights.items() if "loc" in name}
    torch.save(random_weights | biases | offsets, s3fd)
    boxes, confidences = S3fd(s3fd)(np.full((256, 1280, 3), 128, np.uint8))

    assert np.all(boxes[:, 2:] - boxes[:, :2] == 1024)  # the network's input is half the size
    assert np.all(confidences > 0.9)


def test_s3fd_needs_exactly_its_weights(random_weights, s3fd):
    torch.save({name: t for name, t in random_weights.items() if name != "vgg.0.bias"}, s3fd)
    with pytest.raises(WeightsError, match="not the weights of S3fdNetwork"):
        S3fd(s3fd)
    torch.save(random_weights | {"vgg.1.bias": torch.zeros(1)}, s3fd)
    with pytest.raises(WeightsError, match="not the weights of S3fdNetwork"):
        S3fd(s3fd)


def test_untrained_s3fd_detects_nothing(s3fd):
    boxes, confidences = S3fd(s3fd)(np.full((64, 64, 3), 128, np.uint8))

    assert boxes.shape == (0, 4)
    assert confidences.shape == (0,)
