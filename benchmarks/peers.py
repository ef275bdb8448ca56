"""Compare our analysis with the way in which TalkNet's public demo works, on the same film.

    python benchmarks/peers.py CLIP...
    python benchmarks/peers.py CLIP... --talknet

The demo itself does not run here. This is our own re-creation of the steps that it publishes
(demoTalkNet.py), with our detector, our tracking and our network in both, so that only the way of
working differs: the film is encoded again at 25 fps, each frame becomes a JPEG, which is read once
for detection, on every frame, and again for each face in it; the crops of a face become an XVID
film of 224 x 224, which is joined with its part of the audio and read back; and the network runs
six times over each face, in chunks of 1 to 6 s. Ours is the whole of `speakerzoom analyze`, results
saved. Loading libraries and networks counts for neither.

With --talknet two more rows: six passes of TalkNet itself, layer for layer and with generated
weights, measured on 12 s of one face; and the demo's way with those instead of our network. Against
ours with our default network, that compares both as they come.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from costs import Cost, Meter, in_new_process, total
from films import run_ffmpeg
from numpy.typing import NDArray
from stage_costs import AnalysisCost, measure_analysis, open_networks

from otio_speakerzoom import source
from otio_speakerzoom.model import Detections, FaceTrack, Media
from otio_speakerzoom.pipeline.job import DEFAULTS
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights.names import BUNDLED_SCORER, DETECTORS, SCORERS

if TYPE_CHECKING:
    from otio_speakerzoom.faces.detectors.interface import FaceDetector
    from otio_speakerzoom.speech.scorer import Scorer

T = TypeVar("T")

HEADER = ("step", "x real time", "wall, s", "CPU, s", "wall / ours", "CPU / ours", "peak, MB")
RATE = 25
FILM_SIDE_PX = 224
"""Of the film of a face; the network gets the middle half of each side."""
CROP_SCALE = 0.4
"""By how much the demo enlarges a face, to either side."""
BORDER = 110
"""Gray value around the frame."""
DURATIONS_S = range(1, 7)
OURS, DEMO, PASSES = "ours, all", "demo's way, all", "six passes"
TALKNET_PASSES, TALKNET_DEMO = "six passes of TalkNet", "demo's way with TalkNet, all"


def main() -> None:
    """Print a table for each clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULTS.detector)
    parser.add_argument("--scorer", choices=SCORERS, default=BUNDLED_SCORER)
    parser.add_argument("--talknet", action="store_true", help="also with TalkNet's six passes")
    arguments = parser.parse_args()
    options = Options(arguments.detector, scorer=arguments.scorer)
    for clip in arguments.clips:
        media = source.probe(clip)
        if media.first_audio is None:
            parser.error(f"{clip}: has no audio, so nothing in it can be scored")
        ours = in_new_process(measure_ours, media, options)
        demo = in_new_process(measure_demo, media, options)
        rows = {OURS: ours.cost, **demo, DEMO: total(demo.values())}
        if arguments.talknet:
            passes = in_new_process(measure_talknet, ours.face_s)
            others = [cost for name, cost in demo.items() if name != PASSES]
            rows |= {TALKNET_PASSES: passes, TALKNET_DEMO: total([*others, passes])}
        print_costs(media, rows)


def print_costs(media: Media, costs: dict[str, Cost]) -> None:
    """Print a table with one line for each step."""
    seconds = float(media.duration / media.rate)
    print(f"\n{media.path.stem}: {seconds:.1f} s; our re-creation of the demo's published steps")
    print(f"\n| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    ours = costs[OURS]
    for step, cost in costs.items():
        cells = (
            step, f"{seconds / cost.wall_s:.2f}", f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}",
            f"{cost.wall_s / ours.wall_s:.2f}", f"{cost.cpu_s / ours.cpu_s:.2f}",
            f"{cost.peak_mb:.0f}",
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


def measure_ours(media: Media, options: Options) -> AnalysisCost:
    """Return the cost of our analysis in a process that has loaded what it needs."""
    detector, _ = open_networks(options)
    with detector:
        pass
    return measure_analysis(media, options)


def measure_demo(media: Media, options: Options) -> dict[str, Cost]:
    """Return the cost of each of the demo's steps."""
    from otio_speakerzoom.faces.track import track_faces

    meter, costs = Meter(), dict[str, Cost]()

    def step(name: str, call: Callable[[], T]) -> T:
        result, costs[name] = meter.measure(call)
        return result

    detector, scorer = open_networks(options)
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        step("film and audio", lambda: extract_streams(media, files))
        frames = step("JPEG of each frame", lambda: extract_frames(files))
        cuts = step("scenes", lambda: scene_starts(files))
        grid = source.probe(files.film)
        with detector as opened:
            detections = step("detect", lambda: detect(frames, grid, opened, cuts))
        tracks = step("track", lambda: track_faces(detections, grid.rate, grid.range))
        faces = step("film of each face", lambda: [
            write_face(frames, track, files) for track in tracks
        ])  # fmt: skip
        step(PASSES, lambda: [six_passes(face, scorer) for face in faces])
    return costs


@dataclass(frozen=True)
class Files:
    """The files that the demo writes, in one folder."""

    folder: Path

    @property
    def film(self) -> Path:
        return self.folder / "video.avi"

    @property
    def audio(self) -> Path:
        return self.folder / "audio.wav"


def extract_streams(media: Media, files: Files) -> None:
    """Encode the film again at 25 fps, and its audio as mono at 16 kHz."""
    run_ffmpeg("-i", str(media.path), "-qscale:v", "2", "-r", str(RATE), str(files.film))
    wave = ("-qscale:a", "0", "-ac", "1", "-vn", "-ar", "16000", str(files.audio))
    run_ffmpeg("-i", str(files.film), *wave)


def extract_frames(files: Files) -> list[Path]:
    """Write each frame as a JPEG, and return them in order."""
    pattern = str(files.folder / "%06d.jpg")
    run_ffmpeg("-i", str(files.film), "-qscale:v", "2", "-f", "image2", pattern)
    return sorted(files.folder.glob("*.jpg"))


def scene_starts(files: Files) -> NDArray[np.int32]:
    """Return the first frame of each scene but the first, by PySceneDetect."""
    from scenedetect import ContentDetector, detect

    scenes = detect(str(files.film), ContentDetector())
    return np.array([start.frame_num for start, _ in scenes[1:]], np.int32)


def detect(
    frames: Sequence[Path], media: Media, detector: FaceDetector, cuts: NDArray[np.int32]
) -> Detections:
    """Return the faces in every frame, read from its JPEG."""
    from otio_speakerzoom.faces.detect import detector_size

    size, faces = detector_size(media), []
    for frame in frames:
        small = cv2.resize(read_frame(frame), size, interpolation=cv2.INTER_AREA)
        faces.append(detector(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)))
    scale = np.tile(np.array(media.size) / size, 2).astype(np.float32)
    return Detections(
        np.repeat(np.arange(len(faces)), [len(boxes) for boxes, _ in faces]).astype(np.int32),
        np.concatenate([boxes for boxes, _ in faces]) * scale,
        np.concatenate([confidences for _, confidences in faces]),
        np.arange(len(faces), dtype=np.int32),
        cuts,
    )


def read_frame(path: Path) -> NDArray[np.uint8]:
    """Return the (H, W, 3) BGR frame in a JPEG."""
    return np.asarray(cv2.imread(str(path)), np.uint8)


def write_face(frames: Sequence[Path], track: FaceTrack, files: Files) -> Path:
    """Write the film of a face, with its part of the audio, and return it."""
    silent, wave = files.folder / f"{track.id}t.avi", files.folder / f"{track.id}.wav"
    codec = cv2.VideoWriter.fourcc(*"XVID")
    writer = cv2.VideoWriter(str(silent), codec, RATE, (FILM_SIDE_PX, FILM_SIDE_PX))
    for path, box in zip(frames[track.start : track.range.end], track.boxes, strict=True):
        writer.write(face_image(read_frame(path), box))
    writer.release()
    span = ("-ss", f"{track.start / RATE:.3f}", "-to", f"{track.range.end / RATE:.3f}")
    run_ffmpeg("-i", str(files.audio), *span, "-ac", "1", "-ar", "16000", str(wave))
    face = files.folder / f"{track.id}.avi"
    run_ffmpeg("-i", str(silent), "-i", str(wave), "-c:v", "copy", "-c:a", "copy", str(face))
    return face


def face_image(frame: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the square around a face, (224, 224, 3), from the padded frame."""
    left, top, right, bottom = (float(side) for side in box)
    half = max(right - left, bottom - top) / 2
    pad = int(half * (1 + 2 * CROP_SCALE))
    padded = np.pad(frame, ((pad, pad), (pad, pad), (0, 0)), constant_values=BORDER)
    x, y = (left + right) / 2 + pad, (top + bottom) / 2 + pad
    rows = slice(int(y - half), int(y + half * (1 + 2 * CROP_SCALE)))
    columns = slice(int(x - half * (1 + CROP_SCALE)), int(x + half * (1 + CROP_SCALE)))
    return np.asarray(cv2.resize(padded[rows, columns], (FILM_SIDE_PX, FILM_SIDE_PX)), np.uint8)


def six_passes(face: Path, scorer: Scorer) -> None:
    """Read the film of a face back, and run the network over it once for each duration."""
    from scipy.io import wavfile

    from otio_speakerzoom.speech.clip import Clip
    from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
    from otio_speakerzoom.speech.scorer import score_clip

    crops = read_crops(face)
    _, samples = wavfile.read(face.with_suffix(".wav"))
    mfcc = compute_mfcc(samples)
    for ticks in (RATE * seconds for seconds in DURATIONS_S):
        for start in range(0, len(crops), ticks):
            chunk = crops[start : start + ticks]
            rows = mfcc_at_ticks(mfcc, len(chunk), start=start)
            score_clip(scorer, Clip(chunk, rows[None]))


def measure_talknet(face_s: float) -> Cost:
    """Return the cost of TalkNet's six passes over so many seconds of faces."""
    import torch
    from scoring import CLIP_S, generated_clip
    from scoring import six_passes as plain_passes

    from otio_speakerzoom.speech.networks.talknet import TalkNet

    clip, network = generated_clip(), TalkNet().eval()
    rows, crops = torch.tensor(clip.mfcc[0]), torch.tensor(clip.crops)
    with torch.inference_mode():
        _, cost = Meter().measure(lambda: plain_passes(network, rows, crops))
    return cost.scaled(face_s / CLIP_S)


def read_crops(face: Path) -> NDArray[np.uint8]:
    """Return the (T, 112, 112) gray middle of the film of a face."""
    film, crops = cv2.VideoCapture(str(face)), []
    inner = slice(FILM_SIDE_PX // 4, FILM_SIDE_PX - FILM_SIDE_PX // 4)
    while True:
        has_frame, frame = film.read()
        if not has_frame:
            break
        crops.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[inner, inner])
    film.release()
    return np.stack(crops).astype(np.uint8)


if __name__ == "__main__":
    main()
