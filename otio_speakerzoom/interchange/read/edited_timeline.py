"""The record that every reader returns, and what all readers share.

A reader converts its host's units: the record holds frames and `Transform`. The host's transform
counts, because that is what an editor changes; our own metadata only helps.

A reader raises one of `values.READ_ERRORS` over a damaged file, which `open.read_timeline` turns
into one line. What is wrong with one clip stays with that clip: it is `unsupported`, for a reason
in words, and the rest is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple
from unicodedata import normalize

from otio_speakerzoom.interchange.read.values import READ_ERRORS, unreadable
from otio_speakerzoom.model import Box, FrameRange
from otio_speakerzoom.timeline.transform import Transform, fit


@dataclass(frozen=True, slots=True)
class MediaHints:
    """What a file may leave out about its media; where the file has it, the file counts."""

    size: tuple[int, int] | None = None
    """Of the source in pixels, as shown."""
    canvas: tuple[int, int] | None = None
    """Of the delivered video in pixels."""
    rotation: int = 0
    """Degrees clockwise that a player must turn the stored frames."""
    dialect: str = ""
    """The host whose units the file is in; empty to detect it from the file."""
    sequence: str = ""
    """Name of the sequence to read, or its number from 1; empty for the only one."""
    media_name: str = ""
    """File name of the recording that the sequence must show; empty where any will do."""


@dataclass(frozen=True, slots=True)
class TransformKey:
    """A keyframe of a moving clip; between two, scale and position change evenly."""

    frame: int
    """Counted from the media's first frame."""
    transform: Transform


@dataclass(frozen=True, slots=True)
class EditedClip:
    """One clip of a video track, in whole frames at the timeline's rate."""

    record: FrameRange
    """Where it lies in the programme, which starts at 0."""
    source: FrameRange | None
    """What it shows, counted from the media's first frame; None for what has no media."""
    name: str
    media: str
    """Path of the media as the file gives it; empty where there is none."""
    transform: Transform | None
    """Scale and position; of a moving clip, the first. None where it is unknown."""
    keys: tuple[TransformKey, ...] = ()
    """Of a moving clip; none where it stands still."""
    enabled: bool = True
    unsupported: str = ""
    """Why this is more than a stretch of a file, scaled and moved: a speed, a rotation, an effect,
    or a part of it that cannot be read; empty where it is just that. `source` is then what it
    shows of the media, where that is known, and may be of another length than `record`, as in the
    part of a clip that dissolves into the next."""
    has_transform: bool = True
    """Whether the file has a transform for the clip, rather than leaving it to the host."""
    opaque: bool = True
    """Whether it hides what lies below; a title does not."""
    subjects: tuple[int, ...] | None = None
    """The people it shows, from our metadata; None if the editor dropped that."""
    rest: Box | None = None
    """What a crop effect leaves of the media's frame, in its pixels; None without a crop effect, or
    where it cannot be read. The clip is then `unsupported`, but for the upper half of a two-up."""
    size: tuple[int, int] | None = None
    """Of the media's frames, where the file has it."""
    available_range: FrameRange | None = None
    """All of the media, counted from its first frame, where the file has it."""
    timecode: int | None = None
    """Of the media's first frame, in frames, where the file has it."""

    @property
    def media_name(self) -> str:
        return PurePosixPath(self.media.replace("\\", "/")).name

    @property
    def label(self) -> str:
        """The clip in a message."""
        return f"the clip {self.name!r} at frame {self.record.start}"

    def plays(self, name: str) -> bool:
        """Whether its media is called `name`; macOS decomposes accents, others do not."""
        return normalize("NFC", self.media_name) == normalize("NFC", name)


@dataclass(frozen=True, slots=True)
class EditedTimeline:
    """The video tracks of a timeline; audio is ignored."""

    host: str
    """Whose units it was in: resolve, premiere, fcp, shotcut, kdenlive, or speakerzoom for our
    metadata."""
    name: str
    rate: Fraction
    canvas: tuple[int, int] | None
    """None where the format does not carry it and no hint was given."""
    tracks: tuple[tuple[EditedClip, ...], ...]
    """Video tracks, the lowest first; the clips of each in order of the programme."""
    warnings: tuple[str, ...] = ()
    """What the file has beyond these clips, a line each."""

    @property
    def clips(self) -> tuple[EditedClip, ...]:
        """The clips of all tracks, the lowest track first."""
        return tuple(clip for track in self.tracks for clip in track)


def clip_without_source(
    record: FrameRange, name: str, unsupported: str, *, opaque: bool = True
) -> EditedClip:
    """Return a clip that shows no file, for a reason in words."""
    return EditedClip(record, None, name, "", None, unsupported=unsupported, opaque=opaque)


def clip_or_reason(record: FrameRange, name: str, read: Callable[[], EditedClip]) -> EditedClip:
    """Return the clip that `read` returns; where it is damaged, a clip without source."""
    try:
        return read()
    except READ_ERRORS as error:
        return clip_without_source(record, name, unreadable(error))


class ClipTransform(NamedTuple):
    """How a clip is scaled and moved."""

    transform: Transform | None
    """As in `EditedClip`."""
    keys: tuple[TransformKey, ...] = ()
    unsupported: Sequence[str] = ()
    """What else is done to the frame, in words."""
    rest: Box | None = None
    """As in `EditedClip`."""


def transform_or_reason(read: Callable[[], ClipTransform]) -> ClipTransform:
    """Return the transform that `read` returns; where it is damaged, none and the reason."""
    try:
        transform = read()
        if all(key.frame < after.frame for key, after in pairwise(transform.keys)):
            return transform
        if transform.unsupported:  # which says already why they do not count
            return transform._replace(keys=())
        raise ValueError("its keyframes do not follow one another")
    except READ_ERRORS as error:
        return ClipTransform(None, (), [f"has a transform that {unreadable(error)}"])


def valid_transform(scale: float, dx: float, dy: float) -> Transform:
    """Return a transform; raise ValueError where it shows nothing."""
    if not 0 < scale < 1e6:  # far past any host's limit, and crops stay numbers
        raise ValueError(f"a scale of {scale:g} shows nothing")
    if not max(abs(dx), abs(dy)) < 1e12:  # the largest frame at the largest scale is 1e11 wide
        raise ValueError("it is moved out of sight")
    return Transform(scale, dx + 0.0, dy + 0.0)  # no -0


ParameterKeys = Mapping[str, Sequence[tuple[int, float]]]
"""Name of a parameter -> its keys: (frame, value), rising; a single one where it stands still."""


def rest_of_frame(size: tuple[int, int], cut_off: Sequence[float]) -> Box | None:
    """Return what is left of a frame of `size`; None where nothing is.

    `cut_off` are the parts that a crop effect removes at the left, top, right and bottom.
    """
    left, top, right, bottom = cut_off
    rest = Box(left * size[0], top * size[1], (1 - right) * size[0], (1 - bottom) * size[1])
    return rest if rest.is_inside(size) else None


def first_values(parameters: ParameterKeys) -> dict[str, float]:
    """Return each parameter's value at its first key."""
    return {name: keys[0][1] for name, keys in parameters.items()}


def transform_keys(
    parameters: ParameterKeys, to_transform: Callable[[Mapping[str, float]], Transform]
) -> tuple[TransformKey, ...]:
    """Return the keys of the whole transform: one wherever any parameter has one.

    None where nothing changes. Between its keys a parameter changes linearly; outside
    them it is constant.
    """
    frames = sorted({frame for keys in parameters.values() if len(keys) > 1 for frame, _ in keys})
    path = tuple(
        TransformKey(
            frame,
            to_transform({name: value_at(keys, frame) for name, keys in parameters.items()}),
        )
        for frame in frames
    )
    return path if len({key.transform for key in path}) > 1 else ()


def value_at(keys: Sequence[tuple[int, float]], frame: int) -> float:
    """Return a parameter's value at `frame`."""
    at = bisect_right(keys, frame, key=lambda key: key[0])
    before, after = keys[max(0, at - 1)], keys[min(at, len(keys) - 1)]
    if frame < before[0] or after[0] <= before[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (frame - before[0]) / (after[0] - before[0])


def default_transform(
    size: tuple[int, int] | None, canvas: tuple[int, int] | None
) -> Transform | None:
    """Return the transform of a clip that nobody moved, in a host that fits frames to the canvas.

    None where a size is unknown.
    """
    return Transform(fit(size, canvas), 0.0, 0.0) if size and canvas else None
