"""The parts of an analysis that work on pictures, each alone on every core of the machine.

One process per core, with one thread, works on one repetition of the clip, which begins at a
keyframe: what the processor can do at most if nothing had to wait.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from costs import cpu_seconds

from otio_speakerzoom import source
from otio_speakerzoom.cli.batch_worker import THREAD_LIMITS
from otio_speakerzoom.cli.main import let_waiting_threads_sleep
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.pipeline.job import no_stage_progress

Part = Callable[[Media, FrameRange, str], float]
"""Works on a piece of a film with a detector, and returns CPU seconds."""
FACE_SHARE = 1 / 3
"""Height of a face, of the frame's; such crops are cut."""


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_part(name: str, media: Media, repetition: int, detector: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a part, over a repetition of so many frames for each core."""
    pieces = [FrameRange(n * repetition, (n + 1) * repetition) for n in range(cores())]
    let_waiting_threads_sleep()
    context = multiprocessing.get_context("spawn")
    with (
        patch.dict(os.environ, dict.fromkeys(THREAD_LIMITS, "1")),
        ProcessPoolExecutor(len(pieces), context, _take_core, (context.Value("i", 0),)) as pool,
    ):
        list(pool.map(partial(_prepare, media, detector), pieces))
        start = time.perf_counter()
        cpu = sum(pool.map(partial(_run, name, media, detector), pieces))
        return time.perf_counter() - start, cpu


def _take_core(started: Any) -> None:
    """Run on a core of its own, where every library starts one thread."""
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    if hasattr(os, "sched_setaffinity"):
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {available[number % len(available)]})


def _prepare(media: Media, detector: str, piece: FrameRange) -> None:
    """Load what the parts load, so that none of them pays for it."""
    analyse_pictures(media, FrameRange(0, 2), detector)
    time.sleep(0.5)  # so that every process gets one of these calls


def _run(name: str, media: Media, detector: str, piece: FrameRange) -> float:
    return PARTS[name](media, piece, detector)


def decode(media: Media, piece: FrameRange, detector: str) -> float:
    """Decode every frame."""
    start = cpu_seconds()
    for _ in source.read_source_frames(media, piece):
        pass
    return cpu_seconds() - start


def scale(media: Media, piece: FrameRange, detector: str) -> float:
    """Decode every frame and scale it for the detector."""
    from otio_speakerzoom.faces.detect import detector_size

    size, start = detector_size(media), cpu_seconds()
    for frame in source.read_source_frames(media, piece):
        frame.rgb(size)
    return cpu_seconds() - start


def crop(media: Media, piece: FrameRange, detector: str) -> float:
    """Decode every frame and cut two crops from it."""
    start = cpu_seconds()
    for frame in source.read_source_frames(media, piece):
        cut_crops(frame, media)
    return cpu_seconds() - start


def analyse_pictures(media: Media, piece: FrameRange, detector: str) -> float:
    """Decode every frame once, detect faces and camera cuts, and cut two crops from each."""
    from otio_speakerzoom.faces.detect import detect_faces, detector_size, search_frame
    from otio_speakerzoom.faces.detectors.choose import choose_detector
    from otio_speakerzoom.faces.search_frame import SearchFrame

    size = detector_size(media)

    def search_frames() -> Iterator[SearchFrame]:
        for frame in source.read_source_frames(media, piece):
            yield search_frame(frame, media, size)
            cut_crops(frame, media)

    opening = choose_detector(detector, device="cpu", on_fetch=no_stage_progress)
    with opening as opened:
        start = cpu_seconds()
        detect_faces(search_frames(), media, opened, within=piece)
        return cpu_seconds() - start


def cut_crops(frame: source.SourceFrame, media: Media) -> None:
    """Cut the crops of two faces, beside each other."""
    from otio_speakerzoom.speech.crops import LOWER_FACE, crop_face, crop_region

    width, height = media.size
    side = FACE_SHARE * height
    for x in (width / 4, 3 * width / 4):
        left, top = x - side / 2, height / 2 - side / 2
        box = np.array([left, top, left + side, top + side], np.float32)
        crop_face(frame.luma_within(crop_region(box, LOWER_FACE)), box, LOWER_FACE)


PARTS: dict[str, Part] = {
    "decode": decode,
    "decode, scale to RGB": scale,
    "decode, crops": crop,
    "decode, scale, detect, crops": analyse_pictures,
}
