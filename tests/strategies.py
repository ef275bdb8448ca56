"""Hypothesis strategies: any source, people and cut lists that a stage may get."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st

from otio_speakerzoom.model import (
    AudioStream,
    Box,
    Cover,
    CoverKey,
    CropKey,
    CutList,
    FrameRange,
    Media,
    Person,
    Shot,
    TwoUp,
)
from otio_speakerzoom.timeline.two_up import Half

RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
NAMES = (
    "talk.mp4",
    "Gespräch über Ärger.mov",
    "100 % sure & more <final>.mp4",
    "it's (take 2) + 'b' #3;=1,!.mxf",
    "ромашка 🎬.mov",
    "e\u0301te\u0301.mp4",
)


@st.composite
def audio_streams(draw):
    return AudioStream(
        rate=draw(st.sampled_from((44100, 48000, 96000))),
        channels=draw(st.sampled_from((1, 2, 2, 6))),
        delay=draw(st.sampled_from((Fraction(0), Fraction(1, 48), Fraction(-21, 1000)))),
        index=draw(st.integers(0, 9)),
        varies=draw(st.booleans()),
    )


@st.composite
def media(draw):
    rate = draw(st.sampled_from(RATES))
    hour = 3600 * round(rate)
    may_drop = rate.denominator > 1 and round(rate) % 30 == 0
    return Media(
        path=Path("/Volumes/Ton & Bild") / draw(st.sampled_from(NAMES)),
        rate=rate,
        duration=draw(st.integers(1, 200_000)),
        size=(draw(st.integers(240, 4096)), draw(st.integers(240, 4096))),
        start=draw(st.just(0) | st.integers(hour, 23 * hour)),
        drop_frame=may_drop and draw(st.booleans()),
        audio_streams=tuple(draw(st.lists(audio_streams(), max_size=3))),
        video_stream=draw(st.integers(0, 9)),
        field_order=draw(st.sampled_from(("progressive", "top", "bottom"))),
        colour=draw(st.sampled_from(((1, 1, 1), (9, 18, 9), (9, 16, 9)))),
        size_varies=draw(st.booleans()),
        has_timestamps=draw(st.booleans()),
        warnings=draw(st.just(()) | st.just(("its frame rate varies",))),
    )


def canvases(size):
    """16:9, 9:16, 1:1 and the source's own size."""
    return st.sampled_from(((1920, 1080), (1080, 1920), (1080, 1080), size))


@st.composite
def crops(draw, size, canvas):
    """A crop of the canvas's shape inside the picture, neither under 1/8 nor over 1000 %."""
    whole = min(size[0], size[1] * canvas[0] / canvas[1])
    width = whole * draw(st.floats(max(1 / 8, canvas[0] / whole / 9.99), 1))
    height = min(width * canvas[1] / canvas[0], size[1])
    left = draw(st.floats(0, 1)) * (size[0] - width)
    top = draw(st.floats(0, 1)) * (size[1] - height)
    return Box(left, top, left + width, top + height)


def covers(start, end):
    """None, one that stands still, or one that moves and is there for a part of the shot."""
    box, aside = Box(0, 0, 24, 24), Box(-8, 2, 16, 26)
    frames = sorted({start, (start + end) // 2})
    keys = tuple(map(CoverKey, frames, (box, aside)))
    return st.sampled_from(((), (Cover(box, "blur"),), (Cover(box, "dim", keys),)))


@st.composite
def cut_lists(draw, sources=None):
    """Shots that cover the whole source, or a range of it, of one to four people."""
    source = draw(sources if sources is not None else media())
    canvas = draw(canvases(source.size))
    ids = range(1, draw(st.integers(1, 4)) + 1)
    people = tuple(
        Person(id_, (id_,), draw(st.sampled_from(("", "Anna", "Jürgen & Co.")))) for id_ in ids
    )
    edges = st.sets(st.integers(0, source.duration), min_size=2, max_size=9).map(sorted)
    cuts = draw(st.just([0, source.duration]) | edges)
    shots = tuple(
        Shot(
            FrameRange(start, end),
            tuple(draw(st.lists(st.sampled_from(ids), max_size=2, unique=True))),
            draw(crops(source.size, canvas)),
            draw(st.sampled_from(("", "Anna speaks", "<nobody> & silence"))),
            draw(st.sampled_from((0.25, 0.5, 1.0))),
            locked=draw(st.booleans()),
            covers=draw(covers(start, end)),
        )
        for start, end in pairwise(cuts)
    )
    return CutList(source, canvas, shots, people)


@st.composite
def rich_cut_lists(draw):
    """The same with moving crops, and with other angles of what the shots show."""
    cut_list = draw(cut_lists())
    size, canvas, span = cut_list.media.size, cut_list.canvas, cut_list.range

    def moving(shot):
        inside = st.integers(shot.range.start, shot.range.end - 1)
        frames = sorted(draw(st.sets(inside, max_size=3)) | {shot.range.start})
        if len(frames) == 1:
            return shot
        keys = (CropKey(frame, draw(crops(size, canvas))) for frame in frames[1:])
        return replace(shot, keys=(CropKey(frames[0], shot.crop), *keys))

    def angles(subjects):
        inside = st.sets(st.integers(span.start, span.end), min_size=2, max_size=4).map(sorted)
        edges = draw(inside) if subjects else [span.start, span.end]
        return [
            moving(Shot(FrameRange(start, end), subjects, draw(crops(size, canvas))))
            for start, end in pairwise(edges)
        ]

    shots = tuple(moving(shot) for shot in cut_list.shots)
    stacked = draw(st.booleans())
    people = [(), *((person.id,) for person in cut_list.people)]
    others = tuple(angle for subjects in people for angle in angles(subjects)) if stacked else ()
    return replace(cut_list, shots=shots, angles=others)


@st.composite
def cut_lists_of_two_ups(draw):
    """Shots of two people, some of them in two halves, on any canvas, also of a turned source."""
    source = replace(draw(media()), rotation=draw(st.sampled_from((0, 90, 180, 270))))
    canvas = draw(canvases(source.size).map(lambda c: (c[0] // 2 * 2, c[1] // 2 * 2)))
    cuts = sorted({0, source.duration // 3, 2 * source.duration // 3, source.duration})
    people = (Person(1, (1,), "Anna"), Person(2, (2,)))
    shots = []
    for start, end in pairwise(cuts):
        layout = draw(st.sampled_from(("", "side_by_side", "stacked", "stacked")))
        shape = canvas
        if layout:
            shape = Half(layout, is_second=True).rectangle(canvas)[2:]
        shot = Shot(FrameRange(start, end), (1, 2), draw(crops(source.size, shape)))
        two_up = TwoUp(layout, draw(crops(source.size, shape))) if layout else None
        shots.append(replace(shot, two_up=two_up))
    return CutList(source, canvas, tuple(shots), people)


@st.composite
def walks(draw):
    """One to four people in lanes of their own: (top, (100,) left edge in each frame) of each.

    Faces are 60 pixels wide and walk at up to 1 of that in a second of 25 frames.
    """
    speeds = draw(st.lists(st.floats(-2.4, 2.4), min_size=1, max_size=4))
    return [
        (100.0 * lane, [500.0 + speed * frame for frame in range(100)])
        for lane, speed in enumerate(speeds)
    ]
