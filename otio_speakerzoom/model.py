"""The nouns: every record that passes from one stage to the next.

Time    whole frames of the source, counted from 0 at `Media.rate`; ranges are half-open.
Space   source pixels, x right and y down, measured on the picture as shown (square, upright).
Scores  calibrated log odds: above 0 leans to speaking, below 0 to silent.

Records are frozen and check themselves when made. An array's shape and unit stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""What a stage calls as it goes: how much is done, of how much (frames, or bytes)."""


def no_progress(done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `start` up to but not including `end`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"need 0 <= start < end, got {self.start} and {self.end}")

    @property
    def duration(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in source pixels, from `left, top` to `right, bottom`."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class AudioStream:
    """What must be known of one audio stream of the source."""

    rate: int
    """Samples per second, as stored (48000)."""
    channels: int
    delay: Fraction
    """Seconds from the first picture to the first sample; negative where sound starts earlier."""
    index: int = 1
    """Its number among all streams of the file, pictures too, from 0."""
    varies: bool = False
    """Whether its rate or its channels change in the middle of the file."""


@dataclass(frozen=True, slots=True)
class Microphone:
    """One mono signal in the source: a channel of an audio stream, or all of its channels mixed."""

    stream: int
    """Number of the stream, from 0."""
    channel: int | None = None
    """Number of the channel, from 0; None for all of them mixed."""

    @property
    def label(self) -> str:
        """What people call it, who count from 1."""
        channel = "all channels" if self.channel is None else f"channel {self.channel + 1}"
        return f"stream {self.stream + 1}, {channel}"


@dataclass(frozen=True, slots=True)
class AudioSelection:
    """What the user wants to be listened to; numbers count from 1, as editors count."""

    stream: int | None = None
    """The audio stream; None for all of them, or the first where one must be chosen."""
    channel: int | None = None
    mixed: bool = False
    """Whether to mix the channels, whatever they are."""


@dataclass(frozen=True, slots=True)
class Media:
    """What a source file is, as far as cutting it needs to know."""

    path: Path
    """Absolute."""
    rate: Fraction
    """Frames per second, exact: 30000/1001, never 29.97."""
    duration: int
    """Length in frames."""
    size: tuple[int, int]
    """Width and height in pixels, as shown (rotation applied)."""
    start: int = 0
    """Timecode of the first frame, in frames; 0 where the file carries none."""
    drop_frame: bool = False
    """Whether that timecode is written with dropped labels (29.97 and 59.94 only)."""
    rotation: int = 0
    """Degrees clockwise that a player must turn the stored picture: 0, 90, 180 or 270."""
    variable_rate: bool = False
    """Whether the file's own time stamps are uneven; it is then read onto `rate`."""
    video_offset: Fraction = Fraction(0)
    """Seconds from the start of the container to the first picture; never negative."""
    audio_streams: tuple[AudioStream, ...] = ()
    """Its audio streams that can be decoded and hold something, in the file's order."""
    picture: int = 0
    """Number of the stream that is the film among all streams of the file, from 0."""
    fields: str = "progressive"
    """progressive, or which field of an interlaced picture comes first: top or bottom."""
    colour: tuple[int, int, int] = (1, 1, 1)
    """Primaries, transfer and matrix by the numbers of ITU-T H.273; 1 is Rec. 709, which is taken
    for whatever the file leaves out."""
    size_varies: bool = False
    """Whether the picture's size changes in the middle of the file; `size` is the first one."""
    stamped: bool = True
    """Whether the file stamps each picture with its time. Where it does not (AVI with B-frames),
    the n-th picture that is decoded is frame n."""
    warnings: tuple[str, ...] = ()
    """What its user should know before a cut is made of it, a sentence each."""

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.duration < 1 or min(self.size) < 1:
            raise ValueError(f"not a picture: {self.rate} fps, {self.duration} frames, {self.size}")
        if self.fields not in ("progressive", "top", "bottom"):
            raise ValueError(f"fields are progressive, top or bottom, not {self.fields!r}")

    @property
    def range(self) -> FrameRange:
        return FrameRange(0, self.duration)

    @property
    def first_audio(self) -> AudioStream | None:
        """The first audio stream, which goes into the timeline; None where there is none."""
        return self.audio_streams[0] if self.audio_streams else None

    @property
    def transfer(self) -> str:
        """How light is coded: pq (ST 2084), hlg (ARIB STD-B67), or sdr for everything else."""
        return {16: "pq", 18: "hlg"}.get(self.colour[1], "sdr")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Every face the detector saw, frame after frame, in columns of equal length N."""

    frames: NDArray[np.int32]
    """(N,) source frame of each face, never falling."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in source pixels."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1, as the detector gives it."""
    detected_frames: NDArray[np.int32]
    """(L,) source frames whose faces are known, rising: looked at by the detector, or followed."""
    camera_cuts: NDArray[np.int32]
    """(C,) first frame after each hard cut of the source itself, rising."""

    def __post_init__(self) -> None:
        n = len(self.frames)
        if self.boxes.shape != (n, 4) or self.confidences.shape != (n,):
            raise ValueError(
                f"need ({n}, 4) boxes and ({n},) confidences, "
                f"got {self.boxes.shape} and {self.confidences.shape}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One face followed through consecutive frames (a track in vision, not in an NLE)."""

    id: int
    start: int
    """Source frame of the first box."""
    boxes: NDArray[np.float32]
    """(T, 4) left, top, right, bottom in source pixels; row t is frame `start + t`."""
    seen: NDArray[np.bool_]
    """(T,) False where no detection lies behind the box, which is then interpolated."""

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or not len(self.boxes):
            raise ValueError(f"boxes must be (T, 4) with T > 0, got {self.boxes.shape}")
        if self.seen.shape != self.boxes.shape[:1]:
            raise ValueError(f"seen must be ({len(self.boxes)},), got {self.seen.shape}")

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.start, self.start + len(self.boxes))


@dataclass(frozen=True, slots=True)
class Person:
    """The tracks that belong to one participant; the name is for the editor to give."""

    id: int
    track_ids: tuple[int, ...]
    name: str = ""

    @property
    def label(self) -> str:
        return self.name or f"Person {self.id}"


@dataclass(frozen=True, slots=True, eq=False)
class SpeechScores:
    """How much the face of one track looks and sounds like the one speaking."""

    track_id: int
    start: int
    """Source frame of the first score."""
    logits: NDArray[np.float32]
    """(T,) calibrated log odds, one per frame of the track, at `Media.rate`: sigmoid(logit) is the
    probability that this face speaks in this frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What was found of all faces' speech."""

    scores: tuple[SpeechScores, ...]
    """One for each track."""
    late: float | None = None
    """Seconds by which the sound comes after the lips, as measured; None where too little of either
    was there to tell. Negative where the sound comes first."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceActivity:
    """Whether anybody is heard, seen or not: what tells silence from a voice off screen."""

    start: int
    """Source frame of the first value."""
    probability: NDArray[np.float32]
    """(T,) 0 to 1, one per frame, at `Media.rate`."""
    microphones: tuple[Microphone, ...]
    """What was listened to; each face is scored with each of them."""


@dataclass(frozen=True, slots=True)
class CropKey:
    """Where a moving crop is at one frame; between two keys scale and position change evenly."""

    frame: int
    """Of the source."""
    crop: Box


@dataclass(frozen=True, slots=True)
class CoverKey:
    """Where a moving cover is at one frame; between two keys its edges change evenly."""

    frame: int
    """Of the source."""
    box: Box


@dataclass(frozen=True, slots=True)
class Cover:
    """Where somebody else's face is made unrecognisable in the film; no timeline can say so."""

    box: Box
    """What is covered; of a moving cover, first. It may reach out of the picture."""
    how: str
    """blur or dim"""
    keys: tuple[CoverKey, ...] = ()
    """Of a cover that moves: it is there from its first key's frame to its last one's, both
    included. Without keys it stands still for the whole shot."""

    def __post_init__(self) -> None:
        if self.how not in ("blur", "dim"):
            raise ValueError(f"a cover is blur or dim, not {self.how!r}")
        frames = [key.frame for key in self.keys]
        if frames and (sorted(set(frames)) != frames or self.keys[0].box != self.box):
            raise ValueError("the keys of a cover must rise, and the first must be its box")


@dataclass(frozen=True, slots=True)
class Shot:
    """One stretch of the source, framed one way."""

    range: FrameRange
    subjects: tuple[int, ...]
    """Ids of the people framed: none for the wide, one for a single, two for a two-shot."""
    crop: Box
    """What is shown; of a moving crop, what is shown first."""
    reason: str = ""
    """Why the shot is there, in an editor's words."""
    confidence: float = 1.0
    """0 to 1, how sure the director is of it."""
    keys: tuple[CropKey, ...] = ()
    """Of a moving crop, from the shot's first frame on; none where it stands still."""
    locked: bool = False
    """Whether the editor, not the director, decided it."""
    covers: tuple[Cover, ...] = ()
    """Of other faces that no framing keeps out, where the style hides them."""

    def __post_init__(self) -> None:
        if len(set(self.subjects)) != len(self.subjects) or len(self.subjects) > 2:
            raise ValueError(f"a shot frames two people at most, got {self.subjects}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence lies between 0 and 1, got {self.confidence}")
        frames = [key.frame for key in self.keys]
        if frames and (
            sorted(set(frames)) != frames
            or frames[0] != self.range.start
            or frames[-1] >= self.range.end
            or self.keys[0].crop != self.crop
        ):
            raise ValueError(
                f"the keys of the shot at frame {self.range.start} must rise from its start and "
                "its crop, and lie in it"
            )
        for cover in self.covers:
            if any(not self.range.start <= key.frame < self.range.end for key in cover.keys):
                raise ValueError(
                    f"the covers of the shot at frame {self.range.start} must lie in it"
                )

    @property
    def kind(self) -> str:
        return ("wide", "single", "two-shot")[len(self.subjects)]


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a person was seen: what their number means, whoever counts them anew."""

    person: int
    """Id of the person."""
    frame: int
    """Of the source."""
    box: Box
    """Of the face."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What the editor decided: from here to here, show this."""

    range: FrameRange
    subjects: tuple[int, ...]
    """As in `Shot`."""
    crop: Box | None = None
    """None where the director may frame it."""
    seen: tuple[Sighting, ...] = ()
    """Of the subjects, as they were when the lock was written; none where it does not say."""


@dataclass(frozen=True, slots=True)
class CutList:
    """The edit: shots that follow one another and cover a range of the source exactly once."""

    media: Media
    canvas: tuple[int, int]
    """Width and height of the delivered picture, in pixels."""
    shots: tuple[Shot, ...]
    people: tuple[Person, ...] = ()
    angles: tuple[Shot, ...] = ()
    """The same stretches framed otherwise, to choose from in an editor: the wide over everything,
    and each person wherever they are seen. None unless they were asked for."""

    def __post_init__(self) -> None:
        if not self.shots:
            raise ValueError("a cut list needs at least one shot")
        for before, after in pairwise(self.shots):
            if before.range.end != after.range.start:
                raise ValueError(
                    f"shots must follow one another: one ends at frame {before.range.end}, "
                    f"the next starts at {after.range.start}"
                )
        if self.shots[-1].range.end > self.media.duration:
            raise ValueError(
                f"the last shot ends at frame {self.shots[-1].range.end}, "
                f"the source at {self.media.duration}"
            )
        known = {person.id for person in self.people}
        if len(known) != len(self.people):
            raise ValueError("two people have one id")
        for shot in (*self.shots, *self.angles):
            if not known.issuperset(shot.subjects):
                raise ValueError(f"the shot at frame {shot.range.start} shows an unknown person")
            if not all(
                is_inside(c, self.media.size) for c in (shot.crop, *(k.crop for k in shot.keys))
            ):
                raise ValueError(
                    f"the crop of the shot at frame {shot.range.start} is not inside the picture"
                )
        for angle in self.angles:
            if angle.range.start < self.range.start or angle.range.end > self.range.end:
                raise ValueError(f"the angle at frame {angle.range.start} lies outside the cut")

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.shots[0].range.start, self.shots[-1].range.end)

    def names(self, shot: Shot) -> str:
        """Return who is framed, as an editor would call the picture."""
        labels = {person.id: person.label for person in self.people}
        return " + ".join(labels[id_] for id_ in shot.subjects) or "Wide"


def is_inside(crop: Box, size: tuple[int, int]) -> bool:
    """Whether `crop` has an area and lies in a picture of `size`; NaN never does.

    A thousandth of a pixel of slack, because a crop computed in floats may touch the border.
    """
    return (
        -1e-3 <= crop.left < crop.right <= size[0] + 1e-3
        and -1e-3 <= crop.top < crop.bottom <= size[1] + 1e-3
    )
