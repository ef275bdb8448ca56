"""Generate the analysis of a long conversation, to measure what keeping and reading it costs.

    python benchmarks/generated_store.py FOLDER --hours 3 --people 3 --rate 25

writes `conversation.mp4`, a picture that never changes, and beside it the work folder that
`speakerzoom analyze` would leave after a recording of people who sit side by side and take turns.
The faces sway with the noise of a detector, and are lost every few minutes; the scores are noise
around high and low plateaus. The digests fit the options, so `cut` and `export` accept the analysis
as their own.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import store
from otio_speakerzoom.faces.detect import DETECTIONS_PER_S
from otio_speakerzoom.model import (
    Detections,
    FaceTrack,
    Media,
    Microphone,
    Person,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.pipeline import digests
from otio_speakerzoom.pipeline.job import DEFAULTS, Job
from otio_speakerzoom.pipeline.people_stage import best_embedder
from otio_speakerzoom.pipeline.reconcile import sample_sightings
from otio_speakerzoom.pipeline.session import exclusive_session, save_options
from otio_speakerzoom.weights.names import BUNDLED_SCORER

TURN_S = 6.0
"""Mean length of a turn: 1,800 in three hours."""
VISIBLE_S, LOST_S = 170.0, 4.0
"""Mean time that a face is followed, and that it is then turned away."""
FACE_PX = 190.0
"""Height of a face in 1080p with two or three people at a table."""
JITTER_PX = 0.6
"""Standard deviation of a detected edge around the head's path, as of BlazeFace at 960 pixels."""


def main() -> None:
    """Generate a film and its analysis."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--rate", type=Fraction, default=Fraction(25))
    parser.add_argument("--detect-every", type=int, default=0, metavar="FRAMES")
    arguments = parser.parse_args()
    film = make_film(arguments.folder, 3600 * arguments.hours, arguments.rate)
    generate_analysis(film, arguments.people, arguments.detect_every)
    print(film)


def make_film(folder: Path, seconds: float, rate: Fraction) -> Path:
    """Return a film in 1080p with sound: ten seconds, encoded once and repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    film = folder / "conversation.mp4"
    ffmpeg = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y")
    still = f"color=gray:size=1920x1080:rate={rate}:duration=10"
    picture = ("-i", still, "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    sound = ("-i", "sine=220:sample_rate=48000:duration=10", "-b:a", "32k")
    with tempfile.TemporaryDirectory() as temporary:
        pieces = [Path(temporary, "picture.mp4"), Path(temporary, "sound.m4a")]
        for options, piece in zip((picture, sound), pieces, strict=True):
            subprocess.run(  # nosec B603 # our own arguments
                [*ffmpeg, "-f", "lavfi", *options, str(piece)], check=True
            )
        repeated = [("-stream_loop", "-1", "-i", str(piece)) for piece in pieces]
        length = ("-c", "copy", "-t", str(seconds), str(film))
        subprocess.run(  # nosec B603 # our own arguments
            [*ffmpeg, *repeated[0], *repeated[1], *length], check=True
        )
    return film


def generate_analysis(film: Path, people: int, every: int = 0) -> Path:
    """Save a random analysis of `film` with that many people; return its work folder.

    `every` is the number of frames from one detection to the next; 0 for the default.
    """
    rng = np.random.default_rng(1)
    with exclusive_session(Job(film, options=replace(DEFAULTS, detect_every=every))) as session:
        media, within, folder = session.media, session.within, session.folder
        detections_from = digests.detections_digest(
            str(DEFAULTS.detector), every, str(DEFAULTS.tracker), within, session.media_digest
        )
        tracks_from = digests.digest("tracks", detections_from)
        voice_from = digests.voice_digest(session.audio_selection, within, session.media_digest)
        scores_from = digests.scores_digest(BUNDLED_SCORER, tracks_from, voice_from)
        is_speaking = random_turns(rng, media, people)
        step = every or max(1, round(media.rate / DETECTIONS_PER_S))
        by_person = [random_tracks(rng, media, step, n, people) for n in range(people)]
        tracks = number_tracks(by_person)
        cast = [Person(n + 1, tuple(track.id for track in own)) for n, own in enumerate(tracks)]
        flat = tuple(sorted((t for own in tracks for t in own), key=lambda track: track.id))
        store.save_detections(folder, random_detections(rng, media, step, flat), detections_from)
        store.save_tracks(folder, flat, tracks_from)
        people_from = digests.people_digests(tracks_from)[best_embedder()]
        store.save_people(folder, cast, people_from, sample_sightings(cast, flat))
        store.save_voice(folder, random_voice(rng, is_speaking), voice_from)
        scores = tuple(
            random_scores(rng, track, is_speaking[n])
            for n, own in enumerate(tracks)
            for track in own
        )
        scores = tuple(sorted(scores, key=lambda score: score.track_id))
        store.save_scores(folder, Speech(scores, 0.0), scores_from)
        save_options(session, scorer=BUNDLED_SCORER)
    return folder


def random_turns(rng: np.random.Generator, media: Media, people: int) -> NDArray[np.bool_]:
    """Return (people, frames) whether each person speaks: turns, pauses, and short interjections.

    A turn lasts three to nine seconds with a pause of .3 s, and every fourth has an "mhm".
    """
    is_speaking = np.zeros((people, media.duration), np.bool_)
    frame, speaker, rate = 0, 0, float(media.rate)
    while frame < media.duration:
        end = frame + round(rate * rng.uniform(0.5, 1.5) * TURN_S)
        is_speaking[speaker, frame : max(frame, end - round(0.3 * rate))] = True
        if people > 1:
            other = (speaker + int(rng.integers(1, people))) % people
            if rng.random() < 0.25:
                middle = (frame + end) // 2
                is_speaking[other, middle : middle + round(0.4 * rate)] = True
            speaker = other
        frame = end
    return is_speaking


def random_tracks(
    rng: np.random.Generator, media: Media, step: int, number: int, people: int
) -> list[FaceTrack]:
    """Return the tracks of person `number`, detected every `step` frames; all have id 0."""
    rate = float(media.rate)
    seat = np.array([media.size[0] * (number + 0.5) / people, 0.42 * media.size[1]])
    tracks, frame = list[FaceTrack](), 0
    while frame < media.duration - step:
        duration = round(rate * rng.exponential(VISIBLE_S)) + 5 * step
        detected = np.arange(frame, min(media.duration, frame + duration), step)
        boxes = random_boxes(rng, seat, len(detected), step / rate)
        frames = np.arange(detected[0], detected[-1] + 1)
        columns = [np.interp(frames, detected, boxes[:, n]) for n in range(4)]
        has_detection = (frames - detected[0]) % step == 0
        tracks.append(FaceTrack(0, frame, np.stack(columns, 1).astype(np.float32), has_detection))
        frame = int(-(-(frames[-1] + rate * rng.exponential(LOST_S)) // step) * step) + step
    return tracks


def random_boxes(
    rng: np.random.Generator, seat: NDArray[np.float64], count: int, interval_s: float
) -> NDArray[np.float64]:
    """Return (count, 4) boxes of a head that sways around its seat, as a detector sees it."""
    t = interval_s * np.arange(count)
    sway = [sum(a * np.sin(t / p + rng.uniform(0, 6)) for a, p in ((14, 1.7), (25, 9), (30, 70)))
            for _ in range(2)]  # fmt: skip
    centre = seat + np.stack(sway, 1) * (1, 0.4)
    half = FACE_PX / 2 * np.array([0.8, 1.0]) * (1 + 0.04 * np.sin(t / 23))[:, None]
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return boxes + rng.normal(0, JITTER_PX, boxes.shape)


def number_tracks(by_person: list[list[FaceTrack]]) -> list[list[FaceTrack]]:
    """Return the tracks with ids from 1 in order of their start."""
    starts = sorted((t.start, n, m) for n, own in enumerate(by_person) for m, t in enumerate(own))
    ids = {(n, m): id_ for id_, (_, n, m) in enumerate(starts, 1)}
    return [
        [FaceTrack(ids[n, m], t.start, t.boxes, t.has_detection) for m, t in enumerate(own)]
        for n, own in enumerate(by_person)
    ]


def random_detections(
    rng: np.random.Generator, media: Media, step: int, tracks: tuple[FaceTrack, ...]
) -> Detections:
    """Return the detections that the tracks consist of; the camera never cuts."""
    frames = np.concatenate([t.start + np.flatnonzero(t.has_detection) for t in tracks])
    boxes = np.concatenate([t.boxes[t.has_detection] for t in tracks])
    order = np.argsort(frames, kind="stable")
    confidences = rng.uniform(0.75, 0.99, len(frames)).astype(np.float32)
    return Detections(
        frames[order].astype(np.int32), boxes[order], confidences,
        np.arange(0, media.duration, step, dtype=np.int32), np.zeros(0, np.int32),
    )  # fmt: skip


def random_voice(rng: np.random.Generator, is_speaking: NDArray[np.bool_]) -> VoiceActivity:
    """Return the voice activity of turns: near 1 or near 0, with the noise of a detector."""
    level = np.where(is_speaking.any(axis=0), 4, -4) + smooth_noise(rng, is_speaking.shape[1], 1)
    probability = (1 / (1 + np.exp(-level))).astype(np.float32)
    return VoiceActivity(0, probability, (Microphone(0),))


def random_scores(
    rng: np.random.Generator, track: FaceTrack, is_speaking: NDArray[np.bool_]
) -> SpeechScores:
    """Return the scores of a track: around 3 while the person speaks, else around -4."""
    level = np.where(is_speaking[track.start : track.range.end], 3, -4)
    logits = level + smooth_noise(rng, len(level), 1.2)
    return SpeechScores(track.id, track.start, logits.astype(np.float32))


def smooth_noise(rng: np.random.Generator, count: int, deviation: float) -> NDArray[np.float64]:
    """Return noise that changes within a few frames, as a network's scores do."""
    kernel = np.hanning(9)
    kernel *= deviation / np.sqrt((kernel**2).sum())
    noise = rng.normal(size=count + len(kernel) - 1)
    return np.convolve(noise, kernel, "valid").astype(np.float64)


if __name__ == "__main__":
    main()
