"""The vocabulary: every record that passes from one stage to the next.

Time    source frame numbers, from 0, at `Media.rate` frames per second; ranges are half-open.
Space   source pixels, x right and y down, in the frame as players show it: upright, square pixels.
Scores  calibrated log odds: above 0 means speaking, below 0 silent.

Records are frozen and validate themselves on creation. Each array documents its shape and unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""A stage calls it with the amount done and the total (frames or bytes)."""


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames from `start` up to, but not including, `end`."""

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

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    @classmethod
    def from_edges(cls, edges: Iterable[float]) -> Self:
        """Return the box with these left, top, right and bottom edges, as Python floats."""
        return cls(*map(float, edges))

    def lies_in(self, other: Box) -> bool:
        """Whether no edge lies outside `other`, but for a thousandth of a pixel."""
        return (
            other.left - 1e-3 <= self.left
            and other.top - 1e-3 <= self.top
            and self.right <= other.right + 1e-3
            and self.bottom <= other.bottom + 1e-3
        )

    def is_inside(self, size: tuple[int, int]) -> bool:
        """Whether the box has an area and lies in a frame of `size`; NaN never does.

        A thousandth of a pixel of slack, because a crop computed in floats may touch the border.
        """
        return (
            -1e-3 <= self.left < self.right <= size[0] + 1e-3
            and -1e-3 <= self.top < self.bottom <= size[1] + 1e-3
        )


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One audio stream of the source."""

    rate: int
    """Samples per second, as stored (48000)."""
    channels: int
    delay: Fraction
    """Seconds from the first frame to the first sample; negative if the audio starts earlier."""
    index: int = 1
    """Index among all streams of the file, video included, from 0."""
    varies: bool = False
    """Whether its sample rate or channels change in the middle of the file."""


@dataclass(frozen=True, slots=True)
class Microphone:
    """One mono signal in the source: a channel of an audio stream, or a mix of all its channels."""

    stream: int
    """Index of the audio stream, from 0."""
    channel: int | None = None
    """Index of the channel, from 0; None for a mix of all channels."""

    @property
    def label(self) -> str:
        """Its name for users; numbers count from 1."""
        channel = "all channels" if self.channel is None else f"channel {self.channel + 1}"
        return f"stream {self.stream + 1}, {channel}"


@dataclass(frozen=True, slots=True)
class AudioSelection:
    """Which audio to analyze, as the user selects it; numbers count from 1."""

    stream: int | None = None
    """The audio stream; None for all, or for the first where only one can be used."""
    channel: int | None = None
    mixed: bool = False
    """Whether to mix all channels into one."""


@dataclass(frozen=True, slots=True)
class Media:
    """The properties of a source file that a cut depends on."""

    path: Path
    """Absolute."""
    rate: Fraction
    """Frames per second, exact: 30000/1001, never 29.97."""
    duration: int
    """Length in frames."""
    size: tuple[int, int]
    """Width and height in pixels, as shown (rotation applied)."""
    start: int = 0
    """Timecode of the first frame, in frames; 0 if the file has no timecode."""
    drop_frame: bool = False
    """Whether that timecode is drop-frame (29.97 and 59.94 only)."""
    rotation: int = 0
    """Degrees clockwise that a player must turn the stored frame: 0, 90, 180 or 270."""
    variable_rate: bool = False
    """Whether the file's timestamps are uneven; its frames are then conformed to `rate`."""
    video_offset: Fraction = Fraction(0)
    """Seconds from the start of the container to the first frame; never negative."""
    audio_streams: tuple[AudioStream, ...] = ()
    """The audio streams that can be decoded and are not empty, in the file's order."""
    video_stream: int = 0
    """Index of the video stream among all streams of the file, from 0."""
    field_order: str = "progressive"
    """progressive, or which field of an interlaced frame comes first: top or bottom."""
    colour: tuple[int, int, int] = (1, 1, 1)
    """Primaries, transfer and matrix by the numbers of ITU-T H.273; 1, Rec. 709, is the default for
    each that the file does not state."""
    size_varies: bool = False
    """Whether the frame size changes in the middle of the file; `size` is the first one."""
    has_timestamps: bool = True
    """Whether every frame has a timestamp. If not (AVI with B-frames), the n-th decoded frame is
    frame n."""
    warnings: tuple[str, ...] = ()
    """What the user should know before cutting this source, one sentence each."""

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.duration < 1 or min(self.size) < 1:
            raise ValueError(f"not a video: {self.rate} fps, {self.duration} frames, {self.size}")
        if self.field_order not in ("progressive", "top", "bottom"):
            raise ValueError(f"fields are progressive, top or bottom, not {self.field_order!r}")

    @property
    def range(self) -> FrameRange:
        return FrameRange(0, self.duration)

    @property
    def first_audio(self) -> AudioStream | None:
        """The first audio stream; None for a silent file."""
        return self.audio_streams[0] if self.audio_streams else None

    @property
    def transfer(self) -> str:
        """The transfer function: pq (ST 2084), hlg (ARIB STD-B67), or sdr for everything else."""
        return {16: "pq", 18: "hlg"}.get(self.colour[1], "sdr")


@dataclass(frozen=True, slots=True, eq=False)
class FrameFaces:
    """The faces in one frame that the detector, or a visual tracker, has processed."""

    frame: int
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in source pixels."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1, as the detector gives it."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Every detected face, ordered by frame, in columns of equal length N."""

    frames: NDArray[np.int32]
    """(N,) source frame of each face, in ascending order."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in source pixels."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1, as the detector gives it."""
    detected_frames: NDArray[np.int32]
    """(L,) source frames processed by the detector or by a visual tracker, in ascending order."""
    camera_cuts: NDArray[np.int32]
    """(C,) first frame after each hard cut in the source itself, in ascending order."""

    def __post_init__(self) -> None:
        n = len(self.frames)
        if self.boxes.shape != (n, 4) or self.confidences.shape != (n,):
            raise ValueError(
                f"need ({n}, 4) boxes and ({n},) confidences, "
                f"got {self.boxes.shape} and {self.confidences.shape}"
            )


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the frame that holds a picture of its own: of a split screen, or an inset."""

    range: FrameRange
    """The camera shot in which it stands."""
    box: Box
    """In source pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackGrowth:
    """Boxes added at the end of a track under construction; they will not change."""

    key: int
    """Number of the track under construction; not the id of a `FaceTrack`."""
    start: int
    """Source frame of the first of these boxes."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in source pixels; N is 0 if only the end is new."""
    has_detection: NDArray[np.bool_]
    """(N,) True where the box is a detection, False where it is interpolated."""
    ended: bool
    """Whether no more boxes will follow."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One face in consecutive frames (a track as in computer vision, not as in an NLE)."""

    id: int
    start: int
    """Source frame of the first box."""
    boxes: NDArray[np.float32]
    """(T, 4) left, top, right, bottom in source pixels; row t is frame `start + t`."""
    has_detection: NDArray[np.bool_]
    """(T,) True where the box is a detection, False where it is interpolated."""

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or not len(self.boxes):
            raise ValueError(f"boxes must be (T, 4) with T > 0, got {self.boxes.shape}")
        if self.has_detection.shape != self.boxes.shape[:1]:
            raise ValueError(
                f"has_detection must be ({len(self.boxes)},), got {self.has_detection.shape}"
            )

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.start, self.start + len(self.boxes))


@dataclass(frozen=True, slots=True)
class Person:
    """A participant and their face tracks; the editor may name, ignore or prefer them."""

    id: int
    track_ids: tuple[int, ...]
    name: str = ""
    ignore: bool = False
    """Whether they never get a single, and their speech counts as a voice off screen."""
    prefer: bool = False
    """Whether they win overlaps and ties, as a host does."""

    def __post_init__(self) -> None:
        if self.ignore and self.prefer:
            raise ValueError(f"person {self.id} is to be ignored and preferred; choose one")

    @property
    def label(self) -> str:
        return self.name or f"Person {self.id}"


@dataclass(frozen=True, slots=True, eq=False)
class SpeechScores:
    """The active-speaker scores of one face track."""

    track_id: int
    start: int
    """Source frame of the first score."""
    logits: NDArray[np.float32]
    """(T,) calibrated log odds, one per frame of the track: sigmoid(logit) is the probability that
    this person speaks in this frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """The active-speaker scores of all face tracks, and the A/V sync of the source."""

    scores: tuple[SpeechScores, ...]
    """One per track."""
    av_offset_s: float | None = None
    """Seconds by which the audio lags behind the lips, negative if it leads; None if there was too
    little speech on screen to measure it."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceActivity:
    """Whether anybody speaks, on screen or off, as heard in the audio."""

    start: int
    """Source frame of the first value."""
    probability: NDArray[np.float32]
    """(T,) 0 to 1, one per frame."""
    microphones: tuple[Microphone, ...]
    """The analyzed signals; each face is scored against each of them."""


@dataclass(frozen=True, slots=True)
class CropKey:
    """Keyframe of a moving crop; scale and position are linear between two keyframes."""

    frame: int
    """Source frame."""
    crop: Box


@dataclass(frozen=True, slots=True)
class CoverKey:
    """Keyframe of a moving cover; its edges are linear between two keyframes."""

    frame: int
    """Source frame."""
    box: Box


@dataclass(frozen=True, slots=True)
class Cover:
    """Hides another person's face in a rendered film; timelines do not carry it."""

    box: Box
    """The covered area; the first one if the cover moves. It may reach outside the frame."""
    effect: str
    """blur or dim"""
    keys: tuple[CoverKey, ...] = ()
    """Keyframes of a moving cover, which lasts from the first to the last, both included. Without
    any the cover stands still for the whole shot."""

    def __post_init__(self) -> None:
        if self.effect not in ("blur", "dim"):
            raise ValueError(f"a cover is blur or dim, not {self.effect!r}")
        frames = [key.frame for key in self.keys]
        if frames and (sorted(set(frames)) != frames or self.keys[0].box != self.box):
            raise ValueError("the keys of a cover must ascend, and the first must be its box")


MIN_TWO_UP_SIDE = 4
"""Least width and height of a canvas with two halves: each half has an even number of pixels."""


@dataclass(frozen=True, slots=True)
class TwoUp:
    """What makes a shot of two people a picture of two halves, one for each of them."""

    layout: str
    """side_by_side or stacked"""
    second_crop: Box
    """What the right or lower half shows of the frame; the shot's own crop fills the other one."""

    def __post_init__(self) -> None:
        if self.layout not in ("side_by_side", "stacked"):
            raise ValueError(f"a two-up is side_by_side or stacked, not {self.layout!r}")


@dataclass(frozen=True, slots=True)
class Shot:
    """A range of the source with one framing."""

    range: FrameRange
    subjects: tuple[int, ...]
    """Ids of the framed people: none for the wide, one for a single, two for a two-shot or a
    two-up, there in the order of its halves."""
    crop: Box
    """The visible part of the frame; the first one if the crop moves, that of the left or upper
    half in a two-up."""
    reason: str = ""
    """Why the director chose the shot, in an editor's words."""
    confidence: float = 1.0
    """0 to 1, how sure the director is of the shot."""
    keys: tuple[CropKey, ...] = ()
    """Keyframes of a moving crop, from the shot's first frame on; none if it stands still."""
    locked: bool = False
    """Whether the editor chose the shot, rather than the director."""
    covers: tuple[Cover, ...] = ()
    """For faces of others that the crop cannot avoid, if the style hides them."""
    two_up: TwoUp | None = None
    """None for a picture in one piece."""

    def __post_init__(self) -> None:
        if len(set(self.subjects)) != len(self.subjects) or len(self.subjects) > 2:
            raise ValueError(f"a shot frames two people at most, got {self.subjects}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence lies between 0 and 1, got {self.confidence}")
        if self.two_up and (len(self.subjects) != 2 or self.keys or self.covers):
            raise ValueError(
                f"the two-up at frame {self.range.start} needs two people, and can have neither "
                "keys nor covers"
            )
        frames = [key.frame for key in self.keys]
        if frames and (
            sorted(set(frames)) != frames
            or frames[0] != self.range.start
            or frames[-1] >= self.range.end
            or self.keys[0].crop != self.crop
        ):
            raise ValueError(
                f"the keys of the shot at frame {self.range.start} must begin with its start and "
                "crop, ascend, and lie inside the shot"
            )
        for cover in self.covers:
            if any(not self.range.start <= key.frame < self.range.end for key in cover.keys):
                raise ValueError(
                    f"the covers of the shot at frame {self.range.start} must lie inside it"
                )

    @property
    def kind(self) -> str:
        return "two-up" if self.two_up else ("wide", "single", "two-shot")[len(self.subjects)]

    @property
    def crops(self) -> tuple[Box, ...]:
        """The crop, those of its keys, and that of a second half."""
        second = (self.two_up.second_crop,) if self.two_up else ()
        return self.crop, *(key.crop for key in self.keys), *second


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a person's face was at one frame, which identifies them if ids change."""

    person: int
    """Id of the person."""
    frame: int
    """Source frame."""
    box: Box
    """The face."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The editor's decision to show certain people in a range of the source."""

    range: FrameRange
    subjects: tuple[int, ...]
    """As in `Shot`."""
    crop: Box | None = None
    """None if the director chooses the crop."""
    sightings: tuple[Sighting, ...] = ()
    """Of the subjects, from when the lock was written; may be missing."""


@dataclass(frozen=True, slots=True)
class CutList:
    """The edit: consecutive shots that cover a range of the source exactly once."""

    media: Media
    canvas: tuple[int, int]
    """Width and height of the output, in pixels."""
    shots: tuple[Shot, ...]
    people: tuple[Person, ...] = ()
    angles: tuple[Shot, ...] = ()
    """Alternative framings to choose from in an NLE, on request: the wide for the whole range, and
    a single of each person wherever they are visible."""

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
        ids = {person.id for person in self.people}
        if len(ids) != len(self.people):
            raise ValueError("two people have the same id")
        for shot in (*self.shots, *self.angles):
            if not ids.issuperset(shot.subjects):
                raise ValueError(f"the shot at frame {shot.range.start} shows an unknown person")
            if not all(crop.is_inside(self.media.size) for crop in shot.crops):
                raise ValueError(
                    f"the crop of the shot at frame {shot.range.start} is not inside the frame"
                )
            if shot.two_up and min(self.canvas) < MIN_TWO_UP_SIDE:
                raise ValueError(f"a canvas of {self.canvas} is too small for two halves")
        for angle in self.angles:
            if angle.range.start < self.range.start or angle.range.end > self.range.end:
                raise ValueError(f"the angle at frame {angle.range.start} lies outside the cut")

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.shots[0].range.start, self.shots[-1].range.end)

    def shot_label(self, shot: Shot) -> str:
        """Return the names of the framed people joined by +, or Wide."""
        labels = {person.id: person.label for person in self.people}
        return " + ".join(labels[id_] for id_ in shot.subjects) or "Wide"
