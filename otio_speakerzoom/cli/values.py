"""Values of the command line and how they are parsed: files, times, sizes, style values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.director.style import STYLE_FIELDS
from otio_speakerzoom.director.style_fields import NumberField
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.model import Media
from otio_speakerzoom.timeline.canvas_size import aspect_size, source_size

T = TypeVar("T")

MIN_SIDE_PX, MAX_SIDE_PX = 16, 16384
"""Of a canvas: H.264 codes blocks of 16 pixels, and none of its encoders takes more than 16384."""
MAX_ASPECT = 10
"""A canvas longer than 10:1 is a typing error."""

FILM_SUFFIXES = (".mp4", ".mov", ".mkv")
FILM_ENCODERS = ("auto", "x264", "nvenc", "videotoolbox", "qsv", "vaapi")
"""Names of `render.encoders.ENCODERS`, which loads libav."""


@dataclass(frozen=True, slots=True)
class Input:
    """An argument that names a file to read; cli/files.py checks that it exists.

    Every argument that names a file or a folder is an Input, an Output or a Folder, so that no
    input can be overwritten: cli/files.py compares each output with each input.
    """

    what: str
    """What the file is, with its article: "a recording"."""
    folder: str = ""
    """Suffix of a folder that counts as a file: .fcpxmld."""
    names: tuple[str, ...] = ()
    """Names allowed instead of a file."""
    folders: bool = False
    """Whether a folder may stand for the files in it."""

    def __call__(self, text: str) -> Path:
        """Return the path."""
        return Path(text)


@dataclass(frozen=True, slots=True)
class InputOrUrl(Input):
    """An argument that names a file to read, or with `--ray` may be the URL of one."""

    def __call__(self, text: str) -> Path | RecordingUrl:  # type: ignore[override]
        """Return the path, or the URL."""
        return RecordingUrl(text) if "://" in text else Path(text)


@dataclass(frozen=True, slots=True)
class Output:
    """An argument that names a file to write, whole or not at all."""

    suffixes: tuple[str, ...]
    stdout: bool = False
    """Whether - is stdout."""

    def __call__(self, text: str) -> Path:
        """Return the path; ArgumentTypeError if we cannot write its suffix."""
        if not (text == "-" and self.stdout) and Path(text).suffix not in self.suffixes:
            raise argparse.ArgumentTypeError(
                f"{text}: the name must end in {_join_or(self.suffixes)}"
            )
        return Path(text)


@dataclass(frozen=True, slots=True)
class Folder:
    """An argument that names a folder to write to, which may not exist yet."""

    def __call__(self, text: str) -> Path:
        """Return the path."""
        return Path(text)


def _join_or(words: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def media_root(text: str) -> tuple[str, str]:
    """Return a folder here, and its name where the timeline will be opened."""
    old, equals, new = text.partition("=")
    if not (equals and old and new):
        raise argparse.ArgumentTypeError(
            f"{text}: give two folders, as in /here/media=/there/media"
        )
    return old, new


def number(text: str) -> int:
    """Return a number that counts from 1."""
    if not re.fullmatch(r"[1-9]\d?", text):
        raise argparse.ArgumentTypeError(f"{text}: count from 1")
    return int(text)


def shot_number(text: str) -> int:
    """Return the number of a shot, from 1."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text}: count from 1")
    return int(text)


def port(text: str) -> int:
    """Return the number of a port that every user may use."""
    if not re.fullmatch(r"\d{4,5}", text) or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: a port is a number from 1024 to 65535")
    return int(text)


def number_or_auto(text: str) -> int:
    """Return a number that counts from 1; 0 for auto."""
    return 0 if text == "auto" else number(text)


def channels(text: str) -> str | int:
    """Return which audio channels to analyze: auto, mix, or the number of one, from 1."""
    if text in ("auto", "mix"):
        return text
    sides = {"left": 1, "right": 2}
    if text not in sides and not re.fullmatch(r"[1-9]\d?", text):
        raise argparse.ArgumentTypeError(
            f"{text}: channels are auto, mix, left, right or 1, 2, ..."
        )
    return sides.get(text) or int(text)


FORMS = {"s": ("s", "seconds, 2 or 2s"), "share": ("%", "a share, 0.12 or 12%")}
"""By the unit of a style value: its optional suffix on the command line, and how to write it."""


def style_value(name: str) -> Callable[[str], float]:
    """Return the parser of a style value, in its own unit and range: 2 or 2s, 0.12 or 12%."""
    field = STYLE_FIELDS[name]
    assert isinstance(field, NumberField)
    suffix, form = FORMS.get(field.unit, ("", "a number"))

    def parse(text: str) -> float:
        if not (match := re.fullmatch(rf"(-?\d{{1,9}}(?:\.\d{{1,9}})?)({suffix})?", text)):
            raise argparse.ArgumentTypeError(f"{text}: give {form}; {field.range_text}")
        value = float(match[1]) / (100 if match[2] == "%" else 1)
        if fault := field.fault(value):
            raise argparse.ArgumentTypeError(f"{text}: {fault}")
        return value

    return parse


def style_flag(name: str) -> str:
    """Return the flag of a style value: min_shot_seconds is --min-shot."""
    special = {"face_heights": "tightness"}
    return "--" + special.get(name, name.removesuffix("_seconds")).replace("_", "-")


def time(text: str) -> Callable[[Media], int]:
    """Parse a time; return a function that gives its frame in a source, by the source's rate.

    It can be pickled, for the processes of `batch`.
    """
    if match := re.fullmatch(r"(\d{1,9})f", text):
        return partial(_same_in_every_source, int(match[1]))
    if match := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)s", text):
        return partial(_second_frame, Fraction(match[1]))
    if match := re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d)[:;](\d\d)", text):
        return partial(_timecode_frame, [int(part) for part in match.groups()])
    raise argparse.ArgumentTypeError(f"{text}: a time is 1.5s, 45f or 00:00:01:12")


def _same_in_every_source(value: T, media: Media) -> T:
    return value


def _second_frame(seconds: Fraction, media: Media) -> int:
    return round(seconds * media.rate)


def _timecode_frame(parts: list[int], media: Media) -> int:
    """Return the source frame of a timecode, counted from the file's own timecode if it has one."""
    from otio_speakerzoom.timecode import timecode_to_frame

    hours, minutes, seconds, frames = parts
    if frames >= round(media.rate):
        raise SpeakerZoomError(
            f"{media.path}: has {round(media.rate)} frames a second, so a timecode ends in "
            f"{round(media.rate) - 1} at most, not {frames}; correct the time"
        )
    frame = timecode_to_frame(hours, minutes, seconds, frames, media.rate, drop=media.drop_frame)
    return frame - media.start


def size(text: str) -> tuple[int, int]:
    """Return a width and a height in pixels."""
    if not re.fullmatch(r"[1-9]\d{1,4}x[1-9]\d{1,4}", text):
        raise argparse.ArgumentTypeError(f"{text}: a size is 1920x1080")
    width, height = map(int, text.split("x"))
    return width, height


def height(text: str) -> int:
    """Return the height of a film in pixels, even."""
    if not re.fullmatch(r"\d{2,5}", text) or not MIN_SIDE_PX <= int(text) <= MAX_SIDE_PX:
        raise argparse.ArgumentTypeError(
            f"{text}: the height must be {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels"
        )
    if int(text) % 2:
        raise argparse.ArgumentTypeError(f"{text}: the height must be even")
    return int(text)


def canvas(text: str) -> Callable[[Media], tuple[int, int]]:
    """Parse a canvas; return a function that gives its size for a source, always even.

    It can be pickled, for the processes of `batch`.
    """
    if text == "source":
        return source_size
    if match := re.fullmatch(r"(\d{2,5})x(\d{2,5})", text):
        width, height = int(match[1]), int(match[2])
        if not all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in (width, height)):
            raise argparse.ArgumentTypeError(
                f"{text}: width and height must be {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels"
            )
        if width % 2 or height % 2:
            raise argparse.ArgumentTypeError(f"{text}: width and height must be even")
        return partial(_same_in_every_source, (width, height))
    if match := re.fullmatch(r"([1-9]\d{0,4}):([1-9]\d{0,4})", text):
        ratio = Fraction(int(match[1]), int(match[2]))
        if not 1 / MAX_ASPECT <= ratio <= MAX_ASPECT:
            raise argparse.ArgumentTypeError(
                f"{text}: one side is over {MAX_ASPECT} times the other"
            )
        return partial(aspect_size, ratio)
    raise argparse.ArgumentTypeError(f"{text}: a canvas is 1920x1080, 9:16, 1:1 or source")
