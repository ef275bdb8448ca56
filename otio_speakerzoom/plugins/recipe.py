"""A cut as a recipe: the Lua table from which the script in Resolve builds a timeline.

Each number of a recipe is also what Resolve must read back. Time is in whole frames of the source;
pan and tilt are in the Inspector's units, zooms are factors.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from types import MappingProxyType

from otio_speakerzoom.model import CutList, Media, Shot
from otio_speakerzoom.plugins.lua_text import LuaValue, lua_text
from otio_speakerzoom.timecode import frame_to_timecode, one_hour_frames
from otio_speakerzoom.timeline.facts import marker_comment
from otio_speakerzoom.timeline.frame_rates import EDITOR_RATES, unsupported_rate_error
from otio_speakerzoom.timeline.media_paths import require_utf8
from otio_speakerzoom.timeline.resolve_framing import SCALINGS, framings
from otio_speakerzoom.timeline.tracks import TrackClip, video_tracks
from otio_speakerzoom.timeline.transform import transform_of

FORMAT = 1
"""Of recipes; the script refuses any other."""
MAX_AGE_S = 600
"""The script ignores an older recipe. Long enough to find the menu; short enough that the recipe of
a program that was killed is not built by surprise another day."""
SHOT_PREFIX = "speakerzoom/1/"
"""Begins the custom data of our markers; then follows the id of the shot."""

SCALED, FRAME = "scaled", "frame"
"""Laws of positions: a unit of pan moves by a part of the scaled frame, or by a pixel of the
timeline. The first is what others measured; `calibration` measures it in the user's Resolve."""

PEOPLE_COLOURS = ("Orange", "Teal", "Violet", "Lime", "Pink", "Navy", "Yellow", "Olive")
WIDE_COLOUR = "Beige"
"""Clip colours of Resolve 18.5; markers have another set."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build, and the request that asks for it."""

    id: str
    """Of the request: the answer repeats it."""
    content: dict[str, LuaValue]

    def text(self) -> str:
        """Return the recipe as a Lua file in ASCII that returns a table."""
        return f"return {lua_text(self.content)}\n"


def recipe_of(
    cut_list: CutList,
    otio: PurePath,
    media_paths: Sequence[bytes] = (),
    *,
    stills: Mapping[int, PurePath] = MappingProxyType({}),
    law: str = SCALED,
) -> Recipe:
    """Return the recipe of a cut; `otio` is the timeline to import where building fails.

    `media_paths` are the names of the media as Resolve may know it, by default its path in UTF-8.
    `stills` are frames of the timeline, from 0, that Resolve exports as pictures. `law` is how it
    counts positions.
    TimelineError if Resolve has no timelines of the source's rate, or cannot show a crop.
    """
    media = cut_list.media
    require_utf8(str(media.path))
    if media.rate not in EDITOR_RATES["Resolve"]:
        fault = f"no timeline in Resolve can have {media.rate} frames per second"
        raise unsupported_rate_error(media.rate, str(media.path), fault)
    request = secrets.token_hex(8)
    content: dict[str, LuaValue] = {
        "format": FORMAT,
        "id": request,
        "created": int(time.time()),
        "max_age": MAX_AGE_S,
        "media": list(media_paths) or [str(media.path).encode()],
        "name": media.path.stem,
        "otio": str(otio),
        "rate": float(media.rate),
        "start": _timecode(media, 0),
        "settings": _settings(media, cut_list.canvas),
        **_tracks(cut_list, law),
        "markers": [_marker(cut_list, shot) for shot in cut_list.shots],
        "stills": [
            {"timecode": _timecode(media, frame), "path": path.as_posix()}
            for frame, path in sorted(stills.items())
        ],
    }
    return Recipe(request, content)


def _tracks(cut_list: CutList, law: str) -> dict[str, LuaValue]:
    """Return what lies on the tracks: the names of these, and each clip."""
    tracks = video_tracks(cut_list)
    has_two_ups = any(shot.two_up for shot in cut_list.shots)
    is_moving = any(clip.shot.keys for _, clips in tracks for clip in clips)
    return {
        "audio": _audio(cut_list.media, len(tracks)),
        "moving": is_moving or has_two_ups,  # what a script cannot build
        "tracks": [name for name, _ in tracks],
        "shots": [
            _row(cut_list, clip, track, law)
            for track, (_, clips) in enumerate(tracks, start=1)
            for clip in clips
        ],
    }


def rate_name(rate: Fraction) -> str:
    """Return a rate as Resolve's settings name it: 25, 29.97, 23.976."""
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}".rstrip("0")


def _settings(media: Media, canvas: tuple[int, int]) -> list[LuaValue]:
    """Return the settings of the timeline; the rate last, because it may be refused."""
    width, height = canvas
    rows = (
        ("timelineResolutionWidth", str(width)),
        ("timelineResolutionHeight", str(height)),
        ("timelineFrameRate", rate_name(media.rate)),
    )
    return [{"key": key, "value": value} for key, value in rows]


def _timecode(media: Media, frame: int) -> str:
    """Return the timecode of a frame of the timeline, which starts at one hour."""
    base = round(media.rate)
    start = one_hour_frames(base, drop=media.drop_frame)
    return frame_to_timecode(start + frame, base, drop=media.drop_frame)


def _audio(media: Media, track_count: int) -> str:
    """Return how the audio gets on the timeline: with each clip, by itself, or not at all.

    A clip without a media type brings its audio to the track of the same number. That is right for
    one video track; with several, each would have its own audio.
    """
    if not media.audio_streams:
        return "none"
    return "linked" if track_count == 1 else "separate"


def _row(cut_list: CutList, clip: TrackClip, track: int, law: str) -> dict[str, LuaValue]:
    shot = clip.shot
    row: dict[str, LuaValue] = {
        "track": track,
        "source": shot.range.start,
        "duration": shot.range.duration,
        "record": shot.range.start - cut_list.range.start,
        "enabled": clip.enabled,
        "cut": clip.number > 0,
        "colour": _colour(shot),
    }
    return row if shot.keys else {**row, **_values(cut_list, clip, law)}


def _values(cut_list: CutList, clip: TrackClip, law: str) -> dict[str, LuaValue]:
    """Return the properties of a clip whose crop stands still."""
    size, canvas, shot = cut_list.media.size, cut_list.canvas, clip.shot
    where = f"{cut_list.media.path}: the shot at frame {shot.range.start}"
    transform = (clip.half.transform if clip.half else transform_of)(clip.crop, size, canvas)
    scaling, (framing,) = framings([transform], size, canvas, "fit", where)
    pan, tilt = framing.pan * canvas[0], framing.tilt * canvas[1]
    if law == FRAME:
        pan, tilt = transform.dx, -transform.dy
    return {
        "scaling": SCALINGS[scaling],
        "zoom": framing.zoom_x,
        "pan": pan,
        "tilt": tilt,
    }


def _colour(shot: Shot) -> str:
    if not shot.subjects:
        return WIDE_COLOUR
    return PEOPLE_COLOURS[(shot.subjects[0] - 1) % len(PEOPLE_COLOURS)]


def _marker(cut_list: CutList, shot: Shot) -> dict[str, LuaValue]:
    label = cut_list.shot_label(shot)
    return {
        "frame": shot.range.start - cut_list.range.start,
        "colour": "Red" if shot.confidence < 0.5 else "Green",
        "name": label,
        "note": marker_comment(shot.reason or label, shot.confidence),
        "data": f"{SHOT_PREFIX}{shot.range.start}-{shot.range.end}",
    }
