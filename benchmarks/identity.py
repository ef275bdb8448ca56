"""Measure on labelled clips whether each person has one number, and each number one person.

    python benchmarks/identity.py ../shared/footage/real/*.json
    SPEAKERZOOM_WEIGHTS=../shared/weights python benchmarks/identity.py LABELS.json

A JSON file names its clip and each person's face boxes, from when to when (the format is described
beside the clips). Every `STEP_S` in which somebody has one, the boxes of our tracks are matched to
them (Hungarian assignment, IoU of at least `MIN_IOU`). A track, or a number,
has the persons with whom it is matched at least `MIN_MATCHES` times.

people      labelled people whom a number has
numbers     all of ours
mixed       numbers that have two people or more: the error that shows the wrong person
a person    numbers of a labelled person, on average
split       the people with more than one number
gluing      tracks that have two people or more: no grouping can mend them
nobody      numbers that are matched with no face although the labels cover their time
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom import pipeline
from otio_speakerzoom.boxes import pairwise_iou
from otio_speakerzoom.model import FaceTrack, Media

MIN_IOU = 0.3
"""As in `faces.py`: a labelled box is a median over time, and frames the head differently."""

STEP_S = 0.4
"""As long as a row of the labels where heads move; so it is in their middles."""

MIN_MATCHES = 2
"""A single match may be a border of the labels, where one person goes over into another."""

COLUMNS = ("clip", "people", "numbers", "mixed", "a person", "split", "gluing", "nobody")


@dataclass(frozen=True, slots=True)
class Identities:
    """How our numbers and tracks fit the labelled people of a clip."""

    numbers: int
    numbers_of: dict[str, set[int]]
    """Of each labelled person whom a number has."""
    mixed: dict[int, set[str]]
    """The people of each number that has several."""
    gluing: dict[int, set[str]]
    """The people of each track that has several."""
    nobody: list[int]
    """Numbers without a face."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    clips: list[Identities] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                options=pipeline.Options(scorer="motion"),
            )  # fmt: skip
            clips.append(compare(labels, pipeline.analyze(job)))
            print_row(path.stem, clips[-1:])
    print_row("together", clips)


def compare(labels: dict[str, Any], analysis: pipeline.Analysis) -> Identities:
    """Return how the numbers of an analysis fit the labels of its clip."""
    matches = match_tracks(labels, analysis.media, analysis.tracks)
    of_track = {id_: _frequent(people) for id_, people in matches.items()}
    numbers_of: dict[str, set[int]] = defaultdict(set)
    mixed: dict[int, set[str]] = {}
    nobody: list[int] = []
    for number in analysis.people:
        votes = sum((matches[id_] for id_ in number.track_ids), Counter[str | None]())
        people = _frequent(votes)
        for person in people:
            numbers_of[person].add(number.id)
        if len(people) > 1:
            mixed[number.id] = people
        if set(votes) == {None}:
            nobody.append(number.id)
    gluing = {id_: people for id_, people in of_track.items() if len(people) > 1}
    return Identities(len(analysis.people), dict(numbers_of), mixed, gluing, nobody)


def match_tracks(
    labels: dict[str, Any], media: Media, tracks: Iterable[FaceTrack]
) -> dict[int, Counter[str | None]]:
    """Return how often each track was matched with each labelled person; None: with no face."""
    matches = {track.id: Counter[str | None]() for track in tracks}
    rows = [*labels["faces"], *labels.get("faces_unsure", [])]
    first_s = labels.get("first_video_pts_s", 0.0)
    step = STEP_S * float(media.rate)
    for frame in map(int, np.arange(step / 2, media.duration, step)):
        time_s = frame / float(media.rate) + first_s
        faces = [row for row in rows if row["from_s"] <= time_s < row["to_s"]]
        current = [track for track in tracks if track.start <= frame < track.range.end]
        if not current or not faces:
            continue
        boxes = np.array([track.boxes[frame - track.start] for track in current])
        overlaps = pairwise_iou(boxes, np.array([face["box"] for face in faces], np.float32))
        pairs = zip(*linear_sum_assignment(-overlaps), strict=True)
        owner = {a: str(faces[b]["person"]) for a, b in pairs if overlaps[a, b] >= MIN_IOU}
        for n, track in enumerate(current):
            matches[track.id][owner.get(n)] += 1
    return matches


def _frequent(votes: Counter[str | None]) -> set[str]:
    return {person for person, count in votes.items() if person and count >= MIN_MATCHES}


def print_row(name: str, clips: list[Identities]) -> None:
    """Print a line of the table, for one clip or several."""
    people = [numbers for clip in clips for numbers in clip.numbers_of.values()]
    per_person = np.mean([len(numbers) for numbers in people]) if people else np.nan
    cells = (
        name, str(len(people)), str(sum(clip.numbers for clip in clips)),
        _listing(clips, "mixed"), f"{per_person:.2f}",
        str(sum(len(numbers) > 1 for numbers in people)), _listing(clips, "gluing"),
        str(sum(len(clip.nobody) for clip in clips)),
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


def _listing(clips: list[Identities], field: str) -> str:
    """Return how many there are, and of one clip which people they have."""
    groups = [people for clip in clips for people in getattr(clip, field).values()]
    names = ", ".join("+".join(sorted(people)) for people in groups)
    return f"{len(groups)} ({names})" if groups and len(clips) == 1 else str(len(groups))


if __name__ == "__main__":
    main()
