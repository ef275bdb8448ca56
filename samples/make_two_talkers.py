"""Make two_talkers.mp4, two animated portraits that take turns counting, and its labels.

A demonstration needs material that belongs to nobody. Two public-domain portraits come inside
Python packages (scikit-image, matplotlib) and espeak-ng speaks the numbers. The speaker's mouth
opens as far as each sound needs, a moment ahead of it, as lips do.
Needs the `samples` extra; run as `python samples/make_two_talkers.py`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from portraits import film_frames
from scipy.io import wavfile
from talkers import (
    FPS,
    HEIGHT,
    PANEL_LEFTS,
    PANEL_TOP,
    PEOPLE,
    SAMPLE_RATE,
    SECONDS,
    TURNS,
    WIDTH,
    Person,
)
from voices import at_level, mix, opening, speak, track

HERE = Path(__file__).parent
NAME = "two_talkers"

EDGE_S = 0.5  # a cut may fall this far from the start or end of a turn without being wrong
HOLD_S = 1.0  # after the last word the shot may stay on its speaker this long
NOTES = (
    "Animated photographs with a synthetic voice. Times in must_cut leave half a second on each "
    "side out of judgement, and a silence one more for the hold on the last speaker. 'A or B': "
    "either of them, or the wide picture, which holds both. Elsewhere anything may be shown."
)


def main() -> None:
    """Write the film and its labels beside this script."""
    spoken = list(speak(TURNS))
    voices = [at_level(voice) for voice, _ in spoken]
    tracks = {p.label: track(p.label, voices) for p in PEOPLE}
    frames = film_frames({p.label: opening(p.label, spoken) for p in PEOPLE})
    video = HERE / f"{NAME}.mp4"
    encode(frames, mix(tracks), video)
    labels = HERE / f"{NAME}.json"
    labels.write_text(json.dumps(ground_truth(voices), indent=1) + "\n", encoding="utf-8")
    for path in (video, labels):
        print(f"{path.name}: {path.stat().st_size / 1e6:.3f} MB")


def encode(frames: Iterable[NDArray[np.uint8]], audio: NDArray[np.int16], path: Path) -> None:
    """Write H.264 and AAC to `path`."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "audio.wav"
        wavfile.write(wav, SAMPLE_RATE, audio)
        command = ffmpeg_command(wav, path)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            with contextlib.suppress(BrokenPipeError):  # ffmpeg reports why it stopped
                for frame in frames:
                    process.stdin.write(frame.tobytes())
                process.stdin.close()
            message = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise RuntimeError(f"{path.name}: ffmpeg failed: {message}")


def ffmpeg_command(wav: Path, path: Path) -> list[str]:
    """Return the command that encodes raw frames from standard input and audio from `wav`.

    One thread and no version tags, so that the bytes repeat; BT.709, converted and tagged.
    """
    colour = "bt709"
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS),
        "-i", "-", "-i", str(wav),
        "-vf", f"scale=out_color_matrix={colour}:out_range=tv", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "slow", "-crf", "24", "-threads", "1",
        "-colorspace", colour, "-color_primaries", colour, "-color_trc", colour,
        "-c:a", "aac", "-b:a", "96k",
        "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
        "-movflags", "+faststart", str(path),
    ]  # fmt: skip


def ground_truth(voices: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Return who is visible where, who speaks when, and what a cut has to show."""
    speech = [
        {
            "person": turn.label,
            "from_s": turn.start_s,
            "to_s": round(turn.start_s + len(voice) / SAMPLE_RATE, 2),
        }
        for turn, voice in zip(TURNS, voices, strict=True)
    ]
    return {
        "file": f"{NAME}.mp4",
        "rate": [FPS, 1],
        "width": WIDTH,
        "height": HEIGHT,
        "people": {p.label: {"name": p.name, "source": p.source} for p in PEOPLE},
        "faces": [
            {"person": p.label, "from_s": 0.0, "to_s": SECONDS, "box": face_box(i, p)}
            for i, p in enumerate(PEOPLE)
        ],
        "speech": speech,
        "cuts_s": [],
        "must_cut": must_cut(speech),
        "notes": NOTES,
    }


def must_cut(speech: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what has to be on screen when, transitions left out.

    Between the first word and the last, whoever speaks alone is shown, an overlap leaves the
    choice, and a silence is wide after a hold; what is too short to judge is left out.
    """
    edges = sorted({float(s[side]) for s in speech for side in ("from_s", "to_s")})
    out: list[dict[str, Any]] = []
    for start, end in itertools.pairwise(edges):
        speakers = [s["person"] for s in speech if s["from_s"] <= start and end <= s["to_s"]]
        first = start + EDGE_S + (0.0 if speakers else HOLD_S)
        if end - EDGE_S > first:
            show = " or ".join(sorted(speakers)) or "wide"
            out.append({"from_s": round(first, 2), "to_s": round(end - EDGE_S, 2), "show": show})
    return out


def face_box(seat_number: int, person: Person) -> list[int]:
    """Return left, top, right, bottom of a face in the picture, in pixels."""
    left, top, right, bottom = person.face
    panel_left = PANEL_LEFTS[seat_number]
    across = [round(panel_left + (x - person.left) * person.scale) for x in (left, right)]
    along = [round(PANEL_TOP + y * person.scale) for y in (top, bottom)]
    return [across[0], along[0], across[1], along[1]]


if __name__ == "__main__":
    main()
