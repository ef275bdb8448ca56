"""What an edited timeline says, whichever format it came in, and what all readers share.

A reader undoes its host's own units: what it gives is frames and `Transform`. The host's transform
is the truth, because that is what an editor changes; what we noted ourselves only helps.

A reader raises one of `values.FAULTS` over a file that is not what it should be, of which
`open.read_timeline` makes one line. What is wrong with one clip stays with that clip: it is
`unsupported`, for a reason in words, and the rest is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from unicodedata import normalize

from otio_speakerzoom.interchange.read.values import FAULTS, unreadable
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.timeline.transform import Transform, fit


@dataclass(frozen=True, slots=True)
class MediaHints:
    """What a file may not say of the pictures; where it does say it, the file is believed."""

    size: tuple[int, int] | None = None
    """Of the source in pixels, as shown."""
    canvas: tuple[int, int] | None = None
    """Of the delivered picture in pixels."""
    rotation: int = 0
    """Degrees clockwise that a player must turn the stored picture."""
    dialect: str = ""
    """The host whose units the file is in; empty for what the file looks like."""
    sequence: str = ""
    """Name of the sequence to read, or its number from 1; empty for the only one."""
    media_name: str = ""
    """File name of the recording that is looked for; empty where any will do."""


@dataclass(frozen=True, slots=True)
class TransformKey:
    """Where a moving picture is at one frame; in between, scale and position change evenly."""

    frame: int
    """Counted from the media's first frame."""
    move: Transform


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
    move: Transform | None
    """How the picture is placed; of a moving one, at first. None where that cannot be told."""
    keys: tuple[TransformKey, ...] = ()
    """Of a moving picture; none where it stands still."""
    enabled: bool = True
    unsupported: str = ""
    """Why this is not just a stretch of a file, placed: a speed, a turn, an effect, or what of it
    cannot be read; empty where it is just that. `source` is then what it shows of the media, where
    that can be told, and may be of another length than `record`, as in the part of a clip that
    dissolves into the next."""
    framed: bool = True
    """Whether the file says how the picture is placed, rather than leaving it to the host."""
    opaque: bool = True
    """Whether it hides what lies below; a title does not."""
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


def unless_damaged(record: FrameRange, name: str, read: Callable[[], EditedClip]) -> EditedClip:
    """Return what `read` does; where it cannot, a clip that says so and shows nothing of ours."""
    try:
        return read()
    except FAULTS as error:
        return EditedClip(record, None, name, "", None, unsupported=unreadable(error))


Placing = tuple[Transform | None, tuple[TransformKey, ...], list[str]]
"""How a picture is placed, its keys where it moves, and what the placing cannot say."""


def placing_unless_damaged(read: Callable[[], Placing]) -> Placing:
    """Return what `read` does; where it cannot, that there is no placing, and why."""
    try:
        return read()
    except FAULTS as error:
        return None, (), [f"has a framing that {unreadable(error)}"]


def placed(scale: float, dx: float, dy: float) -> Transform:
    """Return a placing that shows something."""
    if not 0 < scale < 1e6:  # far past any host's limit, and crops stay numbers
        raise ValueError(f"a scale of {scale:g} shows nothing")
    return Transform(scale, dx + 0.0, dy + 0.0)  # no -0


Keyed = Mapping[str, Sequence[tuple[int, float]]]
"""Name of a parameter -> its keys: (frame, value), rising; a single one where it stands still."""


def moving(
    keyed: Keyed, move_of: Callable[[Mapping[str, float]], Transform]
) -> tuple[TransformKey, ...]:
    """Return the keys of the whole move: one wherever any parameter has one.

    None where nothing changes. Between its keys a parameter changes evenly, outside it stands.
    """
    frames = sorted({frame for keys in keyed.values() if len(keys) > 1 for frame, _ in keys})
    path = tuple(
        TransformKey(frame, move_of({name: value_at(keys, frame) for name, keys in keyed.items()}))
        for frame in frames
    )
    return path if len({key.move for key in path}) > 1 else ()


def value_at(keys: Sequence[tuple[int, float]], frame: int) -> float:
    """Return a parameter's value at `frame`."""
    at = bisect_right(keys, frame, key=lambda key: key[0])
    before, after = keys[max(0, at - 1)], keys[min(at, len(keys) - 1)]
    if frame < before[0] or after[0] <= before[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (frame - before[0]) / (after[0] - before[0])


def unplaced(size: tuple[int, int] | None, canvas: tuple[int, int] | None) -> Transform | None:
    """Return where a host that fits pictures puts one that nobody moved."""
    return Transform(fit(size, canvas), 0.0, 0.0) if size and canvas else None
