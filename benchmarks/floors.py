"""What the parts of an analysis cost that no way of connecting them avoids, each alone.

Each is measured on the first minute of a film and scaled to its length.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from costs import Cost, Meter
from films import run_ffmpeg

from otio_speakerzoom import source
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.pipeline.job import no_stage_progress

if TYPE_CHECKING:  # importing them takes memory that decoding alone does not need
    from otio_speakerzoom.faces.detectors.interface import FaceDetector
    from otio_speakerzoom.faces.search_frame import SearchFrame
    from otio_speakerzoom.speech.scorer import Scorer

SAMPLE_S = 60
DETECTIONS = 60
"""That the time of one is averaged over."""
DECODE, RGB, GRAY, TRANSCODE = "decode", "decode, scale to RGB", "decode, gray", "transcode"


def measure_floor(media: Media, name: str) -> Cost:
    """Return the cost of one of `FLOORS` for the whole film."""
    sample = _sample(media)
    _, cost = Meter().measure(lambda: FLOORS[name](media, sample))
    if not cost.decoded:  # not by our own reader
        cost = replace(cost, decoded=sample.duration)
    return cost.scaled(media.duration / sample.duration)


def _sample(media: Media) -> FrameRange:
    return FrameRange(0, min(media.duration, round(SAMPLE_S * media.rate)))


def decode(media: Media, within: FrameRange) -> None:
    """Decode every frame."""
    drain(source.decode_frames(media, within))


def decode_and_scale(media: Media, within: FrameRange) -> None:
    """Decode every frame as a small picture, and those that the detector runs on at its size."""
    from otio_speakerzoom.faces.detect import detection_step, read_search_frames

    step = detection_step(media)
    with closing(read_search_frames(media, within)) as frames:
        for frame in frames:
            if (frame.number - within.start) % step == 0:
                frame.rgb()


def decode_gray(media: Media, within: FrameRange) -> None:
    """Decode every frame as gray of full size, which crops are cut from."""
    drain(source.read_frames(media, gray=True, within=within))


def transcode(media: Media, within: FrameRange) -> None:
    """Encode the film with the settings of a preview, by ffmpeg."""
    codecs = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "aac")
    frames = ("-frames:v", str(within.duration), "-t", str(float(within.duration / media.rate)))
    with tempfile.TemporaryDirectory() as folder:
        run_ffmpeg("-i", str(media.path), *codecs, *frames, str(Path(folder) / "film.mp4"))


def drain(items: Iterable[object]) -> None:
    """Read all items."""
    for _ in items:
        pass


FLOORS: dict[str, Callable[[Media, FrameRange], None]] = {
    DECODE: decode,
    RGB: decode_and_scale,
    GRAY: decode_gray,
    TRANSCODE: transcode,
}


# --- networks -------------------------------------------------------------------------------------


def open_detector(name: str) -> FaceDetector:
    """Return a detector on the CPU; imports its libraries."""
    from otio_speakerzoom.faces.detectors import choose

    return choose.choose_detector(name, device="cpu", on_fetch=no_stage_progress)


def open_scorer(name: str) -> Scorer:
    """Return a scorer on the CPU; imports its libraries."""
    from otio_speakerzoom.speech.scorers import choose_scorer

    return choose_scorer(name, "cpu", on_fetch=no_stage_progress)


def measure_start(detector: str, scorer: str) -> Cost:
    """Return the cost of loading the libraries and networks that an analysis runs."""

    def start() -> None:
        with open_detector(detector):
            open_scorer(scorer)

    _, cost = Meter().measure(start)
    return cost


def measure_detector(media: Media, name: str, every: int | None) -> Cost:
    """Return the cost of all detections of a film, without decoding it."""
    from otio_speakerzoom.faces.detect import detection_step
    from otio_speakerzoom.faces.face_search import FaceSearch

    step = detection_step(media, every)
    with closing(_detector_frames(media, step)) as frames, open_detector(name) as detector:
        first, *others = islice(frames, 1 + DETECTIONS)
        search = FaceSearch(media, detector, first.number, step)
        search.push(first)  # allocates what all of them use
        _, cost = Meter().measure(lambda: drain(map(search.push, others)))
    return cost.scaled(float(media.duration / step / len(others)))


def _detector_frames(media: Media, step: int) -> Generator[SearchFrame, None, None]:
    from otio_speakerzoom.faces.detect import detector_size
    from otio_speakerzoom.faces.search_frame import SearchFrame

    frames = source.read_frames(media, size=detector_size(media), within=_sample(media))
    with closing(frames):
        for number, frame in frames:
            if number % step == 0:
                yield SearchFrame.of_array(number, frame)


def measure_network(name: str, face_s: float) -> Cost:
    """Return the cost of scoring so many seconds of faces, from crops and MFCC."""
    from scoring import CLIP_S, REPEATS, generated_clip

    from otio_speakerzoom.speech.scorer import score_clip

    scorer, clip = open_scorer(name), generated_clip()
    score_clip(scorer, clip)  # allocates what all of them use
    _, cost = Meter().measure(lambda: [score_clip(scorer, clip) for _ in range(REPEATS)])
    return cost.scaled(face_s / (CLIP_S * REPEATS))
