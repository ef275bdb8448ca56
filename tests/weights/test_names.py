"""The light list of names against the modules that build what they name."""

import subprocess
import sys

from otio_speakerzoom.faces import embedders, likeness, opencv_trackers
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.speech import scorers
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.weights import catalogue, device, names


def test_detectors_are_those_that_can_be_built():
    assert names.DETECTORS == tuple(choose.FACTORIES) == tuple(choose.WEIGHTS)


def test_trackers_are_those_that_opencv_can_have():
    assert (names.NO_TRACKER, *opencv_trackers._CLASSES) == names.TRACKERS
    assert set(opencv_trackers.AVAILABLE_TRACKERS) <= set(names.TRACKERS)


def test_scorers_are_those_that_can_be_built():
    assert (*scorers.NETWORKS, MouthMotion.name) == names.SCORERS
    assert all(scorer.name == name for name, scorer in scorers.NETWORKS.items())


def test_weights_of_networks_are_in_the_catalogue():
    entries = {file.name: file for file in catalogue.read_catalogue()}

    assert all(entries[name].kind == "scorer" for name in scorers.NETWORKS)
    assert not entries[names.BUNDLED_SCORER].sources
    found = {name for name, file in entries.items() if file.kind == "embedder"}
    assert found == set(names.EMBEDDERS) == set(embedders.FACTORIES) == set(likeness.REQUIREMENTS)
    weights = {name for needs in choose.WEIGHTS.values() for name in needs}
    assert weights == {name for name, file in entries.items() if file.kind == "detector"}


def test_devices_are_those_that_are_accepted():
    assert names.DEVICES == device.DEVICES


def test_names_load_nothing_heavy():
    code = (
        "import sys; import otio_speakerzoom.weights.names; "
        "print(*(sys.modules.keys() & {'numpy', 'torch', 'cv2', 'scipy'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == []
