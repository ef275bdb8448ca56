"""A clip with as many keyframes as frames is written and read in time that grows with their number.

In quadratic time 40,000 keyframes would take over an hour, and the run would be ended.
"""

import subprocess
import sys

import pytest
from tables import Table

from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.timeline.formats import FORMATS

DIALECTS = [
    f"{suffix} for {editor}"
    for suffix, editors in FORMATS.items()
    if suffix in READERS
    for editor in editors
]
KEYS = 40_000
MAX_S = 600
"""For one format on a busy machine; it takes two seconds."""
TABLE = Table("keyframes", ("a timeline", f"{KEYS:,} keyframes in one clip"), DIALECTS)

PROGRAM = """
import sys
from fractions import Fraction
from pathlib import Path

from otio_speakerzoom import pipeline
from otio_speakerzoom.interchange.read import read_timeline
from otio_speakerzoom.interchange.read.edited_timeline import MediaHints
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Media, Shot
from otio_speakerzoom.timeline.formats import FORMATS

suffix, editor, path, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
media = Media(Path("/talk.mp4"), Fraction(25), count, (640, 360))
keys = tuple(CropKey(n, Box(n % 7, 0, 320 + n % 7, 180)) for n in range(count))
shot = Shot(FrameRange(0, count), (), keys[0].crop, keys=keys)
adapter, options = FORMATS[suffix][editor]
path.write_text(pipeline.timeline_text(CutList(media, (640, 360), (shot,)), adapter, options))
hints = MediaHints((640, 360), (640, 360), dialect=editor if suffix in (".fcpxml", ".xml") else "")
print([len(clip.keys) for clip in read_timeline(path, hints).clips])
"""


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_keyframes_take_time_in_proportion_to_their_number(dialect, tmp_path):
    suffix, editor = dialect.split(" for ")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, suffix, editor, str(tmp_path / f"cut{suffix}"), str(KEYS)],
        capture_output=True, text=True, timeout=MAX_S, check=True,
    )  # fmt: skip

    assert run.stdout.strip() == f"[{KEYS}]"
    TABLE.check(dialect, "all are written and read")


def test_the_table_of_keyframes_is_whole():
    TABLE.check_cases()
