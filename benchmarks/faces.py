"""Measure face detection, tracking and grouping on labelled clips, and what they cost.

    python benchmarks/faces.py --detector blazeface ../shared/footage/composed/*.json

A box is a labelled face where they overlap by `MIN_IOU`, one box per face (Hungarian assignment).

recall      the lowest over all labelled people of the clip: the share of the detected frames in
            which the detector found them while they were visible; and the share of all frames in
            which a track has them
false       boxes that are nobody's, per detected frame
switches    times that one track goes over from one labelled person to another
tracks      for each person and camera shot, on average
people      grouped by place / grouped by face / labelled; the second needs --embedder
split       labelled people who were split into several, by place / by face
mixed       groups in which labelled people were mixed up, by place / by face
runs        of the detector, a second of film
ms          for each run of the detector; for each source frame,
            with camera cuts and scaling, but without reading the file
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom import source as source_file
from otio_speakerzoom.boxes import pairwise_iou
from otio_speakerzoom.faces.detect import detect_faces, detector_size, read_search_frames
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.faces.detectors.interface import FaceDetector
from otio_speakerzoom.faces.embed import Embedder, Looks, embed_tracks
from otio_speakerzoom.faces.embedders import open_embedder
from otio_speakerzoom.faces.people import group_people
from otio_speakerzoom.faces.track import track_faces
from otio_speakerzoom.model import Detections, FaceTrack, Media, Person
from otio_speakerzoom.pipeline import no_stage_progress
from otio_speakerzoom.weights import names

MIN_IOU = 0.3
"""Minimum IoU: a labelled box is the median of a shot, and heads move to 0.5."""

BATCH_FRAMES = 25
"""Frames read ahead, so that nothing is decoded beside what is timed."""

DETECTORS: dict[str, Callable[[], FaceDetector]] = {
    name: partial(choose.choose_detector, name, on_fetch=no_stage_progress)
    for name in names.DETECTORS
}

COLUMNS = (
    "detector", "clip", "recall, detected frames", "recall, all frames", "false", "switches",
    "tracks", "people", "split", "mixed", "runs a s", "ms a run", "ms a frame",
)  # fmt: skip


class LabelledFace(NamedTuple):
    """A face that is there in a frame, by the labels."""

    person: str
    shot: float
    """Start of the shot, in seconds."""
    box: NDArray[np.float32]
    """(4,)"""


@dataclass(slots=True)
class Timed:
    """A stopwatch for calls."""

    calls: int = 0
    seconds: float = 0.0

    def __call__(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, timed."""

        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = call(*arguments)
            self.seconds += time.perf_counter() - start
            self.calls += 1
            return result

        return timed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--detector", nargs="+", choices=DETECTORS, default=["blazeface"])
    parser.add_argument("--every", type=int, help="frames from detection to detection")
    parser.add_argument("--sure", type=float, default=0.5, help="confidence that begins a track")
    parser.add_argument("--embedder", choices=names.EMBEDDERS)
    arguments = parser.parse_args()
    embedder = open_embedder(arguments.embedder) if arguments.embedder else None
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for name in arguments.detector:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            media = source_file.probe(path.parent / labels["file"])
            calls, reading = Timed(), Timed()
            with DETECTORS[name]() as detector:
                start = time.perf_counter()
                detections = detect(media, calls(detector), arguments.every, reading)
                seconds = time.perf_counter() - start - reading.seconds
            tracks = track_faces(
                detections, media.rate, media.range, high_confidence=arguments.sure
            )
            groupings = [group_people(tracks, detections.camera_cuts)]
            if embedder:
                looks = embed(media, tracks, embedder)
                groupings.append(
                    group_people(tracks, detections.camera_cuts, looks, arguments.embedder)
                )
            cells = [name, path.stem]
            cells += quality(labels, media, detections, tracks, groupings)
            cells.append(f"{calls.calls / float(media.duration / media.rate):.1f}")
            cells.append(f"{1000 * calls.seconds / calls.calls:.1f}")
            cells.append(f"{1000 * seconds / media.duration:.1f}")
            print(f"| {' | '.join(cells)} |", flush=True)


def detect(media: Media, detector: Any, every: int | None, reading: Timed) -> Detections:
    """Return what `detector` finds in the frames that the pipeline would give it."""
    with closing(read_search_frames(media)) as frames:
        batches = iter(reading(lambda: list(islice(frames, BATCH_FRAMES))), [])
        return detect_faces((f for batch in batches for f in batch), media, detector, every=every)


def embed(media: Media, tracks: tuple[FaceTrack, ...], embedder: Embedder) -> Looks:
    """Return the looks of the tracks."""
    with closing(source_file.read_frames(media, size=detector_size(media))) as frames:
        return embed_tracks(frames, media, tracks, embedder)


def quality(
    labels: dict[str, Any],
    media: Media,
    detections: Detections,
    tracks: tuple[FaceTrack, ...],
    groupings: Sequence[tuple[Person, ...]],
) -> list[str]:
    """Return the cells from recall to mixed."""
    recall, false = detector_recall(labels, media, detections)
    tracking = follow_labels(labels, media, tracks)
    owner = tracking.owner
    counts = list(map(len, tracking.tracks_of_shot.values()))
    return [
        f"{recall:.3f}",
        f"{tracking.recall:.3f}",
        f"{false:.3f}",
        str(tracking.switches),
        f"{np.mean(counts) if counts else np.nan:.2f}",
        " / ".join(str(len(people)) for people in groupings) + f" / {len(labels['people'])}",
        " / ".join(str(count_split(people, owner)) for people in groupings),
        " / ".join(str(count_mixed(people, owner)) for people in groupings),
    ]


def detector_recall(
    labels: dict[str, Any], media: Media, detections: Detections
) -> tuple[float, float]:
    """Return the detector's recall and its false boxes per detected frame."""
    hits: dict[str, list[bool]] = defaultdict(list)
    false = 0
    for frame in detections.detected_frames.tolist():
        faces = labelled_faces(labels, media, frame)
        boxes = detections.boxes[detections.frames == frame]
        matches = match(boxes, faces)
        false += len(boxes) - len(matches)
        for n, face in enumerate(faces):
            hits[face.person].append(n in matches.values())
    return lowest_share(hits), false / len(detections.detected_frames)


@dataclass(slots=True)
class Tracking:
    """Tracks compared with labels."""

    hits: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    """Of each person: whether a track has them, for each frame in which they are visible."""
    tracks_of_shot: dict[tuple[str, float], set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Of each person and shot."""
    people_of_track: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Frame by frame."""

    @property
    def recall(self) -> float:
        return lowest_share(self.hits)

    @property
    def switches(self) -> int:
        """How often a track goes over from one person to another."""
        return sum(a != b for people in self.people_of_track.values() for a, b in pairwise(people))

    @property
    def owner(self) -> dict[int, str]:
        """Track -> the person whom it has most often."""
        return {t: max(set(p), key=p.count) for t, p in self.people_of_track.items()}


def follow_labels(labels: dict[str, Any], media: Media, tracks: tuple[FaceTrack, ...]) -> Tracking:
    """Return whom each track has in each frame."""
    tracking = Tracking()
    for frame in range(media.duration):
        faces = labelled_faces(labels, media, frame)
        current = [t for t in tracks if t.start <= frame < t.range.end]
        boxes = np.array([t.boxes[frame - t.start] for t in current], np.float32).reshape(-1, 4)
        matches = match(boxes, faces)
        for n, face in enumerate(faces):
            tracking.hits[face.person].append(n in matches.values())
        for box, n in matches.items():
            tracking.tracks_of_shot[faces[n].person, faces[n].shot].add(current[box].id)
            tracking.people_of_track[current[box].id].append(faces[n].person)
    return tracking


def lowest_share(hits: dict[str, list[bool]]) -> float:
    """Return the share of hits of the person with the fewest."""
    return float(min(np.mean(values) for values in hits.values()))


def labelled_faces(labels: dict[str, Any], media: Media, frame: int) -> list[LabelledFace]:
    """Return each face that is there in a frame."""
    time = frame / float(media.rate) + labels.get("first_video_pts_s", 0.0)
    return [
        LabelledFace(face["person"], face["from_s"], np.array(face["box"], np.float32))
        for face in labels["faces"]
        if face["from_s"] <= time < face["to_s"]
    ]


def match(boxes: NDArray[np.float32], faces: list[LabelledFace]) -> dict[int, int]:
    """Return for each of the (N, 4) boxes that is a labelled face its number in `faces`."""
    if not len(boxes) or not faces:
        return {}
    overlap = pairwise_iou(boxes, np.stack([face.box for face in faces]))
    pairs = zip(*(side.tolist() for side in linear_sum_assignment(-overlap)), strict=True)
    return {box: face for box, face in pairs if overlap[box, face] >= MIN_IOU}


def count_split(people: tuple[Person, ...], owner: dict[int, str]) -> int:
    """Return how many labelled people were split into several."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for person in people:
        for track in person.track_ids:
            if track in owner:
                numbers[owner[track]].add(person.id)
    return sum(len(several) > 1 for several in numbers.values())


def count_mixed(people: tuple[Person, ...], owner: dict[int, str]) -> int:
    """Return how many groups mix up several labelled people."""
    return sum(len({owner[t] for t in person.track_ids if t in owner}) > 1 for person in people)


if __name__ == "__main__":
    main()
