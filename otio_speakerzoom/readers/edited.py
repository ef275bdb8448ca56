"""What an edited timeline says, whichever format it came in, and what all readers share.

A reader undoes its host's own units: what it gives is frames and `Reframe`. The host's transform
is the truth, because that is what an editor changes; what we noted ourselves only helps.

A reader raises ValueError, KeyError or TypeError over a file that is not what it should be;
`open.read_timeline` makes one line of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.reframe import Reframe, fit


@dataclass(frozen=True, slots=True)
class Given:
    """What a file may not say of the pictures; where it does say it, the file is believed."""

    size: tuple[int, int] | None = None
    """Of the source in pixels, as shown."""
    canvas: tuple[int, int] | None = None
    """Of the delivered picture in pixels."""
    rotation: int = 0
    """Degrees clockwise that a player must turn the stored picture."""
    dialect: str = ""
    """The host whose units the file is in; empty for what the file looks like."""


@dataclass(frozen=True, slots=True)
class MovingTo:
    """Where a moving picture is at one frame; in between, scale and position change evenly."""

    frame: int
    """Counted from the media's first frame."""
    move: Reframe


@dataclass(frozen=True, slots=True)
class EditedClip:
    """One clip of a picture track, in whole frames at the timeline's rate."""

    record: FrameRange
    """Where it lies in the programme, which starts at 0."""
    source: FrameRange | None
    """What it shows, counted from the media's first frame; None for what has no media."""
    name: str
    media: str
    """Path of the media as the file gives it; empty where there is none."""
    move: Reframe | None
    """How the picture is placed; of a moving one, at first. None where that cannot be told."""
    keys: tuple[MovingTo, ...] = ()
    """Of a moving picture; none where it stands still."""
    enabled: bool = True
    odd: str = ""
    """Why this is not just a stretch of a file, placed: a speed, a turn, an effect; or nothing."""
    subjects: tuple[int, ...] | None = None
    """Who we noted that it shows; None where no note came back."""
    size: tuple[int, int] | None = None
    """Of the media's picture, where the file says it."""
    whole: FrameRange | None = None
    """What there is of the media, counted from its first frame, where the file says it."""
    timecode: int | None = None
    """Of the media's first frame, in frames, where the file says it."""

    @property
    def media_name(self) -> str:
        return PurePosixPath(self.media.replace("\\", "/")).name

    def plays(self, name: str) -> bool:
        """Whether its media is called `name`; macOS takes accents apart, others do not."""
        return normalize("NFC", self.media_name) == normalize("NFC", name)


@dataclass(frozen=True, slots=True)
class EditedTimeline:
    """What is to be seen; sound is left aside."""

    host: str
    """Whose units were undone: resolve, premiere, fcp, shotcut, or speakerzoom for our notes."""
    name: str
    rate: Fraction
    canvas: tuple[int, int] | None
    """None where the format does not carry it, and it was not given."""
    tracks: tuple[tuple[EditedClip, ...], ...]
    """Picture tracks, the lowest first; the clips of each in order of the programme."""
    notes: tuple[str, ...] = ()
    """What else was found that no clip of ours has, a line each."""


def exact_rate(value: float) -> Fraction:
    """Return the frame rate that a rounded number means: 29.97 is 30000/1001.

    Whole rates and their 1000/1001 lie at least 0.02 apart from 20 fps on, and formats round to
    two places or better.
    """
    for whole in {round(value), round(value * 1.001)} - {0}:
        for rate in (Fraction(whole), Fraction(whole * 1000, 1001)):
            if abs(rate - Fraction(value)) < Fraction(1, 150):
                return rate
    return Fraction(value).limit_denominator(1001)


def frame_range(what: str, start: float | Fraction, duration: float | Fraction) -> FrameRange:
    """Return whole frames; raise ValueError in the name of `what` where that is no range."""
    if not (math.isfinite(start) and math.isfinite(duration)):
        raise ValueError(f"{what}: has a range that is not a number")
    if round(start) < 0 or round(duration) < 1:
        raise ValueError(f"{what}: has a range of {round(duration)} frames from {round(start)} on")
    return FrameRange(round(start), round(start) + round(duration))


def finite(value: object) -> float:
    """Return a number that was written in a file."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{str(value)[:40]} is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a number to place a picture by")
    return number


def placed(scale: float, dx: float, dy: float) -> Reframe:
    """Return a placing that shows something."""
    if not 0 < scale < 1e6:  # far past any host's limit, and crops stay numbers
        raise ValueError(f"a scale of {scale:g} shows nothing")
    return Reframe(scale, dx + 0.0, dy + 0.0)  # no -0


def media_path(reference: str) -> str:
    """Return the path that a reference names: a file URL or a path, as hosts write either.

    One that climbs with .. is refused: no editor writes one, and nothing good is behind it.
    """
    path = reference
    if reference.lower().startswith("file:"):
        parts = urlsplit(reference)
        path = unquote(parts.path)
        if parts.netloc and parts.netloc.lower() != "localhost":
            path = f"//{unquote(parts.netloc)}{path}"
        if len(path) > 2 and path[0] == "/" and path[2] == ":":  # /C:/... of a Windows drive
            path = path[1:]
    if ".." in path.replace("\\", "/").split("/") or "\0" in path:
        raise ValueError(f"the media reference {reference[:200]} climbs out of its folder")
    return path


Keyed = Mapping[str, Sequence[tuple[int, float]]]
"""Name of a parameter -> its keys: (frame, value), rising; a single one where it stands still."""


def moving(keyed: Keyed, move_of: Callable[[Mapping[str, float]], Reframe]) -> tuple[MovingTo, ...]:
    """Return the keys of the whole move: one wherever any parameter has one.

    None where nothing changes. Between its keys a parameter changes evenly, outside it stands.
    """
    frames = sorted({frame for keys in keyed.values() if len(keys) > 1 for frame, _ in keys})
    path = tuple(
        MovingTo(frame, move_of({name: _at(keys, frame) for name, keys in keyed.items()}))
        for frame in frames
    )
    return path if len({key.move for key in path}) > 1 else ()


def _at(keys: Sequence[tuple[int, float]], frame: int) -> float:
    """The value at `frame`."""
    before = max((key for key in keys if key[0] <= frame), default=keys[0])
    after = min((key for key in keys if key[0] > frame), default=before)
    if frame < before[0] or after[0] == before[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (frame - before[0]) / (after[0] - before[0])


def unplaced(size: tuple[int, int] | None, canvas: tuple[int, int] | None) -> Reframe | None:
    """Return where a host that fits pictures puts one that nobody moved."""
    return Reframe(fit(size, canvas), 0.0, 0.0) if size and canvas else None
