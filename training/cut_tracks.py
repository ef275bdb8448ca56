"""Cut face tracks with their audio out of films, in the form of a corpus.

    python training/cut_tracks.py --films films.csv --out CORPUS
    python training/cut_tracks.py --films films.csv --out CORPUS --apart OTHER/faces.json ...

films.csv has a row for each film: `file` (beside it), `repo`, `path`, `commit`, `licence`. Faces
are found by YuNet and followed as in an analysis. A track is cut into pieces of at most 30 s. Those
whose faces resemble each other, as far as an embedding tells, are one person. With `--apart`,
tracks that resemble a face of another corpus are left out. A film that has been cut is not cut
again, so an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from otio_speakerzoom import pipeline, source
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.faces.embed import crop_face, unit
from otio_speakerzoom.faces.embedders import open_embedder
from otio_speakerzoom.model import FaceTrack, FrameRange, Media
from otio_speakerzoom.source.url import input_url
from otio_speakerzoom.speech.crops import smooth_boxes
from otio_speakerzoom.speech.ticks import frames_at_ticks
from otio_speakerzoom.store.atomic import write_text

SIDE = 192
"""Width and height of a track's frames."""
TICK_SAMPLES = 640
"""Audio samples a tick: 16 kHz at 25 ticks a second."""
MIN_TICKS, MAX_TICKS = 30, 750
MIN_FACE_PX = 26.0
MIN_CHANGE = 0.25
"""Mean difference of neighbouring frames, of 255; a photograph in a film has less."""
LONGEST_S = 36
"""Of each film; more of the same people would add little."""
SAME_PERSON, APART = 0.5, 0.45
"""Cosines of SFace: from the first on two tracks are one person, as in the two corpora; from the
second on a track may show somebody of the corpora that it must stay apart from."""
EMBEDDED = (0.125, 0.33, 0.5, 0.75)
"""Where in a track its faces are embedded."""


@dataclass(frozen=True, eq=False)
class CutTrack:
    """A track of one film at 25 ticks a second."""

    name: str
    ticks: NDArray[np.int64]
    """(T,) numbers of the film's frames."""
    boxes: NDArray[np.float32]
    """(T, 4) smooth, in pixels of the film."""
    start_s: Fraction


def cut_film(film: Path, out: Path, work: Path, embedder: Any) -> list[dict[str, Any]]:
    """Write the tracks of a film; return a row for each, with the embedding of its face."""
    options = pipeline.Options(detector="yunet", scorer="motion")
    job = pipeline.Job(film, work=work, options=options, within=_first_seconds, jobs=1)
    analysis = pipeline.analyze(job)
    media = analysis.media
    tracks = [cut for track in analysis.tracks for cut in pieces(film.stem, track, media)]
    frames, faces = read_faces(media, tracks, analysis.within, embedder)
    audio = np.concatenate([*source.read_audio(media, within=analysis.within), np.zeros(0, "i2")])
    rows = []
    for track in tracks:
        crops = frames[track.name]
        if np.abs(np.diff(crops.astype(np.int16), axis=0)).mean() < MIN_CHANGE:
            continue
        write_track(out / "tracks" / track.name, crops, audio, track)
        row = describe_track(track, film.stem)
        rows.append({**row, "embedding": faces[track.name].round(4).tolist()})
    return rows


def _first_seconds(media: Media) -> FrameRange:
    return FrameRange(0, max(1, min(media.duration, int(LONGEST_S * media.rate))))


def pieces(film: str, track: FaceTrack, media: Media) -> Iterator[CutTrack]:
    """Yield a track at 25 ticks a second, in pieces of at most 30 s; nothing if it is too small."""
    at_ticks = frames_at_ticks(media.duration, media.rate)
    end = track.start + len(track.boxes)
    ticks = np.flatnonzero((at_ticks >= track.start) & (at_ticks < end))
    if len(ticks) < MIN_TICKS:
        return
    boxes = smooth_boxes(track.boxes[at_ticks[ticks] - track.start])
    if np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1)) < MIN_FACE_PX:
        return
    for part in np.array_split(np.arange(len(ticks)), -(-len(ticks) // MAX_TICKS)):
        start = int(ticks[part[0]])
        name = f"{film}_t{track.id:02d}_{start}"
        yield CutTrack(name, at_ticks[ticks[part]], boxes[part], Fraction(start, 25))


def read_faces(
    media: Media, tracks: Sequence[CutTrack], within: FrameRange, embedder: Any
) -> tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """Return the (T, 192, 192) frames of each track, and the (D,) embedding of its face."""
    frames = {track.name: np.zeros((len(track.ticks), SIDE, SIDE), np.uint8) for track in tracks}
    looks = {track.name: np.zeros(0, np.float32) for track in tracks}
    for frame in source.read_source_frames(media, within):
        for track in tracks:
            for tick in np.flatnonzero(track.ticks == frame.number).tolist():
                box = track.boxes[tick]
                frames[track.name][tick] = cut_frame(frame.luma(), box)
                if tick in [int(share * len(track.ticks)) for share in EMBEDDED]:
                    face = unit(embedder(crop_face(frame.rgb(), box)))
                    total = looks[track.name]
                    looks[track.name] = total + face if len(total) else face
    return frames, {name: unit(face) for name, face in looks.items()}


def cut_frame(luma: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the (192, 192) square around a face: its box, and room beside and below.

    With half the longer side of the box as unit, 1.4 to either side of the centre, 1 above it and
    1.8 below: the geometry of both corpora, in which `corpus.FACE` is the box.
    """
    left, top, right, bottom = (float(edge) for edge in box)
    half = max(right - left, bottom - top) / 2
    side = 2.8 * half
    steps = max(1, round(side / SIDE))  # sampled once a pixel, then averaged
    step = side / (SIDE * steps)
    x, y = (left + right) / 2 - 1.4 * half, (top + bottom) / 2 - half
    back = np.array([[step, 0, x + (step - 1) / 2], [0, step, y + (step - 1) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    sampled = cv2.warpAffine(luma, back, (SIDE * steps, SIDE * steps), flags=flags)
    return np.asarray(cv2.resize(sampled, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def write_track(
    stem: Path, frames: NDArray[np.uint8], audio: NDArray[np.int16], track: CutTrack
) -> None:
    """Write the film and the audio of a track."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with av.open(input_url(stem.with_name(f"{stem.name}.mp4")), "w") as file:
        video = file.add_stream("libx264", rate=25, options={"crf": "14", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = SIDE, SIDE, "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            file.mux(video.encode(frame.reformat(format="yuv420p")))
        file.mux(video.encode())
    start = int(track.start_s * 25) * TICK_SAMPLES
    samples = audio[start : start + TICK_SAMPLES * len(frames)]
    with av.open(input_url(stem.with_name(f"{stem.name}.opus")), "w") as file:
        sound = file.add_stream("libopus", rate=48000, layout="mono", options={"b": "48000"})
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48000, frame_size=960)
        block = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        block.sample_rate = 16000
        for part in (block, None):
            for frame in resampler.resample(part):
                file.mux(sound.encode(frame))
        file.mux(sound.encode())


def describe_track(track: CutTrack, film: str) -> dict[str, Any]:
    """Return the columns of the index that a track itself has."""
    width = float(np.median((track.boxes[:, 2:] - track.boxes[:, :2]).max(axis=1)))
    return {
        "track": track.name, "clip": film, "start": int(track.start_s * 25),
        "frames": len(track.ticks), "face_width": round(width, 1),
    }  # fmt: skip


def group_people(rows: list[dict[str, Any]]) -> None:
    """Give each row a `person`: average linkage of embeddings, at `SAME_PERSON`."""
    if len(rows) == 1:
        rows[0]["person"] = "p0001"
        return
    vectors = np.array([row["embedding"] for row in rows])
    distance = np.clip(1 - vectors @ vectors.T, 0, 2)
    upper = distance[np.triu_indices(len(rows), 1)]
    groups = fcluster(linkage(upper, "average"), 1 - SAME_PERSON, "distance")
    for row, group in zip(rows, groups, strict=True):
        row["person"] = f"p{group:04d}"


def stay_apart(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows whose face resembles none of `others`."""
    if not others or not rows:
        return rows
    faces = np.array([row["embedding"] for row in others])
    return [row for row in rows if float(np.max(faces @ np.array(row["embedding"]))) < APART]


def main() -> None:
    """Cut every film that has not been cut yet, then write index.csv."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--apart", type=Path, nargs="*", default=[], help="faces.json of a corpus")
    arguments = parser.parse_args()
    with arguments.films.open(encoding="utf-8", newline="") as file:
        films = list(csv.DictReader(file))
    embedder = open_embedder("sface")
    rows = []
    for film in films:
        path = arguments.films.parent / film["file"]
        done = arguments.out / "films" / f"{path.stem}.json"
        if not done.exists():
            cut = _cut(path, arguments.out, embedder)
            done.parent.mkdir(parents=True, exist_ok=True)
            write_text(done, json.dumps(cut))
        facts = {key: film[key] for key in ("repo", "path", "commit", "licence")}
        rows += [{**row, **facts} for row in json.loads(done.read_text(encoding="utf-8"))]
    others = [row for path in arguments.apart for row in json.loads(path.read_text("utf-8"))]
    write_index(arguments.out, stay_apart(rows, others))


def _cut(path: Path, out: Path, embedder: Any) -> list[dict[str, Any]]:
    try:
        return cut_film(path, out, out / "work", embedder)
    except MediaError as error:  # anything else may go well the next time
        print(f"left out: {error}")
        return []


def write_index(out: Path, rows: list[dict[str, Any]]) -> None:
    """Write index.csv, as `corpus.py` reads it, and faces.json for `--apart`."""
    if not rows:
        raise SystemExit(f"no face track was found in these films, so {out} has no index")
    group_people(rows)
    (out / "faces.json").write_text(json.dumps(rows), encoding="utf-8")
    columns = ["track", "clip", "person", "split", "repo", "path", "commit", "licence", "start",
        "frames", "face_width", "sync"]  # fmt: skip
    with (out / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "split": "train", "sync": "not_measured"} for row in rows)
    people = len({row["person"] for row in rows})
    minutes = sum(row["frames"] for row in rows) / 1500
    print(f"{len(rows)} tracks, {people} people, {minutes:.1f} minutes in {out}")


if __name__ == "__main__":
    main()
