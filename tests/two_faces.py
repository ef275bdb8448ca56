"""A source with two faces that never move and speak in turns, and what tests do with it."""

import json
from dataclasses import replace

import numpy as np

from otio_speakerzoom.model import FrameRange, SpeechScores
from otio_speakerzoom.pipeline import Options

LEFT, RIGHT = (60, 50, 100, 100), (220, 50, 260, 100)
TURN_FRAMES = 75
"""How long each of the two speaks."""


def scores_of(track):
    is_left = track.boxes[0, 0] < 160
    frames = np.arange(track.start, track.range.end)
    speaks = (frames // TURN_FRAMES % 2 == 0) == is_left
    return SpeechScores(track.id, track.start, np.where(speaks, 4, -4).astype(np.float32))


def in_part(job, start, end):
    return replace(job, within=lambda media: FrameRange(start, end))


def with_options(job, **options):
    return replace(job, options=Options(**options))


def files(job):
    return {
        path.relative_to(job.folder).as_posix(): path.read_bytes()
        for path in job.folder.rglob("*")
        if path.is_file()
    }


def edit(job, old, new, name="cutlist.json"):
    path = job.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def lock(job, **row):
    document = {"schema": "speakerzoom.locks/1", "locks": [row]}
    (job.folder / "locks.json").write_text(json.dumps(document))


def shots_of(cut_list):
    return [(shot.range.start, shot.range.end, shot.subjects) for shot in cut_list.shots]
