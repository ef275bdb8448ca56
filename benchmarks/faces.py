"""How well faces are found, followed and told apart, on labelled clips; and what that costs.

    python benchmarks/faces.py --detector blazeface ../shared/footage/composed/*.json

A box is a labelled face where they overlap by `SAME_FACE`, one box a face (Hungarian assignment).

recall      least share, of all labelled people of the clip, of the looks in which the detector
            found them while they were there; and of the frames in which a track has them
false       boxes that are nobody's, for each look
switches    times that one track goes over from one labelled person to another
tracks      for each person and camera shot, on average
people      found by place / found by looks / labelled; looks need the embedder's weights
split       labelled people who were made into several, by place / by looks
mixed       found people in whom two labelled ones were mixed up, by place / by looks
ms          for each look of the detector; for each source frame,
            with camera cuts, but without reading the file
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom import source as source_file
from otio_speakerzoom.faces.detect import detect_faces, detector_size
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.faces.embed import Embedder, MobileFaceNet, embed_tracks
from otio_speakerzoom.faces.people import group_people
from otio_speakerzoom.faces.track import overlaps, track_faces
from otio_speakerzoom.model import Detections, FaceTrack, Media, Person
from otio_speakerzoom.pipeline import no_stage_progress

SAME_FACE = 0.3
"""Least intersection over union: a labelled box is the median of a shot, and heads move to 0.5."""

PIECE = 100
"""Pictures read before they are looked at, so that ffmpeg does not decode beside what is timed."""

DETECTORS: dict[str, Callable[[], choose.OpenDetector]] = {
    name: partial(choose.choose_detector, name, on_fetch=no_stage_progress)
    for name in choose.DETECTORS
}


@dataclass(slots=True)
class Timed:
    """Calls that are counted, with their seconds."""

    looks: int = 0
    seconds: float = 0.0

    def __call__(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, timed."""

        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            found = call(*arguments)
            self.seconds += time.perf_counter() - start
            self.looks += 1
            return found

        return timed


COLUMNS = (
    "detector", "clip", "recall, looks", "recall, frames", "false", "switches", "tracks",
    "people", "split", "mixed", "ms a look", "ms a frame",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--detector", nargs="+", choices=DETECTORS, default=["blazeface"])
    parser.add_argument("--every", type=int, help="frames from look to look")
    parser.add_argument("--sure", type=float, default=0.5, help="confidence that begins a track")
    parser.add_argument("--embedder", type=Path, help="MobileFaceNet's ONNX file")
    arguments = parser.parse_args()
    embedder = MobileFaceNet(arguments.embedder) if arguments.embedder else None
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for name in arguments.detector:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            media = source_file.probe(path.parent / labels["file"])
            looks, reading = Timed(), Timed()
            with DETECTORS[name]() as detector:
                start = time.perf_counter()
                found = detect(media, looks(detector), arguments.every, reading)
                seconds = time.perf_counter() - start - reading.seconds
            tracks = track_faces(found, media.rate, media.range, sure=arguments.sure)
            embeddings = embed(media, tracks, embedder) if embedder else None
            cells = [name, path.stem, *row(labels, media, found, tracks, embeddings)]
            cells.append(f"{1000 * looks.seconds / looks.looks:.1f}")
            cells.append(f"{1000 * seconds / media.duration:.1f}")
            print(f"| {' | '.join(cells)} |", flush=True)


def detect(media: Media, detector: Any, every: int | None, reading: Timed) -> Detections:
    """Return what `detector` finds in the pictures that the pipeline would show it."""
    with closing(source_file.read_frames(media, size=detector_size(media))) as pictures:
        pieces = iter(reading(lambda: list(islice(pictures, PIECE))), [])
        shown = (picture for piece in pieces for picture in piece)
        return detect_faces(shown, media, detector, every=every)


def embed(media: Media, tracks: tuple[FaceTrack, ...], embedder: Embedder) -> NDArray[np.float32]:
    """Return (N, D) what the tracks look like."""
    with closing(source_file.read_frames(media, size=detector_size(media))) as pictures:
        return embed_tracks(pictures, media, tracks, embedder)


def row(
    labels: dict[str, Any],
    media: Media,
    found: Detections,
    tracks: tuple[FaceTrack, ...],
    embeddings: NDArray[np.float32] | None,
) -> list[str]:
    """Return the cells from recall to mixed."""
    looks: dict[str, list[bool]] = defaultdict(list)
    false = 0
    for frame in found.detected_frames.tolist():
        there = labelled(labels, media, frame)
        boxes = found.boxes[found.frames == frame]
        whose = match(boxes, there)
        false += len(boxes) - len(whose)
        for n, (person, *_) in enumerate(there):
            looks[person].append(n in whose.values())
    frames: dict[str, list[bool]] = defaultdict(list)
    of_shot: dict[tuple[str, float], set[int]] = defaultdict(set)
    of_track: dict[int, list[str]] = defaultdict(list)
    for frame in range(media.duration):
        there = labelled(labels, media, frame)
        living = [t for t in tracks if t.start <= frame < t.range.end]
        boxes = np.array([t.boxes[frame - t.start] for t in living], np.float32).reshape(-1, 4)
        whose = match(boxes, there)
        for n, (person, *_) in enumerate(there):
            frames[person].append(n in whose.values())
        for box, n in whose.items():
            person, since, _ = there[n]
            of_shot[person, since].add(living[box].id)
            of_track[living[box].id].append(person)
    switches = sum(a != b for people in of_track.values() for a, b in pairwise(people))
    owner = {track: max(set(people), key=people.count) for track, people in of_track.items()}
    by_place = group_people(tracks, found.camera_cuts)
    groups = [by_place]
    if embeddings is not None:
        groups.append(group_people(tracks, found.camera_cuts, embeddings))
    return [
        f"{min(np.mean(seen) for seen in looks.values()):.3f}",
        f"{min(np.mean(seen) for seen in frames.values()):.3f}",
        f"{false / len(found.detected_frames):.3f}",
        str(switches),
        f"{np.mean([len(ids) for ids in of_shot.values()]) if of_shot else np.nan:.2f}",
        " / ".join(str(len(people)) for people in groups) + f" / {len(labels['people'])}",
        " / ".join(str(split(people, owner)) for people in groups),
        " / ".join(str(mixed(people, owner)) for people in groups),
    ]


def labelled(
    labels: dict[str, Any], media: Media, frame: int
) -> list[tuple[str, float, NDArray[np.float32]]]:
    """Return person, start of the shot in seconds and (4,) box of each face that is there."""
    time = frame / float(media.rate) + labels.get("first_video_pts_s", 0.0)
    return [
        (face["person"], face["from_s"], np.array(face["box"], np.float32))
        for face in labels["faces"]
        if face["from_s"] <= time < face["to_s"]
    ]


def match(
    boxes: NDArray[np.float32], there: list[tuple[str, float, NDArray[np.float32]]]
) -> dict[int, int]:
    """Return for each of the (N, 4) boxes that is a labelled face its number in `there`."""
    if not len(boxes) or not there:
        return {}
    overlap = overlaps(boxes, np.stack([box for *_, box in there]))
    pairs = zip(*(side.tolist() for side in linear_sum_assignment(-overlap)), strict=True)
    return {box: face for box, face in pairs if overlap[box, face] >= SAME_FACE}


def split(people: tuple[Person, ...], owner: dict[int, str]) -> int:
    """Return how many labelled people were made into several."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for person in people:
        for track in person.track_ids:
            if track in owner:
                numbers[owner[track]].add(person.id)
    return sum(len(several) > 1 for several in numbers.values())


def mixed(people: tuple[Person, ...], owner: dict[int, str]) -> int:
    """Return in how many found people several labelled ones were mixed up."""
    return sum(len({owner[t] for t in person.track_ids if t in owner}) > 1 for person in people)


if __name__ == "__main__":
    main()
