"""What a cut loads: modules that take long to import are loaded only where they are used."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.model import FaceTrack, Media, Person, SpeechScores

left = 400 + np.clip(np.arange(300) - 100, 0, 100) * 6.0
boxes = np.stack([left, left * 0 + 400, left + 120, left * 0 + 560], axis=1).astype(np.float32)
cut_list = direct(
    Media(Path("/talk.mp4"), Fraction(25), 300, (1920, 1080)),
    [FaceTrack(1, 0, boxes, np.ones(300, bool))], [Person(1, (1,))],
    [SpeechScores(1, 0, np.full(300, 3, np.float32))],
    read_style("standard", {"follow": sys.argv[1]}), canvas=(1920, 1080),
)
assert {shot.subjects for shot in cut_list.shots} == {(1,)}
print(*{"scipy.optimize", "scipy.sparse"} & sys.modules.keys())
"""


@pytest.mark.parametrize(
    ("follow", "loads"), [("still", False), ("reframe", False), ("smooth", True)]
)
def test_only_a_smooth_move_loads_the_optimizer(follow, loads):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, follow], capture_output=True, text=True, check=True
    )

    assert bool(run.stdout.split()) == loads
