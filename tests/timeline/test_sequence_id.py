from fractions import Fraction
from pathlib import Path

from otio_speakerzoom.model import (
    AudioStream,
    Box,
    CropKey,
    CutList,
    FrameRange,
    Media,
    Person,
    Shot,
)
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.facts import read_facts, shots_of
from otio_speakerzoom.timeline.sequence_id import sequence_id


def test_a_cut_has_the_same_id_in_every_version():
    """An editor would otherwise take the next export of a cut for another sequence."""
    streams = (
        AudioStream(48000, 2, Fraction(-4, 5)),
        AudioStream(44100, 1, Fraction(0), 2, varies=True),
    )
    media = Media(
        Path('/a/it\'s "Ä".mp4'),
        Fraction(30000, 1001),
        300,
        (1920, 1080),
        start=107892,
        drop_frame=True,
        audio_streams=streams,
    )
    wide, close = Box(0, 0, 1920, 1080), Box(960.5, 100, 1600.5, 460)
    keys = (CropKey(30, wide), CropKey(99, close))
    shots = (
        Shot(FrameRange(30, 100), (), wide, "both speak", keys=keys),
        Shot(FrameRange(100, 250), (7,), close, "answers", 0.25, locked=True),
    )
    people = (Person(4, (1,), "Anna"), Person(7, (2,)))
    timeline = to_otio(CutList(media, (1920, 1080), shots, people))

    assert sequence_id(read_facts(timeline), shots_of(timeline)) == (
        "d2628a2c-2dbd-5f27-8fac-2672cfa52664"
    )
