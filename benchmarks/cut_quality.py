"""Who is on screen while one person speaks: our cut held against labelled conversations.

    python benchmarks/cut_quality.py --scorer motion ../shared/footage/composed/*.json

For every labelled clip: of the time in which exactly one visible person speaks, the share in which
the shot is a single of that person, of somebody else, or wide. A JSON file names its clip, the
people's boxes and who speaks when (the format is described beside the clips).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from otio_speakerzoom import pipeline
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.faces.track import overlaps
from otio_speakerzoom.model import CutList, FaceTrack


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--scorer", default="motion", choices=pipeline.SCORERS)
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    print("| clip | one speaks, s | right | wrong | wide | shots | shortest, s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                scorer=arguments.scorer,
            )  # fmt: skip
            analysis = pipeline.analyze(job)
            cut_list = pipeline.cut(job, Style(), lambda media: media.size)
            print(row(labels, cut_list, analysis.tracks), flush=True)


def row(labels: dict[str, Any], cut_list: CutList, tracks: tuple[FaceTrack, ...]) -> str:
    """Return one line of the table."""
    rate = float(cut_list.media.rate)
    right = wrong = wide = 0
    for shot in cut_list.shots:
        for frame in range(shot.range.start, shot.range.end):
            box = speaker_box(labels, frame / rate + labels.get("first_video_pts_s", 0.0))
            if box is None:
                continue
            if shot.kind != "single":
                wide += 1
            elif shows(cut_list, tracks, shot.subjects[0], frame, box):
                right += 1
            else:
                wrong += 1
    total = max(1, right + wrong + wide)
    shortest = min(shot.range.duration for shot in cut_list.shots) / rate
    return (
        f"| {Path(labels['file']).stem} | {total / rate:.1f} | {right / total:.3f} | "
        f"{wrong / total:.3f} | {wide / total:.3f} | {len(cut_list.shots)} | {shortest:.2f} |"
    )


def speaker_box(labels: dict[str, Any], time: float) -> np.ndarray | None:
    """Return the box of the one person who speaks at `time`; None unless just one, and visible."""
    speakers = [s["person"] for s in labels["speech"] if s["from_s"] <= time < s["to_s"]]
    if len(speakers) != 1:
        return None
    for face in labels["faces"]:
        if face["person"] == speakers[0] and face["from_s"] <= time < face["to_s"]:
            return np.array(face["box"], np.float32)
    return None


def shows(
    cut_list: CutList, tracks: tuple[FaceTrack, ...], subject: int, frame: int, box: np.ndarray
) -> bool:
    """Whether the person framed in `frame` is the one whose labelled box is `box`."""
    mine = next(person.track_ids for person in cut_list.people if person.id == subject)
    for track in tracks:
        if track.id in mine and track.start <= frame < track.range.end:
            found = track.boxes[frame - track.start]
            return bool(overlaps(found[None], box[None])[0, 0] > 0.2)
    return False


if __name__ == "__main__":
    main()
