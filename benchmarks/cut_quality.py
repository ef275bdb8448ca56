"""Measure cuts against ground-truth labels: ours, and that of the plain rule.

    python benchmarks/cut_quality.py --scorer sync-asd ../shared/footage/composed/*.json

The plain rule is the naive program: in each frame it shows the face with the highest score,
if that is above P = .5, cropped to its box and a fifth around it, else the whole frame. Both cuts
use the same scores. A JSON file names its clip, the people's boxes and who speaks when (the format
is described beside the clips); `reports/evaluation.py` defines the figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from otio_speakerzoom import pipeline
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Shot
from otio_speakerzoom.reports.evaluation import CutFigures, measure
from otio_speakerzoom.reports.talkers import person_boxes, talkers_of_labels
from otio_speakerzoom.weights.names import SCORERS

PADDING = 0.2

COLUMNS = {
    "in frame": "in_frame", "right": "right", "wrong": "wrong", "others in singles": "intruded",
    "empty singles": "empty", "shots": "shots", "shortest, s": "shortest_s",
    "reversals": "reversals", "backchannel cuts": "backchannels",
    "switch, s": "latency_median_s", "p90": "latency_p90_s", "punch-in, s": "punch_in_median_s",
    "largest upscale": "upscale_max",
}  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--scorer", default="sync-asd", choices=SCORERS)
    parser.add_argument("--style", default="standard")
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    print("| clip | one speaks, s | cut | " + " | ".join(COLUMNS) + " |")
    print("|---|---|---|" + "---|" * len(COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            options = pipeline.Options(scorer=arguments.scorer, style=arguments.style)
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                options=options, canvas=lambda media: media.size, force=True,
            )  # fmt: skip
            ours = pipeline.cut(job)
            analysis = pipeline.analyze(pipeline.Job(job.source, work=job.work, options=options))
            talkers = talkers_of_labels(labels, analysis.media)
            cuts = analysis.detections.camera_cuts.tolist()
            for name, cut in (("ours", ours), ("plain rule", plain_rule(analysis))):
                figures = measure(cut, analysis.tracks, talkers, cuts)
                print(row(path.stem, name, figures), flush=True)


def row(clip: str, name: str, figures: CutFigures) -> str:
    """Return one line of the table."""
    values = [getattr(figures, field) for field in COLUMNS.values()]
    cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
    cells = ["-" if cell == "nan" else cell for cell in cells]
    return f"| {clip} | {figures.alone_s:.1f} | {name} | " + " | ".join(cells) + " |"


def plain_rule(analysis: pipeline.Analysis) -> CutList:
    """Return the cut by the plain rule: a shot for every run of frames of the same speaker."""
    media, people = analysis.media, analysis.people
    boxes = person_boxes(media, analysis.tracks, people)
    logits = np.full((len(people) + 1, media.duration), -np.inf)
    logits[0] = 0.0  # the whole frame, where nobody is above even
    for n, person in enumerate(people, 1):
        for score in analysis.speech.scores:
            if score.track_id in person.track_ids:
                logits[n, score.start : score.start + len(score.logits)] = score.logits
    best = logits.argmax(axis=0)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), media.duration]
    shots: list[Shot] = []
    for start, end in pairwise(edges):
        who = int(best[start])
        if not who:
            shots.append(Shot(FrameRange(start, end), (), Box(0, 0, *media.size)))
            continue
        crops = [padded(boxes[who - 1][frame].tolist(), media.size) for frame in range(start, end)]
        keys = tuple(CropKey(start + n, crop) for n, crop in enumerate(crops))
        shots.append(Shot(FrameRange(start, end), (people[who - 1].id,), crops[0], keys=keys))
    return CutList(media, media.size, tuple(shots), people)


def padded(box: Sequence[float], size: tuple[int, int]) -> Box:
    """Return the box and a fifth of it on each side, in the frame's shape, inside the frame."""
    left, top, right, bottom = box
    height = max((bottom - top) * (1 + 2 * PADDING),
                 (right - left) * (1 + 2 * PADDING) * size[1] / size[0])  # fmt: skip
    height = min(height, size[1])
    width = height * size[0] / size[1]
    x = min(max(0.0, (left + right) / 2 - width / 2), size[0] - width)
    y = min(max(0.0, (top + bottom) / 2 - height / 2), size[1] - height)
    return Box(x, y, x + width, y + height)


if __name__ == "__main__":
    main()
