"""Valid cuts that together have every feature of a cut; damaged inputs are made of them."""

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

from otio_speakerzoom.model import (
    AudioStream,
    Box,
    Cover,
    CoverKey,
    CropKey,
    CutList,
    FrameRange,
    Lock,
    Media,
    Person,
    Shot,
    Sighting,
)

RATES = ("25", "30000/1001", "24000/1001", "50")
NAMES = ("talk.mp4", "Gespräch & <mehr>.mov", "e\u0301te\u0301 🎬.mkv", "it's 100 %.mp4")
FRAMES = 240


def a_cut(number, folder=Path("/media")):
    """Return cut `number`: of another rate, name, canvas and layout than those around it."""
    random = Random(number)
    media = Media(
        path=folder / NAMES[number % len(NAMES)],
        rate=Fraction(RATES[number % len(RATES)]),
        duration=FRAMES,
        size=(1920, 1080) if number % 3 else (1080, 1920),
        start=0 if number % 2 else 90_000,
        drop_frame=number % len(RATES) == 1,
        rotation=90 if number % 5 == 4 else 0,
        audio_streams=tuple(AudioStream(48_000, 2, Fraction(n, 48), n) for n in range(number % 3)),
        warnings=("its frame rate varies",) if number % 4 == 3 else (),
    )
    canvas = media.size if number % 2 else (608, 1080)
    people = tuple(Person(n, (n,), ("", "Ann", "Jürgen & Co.")[n % 3]) for n in (1, 2, 3))
    edges = sorted({0, FRAMES, *(random.randrange(1, FRAMES) for _ in range(5))})
    subjects = ((), (1,), (2,), (1, 2), (3,))
    shots = tuple(
        _shot(random, media.size, canvas, span, subjects[n % len(subjects)])
        for n, span in enumerate(itertools.pairwise(edges))
    )
    cut_list = CutList(media, canvas, shots, people)
    if number % 4 == 2:
        angles = [_shot(random, media.size, canvas, (0, FRAMES), s) for s in ((), (1,), (2,))]
        cut_list = replace(cut_list, angles=tuple(angles))
    return cut_list


def _shot(random, size, canvas, span, subjects):
    """Return a shot that may stand still, move, be locked, or have somebody covered."""
    start, end = span
    crop = _crop(random, size, canvas)
    shot = Shot(
        FrameRange(start, end), subjects, crop, random.choice(("", "Person 1 speaks",
        "<&> silence")),
        random.choice((0.25, 0.5, 1.0)), locked=random.random() < 0.3,
    )  # fmt: skip
    if random.random() < 0.4 and end - start > 4:
        keys = (CropKey(start, crop), CropKey((start + end) // 2, _crop(random, size, canvas)))
        shot = replace(shot, keys=keys)
    if random.random() < 0.3:
        box, other = Box(0, 0, 40, 40), Box(20, 0, 60, 40)
        keys = (CoverKey(start, box), CoverKey(end - 1, other)) if end - start > 1 else ()
        shot = replace(shot, covers=(Cover(box, "blur"), Cover(box, "dim", keys)))
    return shot


def _crop(random, size, canvas):
    whole = min(size[0], size[1] * canvas[0] / canvas[1])
    width = whole * random.choice((1, 0.5, 0.7))
    height = min(width * canvas[1] / canvas[0], size[1])
    left, top = (random.random() * (a - b) for a, b in zip(size, (width, height), strict=True))
    return Box(left, top, min(left + width, size[0]), min(top + height, size[1]))


def locks_of(cut_list):
    """Return locks of every form: of the wide, one person and two, with and without a crop."""
    return tuple(
        Lock(
            shot.range, shot.subjects, shot.crop if n % 2 else None,
            tuple(Sighting(person, shot.range.start, Box(10, 10, 90,
            120)) for person in shot.subjects),
        )
        for n, shot in enumerate(cut_list.shots)
        if n % 3 < 2
    )  # fmt: skip
