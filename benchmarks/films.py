"""Films to measure on, made from a clip: of any size, number of faces, length and camera cuts.

A unit as long as the clip, or as two shots, is encoded once; the film is a whole number of units,
copied and not encoded, so three hours take seconds. The sound of a unit is stored as FLAC, whose
last packet may be short: each repetition starts exactly where the one before ends.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import imageio_ffmpeg

from otio_speakerzoom import source
from otio_speakerzoom.model import Media

FACE_SHARE = 0.4
"""Of the height of its panel: head and shoulders."""
OTHER_CAMERA = "hflip,lutyuv=y=val*0.6"
"""Mirrored alone, a picture may be too similar for a camera cut: faces only swap places."""


@dataclass(frozen=True)
class Film:
    """What a film is like; None is as in the clip."""

    size: tuple[int, int] | None = None
    """Width and height."""
    faces: int | None = None
    """Side by side, cut out of a labelled clip."""
    seconds: float | None = None
    """About how long: whole repetitions."""
    cut_every_s: float | None = None
    """After every such stretch the picture is mirrored and darker, or no longer."""
    bit_rate: str | None = None
    """Of the picture, as ffmpeg writes it, such as 20M; without one the quality is constant."""


def make_film(clip: Path, film: Film, folder: Path) -> Path:
    """Return the clip, or the film that was made from it in `folder`."""
    if film == Film():
        return clip
    media, unit = source.probe(clip), folder / "unit.mp4"
    frames = _unit_frames(media, film)
    _encode_unit(clip, media, film, frames, unit)
    times = round((film.seconds or 0) * media.rate / frames) or 1
    path = folder / "film.mp4"
    run_ffmpeg("-stream_loop", str(times - 1), "-i", str(unit), "-c", "copy", str(path))
    unit.unlink()
    return path


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg; it is installed, or the one of imageio-ffmpeg."""
    executable = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(  # nosec B603 # our own arguments
        [executable, "-v", "error", "-nostdin", "-y", *arguments], check=True
    )


def _unit_frames(media: Media, film: Film) -> int:
    """Return the length of a repetition; it is no longer than the film."""
    frames = media.duration
    if film.cut_every_s:
        frames = round(2 * Fraction(film.cut_every_s) * media.rate)
    return min(frames, round(Fraction(film.seconds) * media.rate)) if film.seconds else frames


def _encode_unit(clip: Path, media: Media, film: Film, frames: int, unit: Path) -> None:
    """Write the sound, and the picture: encoded, or copied where it stays as it is."""
    filters, seconds = _filters(clip, media, film), f"{float(frames / media.rate):.6f}"
    looped: tuple[str, ...] = ("-i", str(clip))
    picture: tuple[str, ...] = ("-map", "0:v:0", "-c:v", "copy")
    if filters or film.bit_rate or frames != media.duration:
        looped = ("-stream_loop", "-1", *looped)
        quality = ("-b:v", film.bit_rate) if film.bit_rate else ("-crf", "20")
        picture = ("-filter_complex", f"[0:v:0]{filters or 'null'}[picture]", "-map", "[picture]")
        picture += ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", *quality)
        picture += ("-frames:v", str(frames), "-r", str(media.rate))
    sound = (
        "-map",
        "0:a:0",
        "-c:a",
        "flac",
        "-af",
        f"apad=whole_dur={seconds},atrim=end={seconds}",
    )
    run_ffmpeg(*looped, *picture, *sound, str(unit))


def _filters(clip: Path, media: Media, film: Film) -> str:
    """Return the filters from the clip's picture to the film's; empty if it stays as it is."""
    width, height = film.size or media.size
    steps = []
    if film.faces:
        steps.append(_panels(clip, media, film.faces, (width, height)))
    elif film.size:
        steps.append(f"scale={width}:{height}")
    if film.cut_every_s:
        is_mirrored = f"gte(mod(t,{2 * film.cut_every_s:g}),{film.cut_every_s:g})"
        steps.append(f"split[a][b];[b]{OTHER_CAMERA}[c];[a][c]overlay=enable='{is_mirrored}'")
    return ",".join(steps)


def _panels(clip: Path, media: Media, faces: int, size: tuple[int, int]) -> str:
    """Return filters that show so many of the clip's faces side by side, each in a square."""
    labels = json.loads(clip.with_suffix(".json").read_text())["faces"]
    boxes = list({face["person"]: face["box"] for face in reversed(labels)}.values())
    width, height = size[0] // faces // 2 * 2, size[1]
    side = min(width, height) // 2 * 2
    squares = [_square(box, media.size) for box in islice(cycle(reversed(boxes)), faces)]
    panels = [
        f"[in{n}]crop={edge}:{edge}:{left}:{top},scale={side}:{side},"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:gray[panel{n}]"
        for n, (left, top, edge) in enumerate(squares)
    ]
    stack = "".join(f"[panel{n}]" for n in range(faces))
    stack += f"hstack=inputs={faces}," if faces > 1 else "null,"
    split = f"split={faces}" + "".join(f"[in{n}]" for n in range(faces))
    return ";".join([split, *panels, f"{stack}pad={size[0]}:{size[1]}"])


def _square(box: list[float], size: tuple[int, int]) -> tuple[int, int, int]:
    """Return left, top and side of the square around a face, inside the frame."""
    left, top, right, bottom = box
    side = min(int((bottom - top) / FACE_SHARE), *size) // 2 * 2
    centre = ((left + right) / 2, (top + bottom) / 2)
    x, y = (
        min(max(int(at - side / 2), 0), edge - side) for at, edge in zip(centre, size, strict=True)
    )
    return x, y, side
