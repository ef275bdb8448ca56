"""Measure what an analysis costs, stage by stage, beside decoding and transcoding the same film.

    python benchmarks/pipeline.py CLIP...
    python benchmarks/pipeline.py CLIP --loop 600 --size 3840x2160 --scorer lr-asd

The stages run one after the other in one process, as in `speakerzoom cut`, but without the store
and with people grouped by position; each floor runs in a process of its own. "x real time" is
seconds of film a second of wall time. Other work on the machine slows everything down, so compare
the ratios to plain decoding within one run, and CPU time rather than wall time. Peak memory is that
of the process so far, libraries included.

With --size a film is scaled and encoded again, with --loop it repeats for so many seconds; both go
to a temporary folder.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import imageio_ffmpeg
from costs import Cost, Meter, in_new_process, total

from otio_speakerzoom import source
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import AudioSelection, Detections, Media, no_progress
from otio_speakerzoom.pipeline.job import DEFAULTS, no_stage_progress
from otio_speakerzoom.weights.names import BUNDLED_SCORER, DETECTORS, SCORERS

if TYPE_CHECKING:  # importing them takes memory that decoding alone does not need
    from otio_speakerzoom.faces.detectors.interface import FaceDetector
    from otio_speakerzoom.speech.scoring import Scorer

T = TypeVar("T")

HEADER = (
    "step", "x real time", "wall, s", "CPU, s", "wall / decode", "CPU / decode", "peak, MB",
    "decodes a frame", "arrays, MB",
)  # fmt: skip
PLAIN_DECODE = "plain decode"


def main() -> None:
    """Print a table for each clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--loop", type=float, metavar="SECONDS", help="repeat it up to this length")
    parser.add_argument("--size", metavar="WxH", help="scale it first")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULTS.detector)
    parser.add_argument("--scorer", choices=SCORERS, default=BUNDLED_SCORER)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for clip in arguments.clips:
            if source.probe(clip).first_audio is None:
                parser.error(f"{clip}: has no audio, so nothing in it can be scored")
            film = make_film(clip, Path(folder), arguments.size, arguments.loop)
            media = source.probe(film)
            print_costs(media, clip.stem, measure(media, arguments.detector, arguments.scorer))


def measure(media: Media, detector: str, scorer: str) -> dict[str, Cost]:
    """Return the cost of each floor, of each stage, and of all stages together."""
    costs = {name: in_new_process(measure_floor, media, name) for name in FLOORS}
    return {**costs, **in_new_process(measure_stages, media, detector, scorer)}


# --- films ----------------------------------------------------------------------------------------


def make_film(clip: Path, folder: Path, size: str | None, loop_s: float | None) -> Path:
    """Return the clip, or a scaled or repeated copy of it in `folder`."""
    film = clip
    if size:
        scaled = folder / f"{clip.stem}_{size}{clip.suffix}"
        video = ("-vf", f"scale={size.replace('x', ':')}", "-pix_fmt", "yuv420p", "-crf", "20")
        run_ffmpeg("-i", str(film), *video, "-c:a", "copy", str(scaled))
        film = scaled
    if loop_s:
        looped = folder / f"{film.stem}_{loop_s:g}s{clip.suffix}"
        repeated = ("-stream_loop", "-1", "-i", str(film), "-t", str(loop_s), "-c", "copy")
        run_ffmpeg(*repeated, str(looped))
        film = looped
    return film


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg; it is installed, or the one of imageio-ffmpeg."""
    executable = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([executable, "-v", "error", "-nostdin", "-y", *arguments], check=True)


# --- the table ------------------------------------------------------------------------------------


def print_costs(media: Media, name: str, costs: dict[str, Cost]) -> None:
    """Print a table with one line for each step."""
    seconds, (width, height) = float(media.duration / media.rate), media.size
    print(f"\n{name}: {seconds:.1f} s of {width}x{height} at {float(media.rate):.2f} fps")
    print(f"\n| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    decode = costs[PLAIN_DECODE]
    for step, cost in costs.items():
        cells = (
            step, f"{seconds / cost.wall_s:.1f}", f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}",
            f"{cost.wall_s / decode.wall_s:.2f}", f"{cost.cpu_s / decode.cpu_s:.2f}",
            f"{cost.peak_mb:.0f}", f"{cost.decoded / media.duration:.1f}",
            f"{cost.array_bytes / 1e6:.0f}",
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


# --- floors ---------------------------------------------------------------------------------------


def measure_floor(media: Media, name: str) -> Cost:
    """Return the cost of one of `FLOORS`."""
    _, cost = Meter().measure(lambda: FLOORS[name](media))
    return cost if cost.decoded else replace(cost, decoded=media.duration)  # not by `read_frames`


def decode(media: Media) -> None:
    """Decode every frame."""
    drain(source.decode_frames(media, media.range))


def decode_and_scale(media: Media) -> None:
    """Decode every frame as RGB of the detector's size."""
    from otio_speakerzoom.faces.detect import detector_size

    drain(source.read_frames(media, size=detector_size(media)))


def decode_gray(media: Media) -> None:
    """Decode every frame as gray of full size, which crops are cut from."""
    drain(source.read_frames(media, gray=True))


def transcode(media: Media) -> None:
    """Encode the film with the settings of a preview, by ffmpeg."""
    with tempfile.TemporaryDirectory() as folder:
        codecs = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "aac")
        run_ffmpeg("-i", str(media.path), *codecs, str(Path(folder) / "film.mp4"))


def drain(items: Iterable[object]) -> None:
    """Read all items."""
    for _ in items:
        pass


FLOORS: dict[str, Callable[[Media], None]] = {
    PLAIN_DECODE: decode,
    "decode, scale to RGB": decode_and_scale,
    "decode, gray": decode_gray,
    "transcode": transcode,
}


# --- stages ---------------------------------------------------------------------------------------


def measure_stages(media: Media, detector_name: str, scorer_name: str) -> dict[str, Cost]:
    """Return the cost of every stage of an analysis and a cut, and of all of them."""
    meter, costs = Meter(), dict[str, Cost]()

    def stage(name: str, call: Callable[[], T]) -> T:
        result, costs[name] = meter.measure(call)
        return result

    detector, scorer = stage("start", lambda: open_networks(detector_name, scorer_name))
    from otio_speakerzoom.faces.people import group_people
    from otio_speakerzoom.faces.track import track_faces
    from otio_speakerzoom.speech.analyze import detect_voice, score_source

    whole = media.range
    stage("probe", lambda: source.probe(media.path))
    with detector as opened:
        detections = stage("detect", lambda: detect(media, opened))
    tracks = stage("track", lambda: track_faces(detections, media.rate, whole))
    cuts = detections.camera_cuts
    people = stage("group", lambda: group_people(tracks, cuts))
    voice = stage("voice", lambda: detect_voice(media, whole, AudioSelection(), no_progress))
    speech = stage(
        "score", lambda: score_source(media, tracks, voice, scorer, whole, no_progress)
    )  # fmt: skip
    stage("cut", lambda: direct(
        media, tracks, people, speech.scores, Style(), canvas=media.size,
        camera_cuts=cuts.tolist(), voice=voice,
    ))  # fmt: skip
    return {**costs, "whole analysis": total(costs.values())}


def open_networks(detector: str, scorer: str) -> tuple[FaceDetector, Scorer]:
    """Return a detector and a scorer on the CPU; imports their libraries."""
    from otio_speakerzoom.faces.detectors import choose
    from otio_speakerzoom.speech.scorers import choose_scorer

    return (
        choose.choose_detector(detector, device="cpu", on_fetch=no_stage_progress),
        choose_scorer(scorer, "cpu", on_fetch=no_stage_progress),
    )


def detect(media: Media, detector: FaceDetector) -> Detections:
    """Return the faces in a film."""
    from otio_speakerzoom.faces.detect import detect_faces, detector_size

    with closing(source.read_frames(media, size=detector_size(media))) as frames:
        return detect_faces(frames, media, detector)


if __name__ == "__main__":
    main()
