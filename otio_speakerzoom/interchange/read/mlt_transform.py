"""Transform of an MLT clip.

Shotcut's filter "Size, Position & Rotate" is MLT's affine, Kdenlive's effect "Transform" its
qtblend. The rectangle of both is where the whole frame lies on the canvas. Times are frames or
clocks. Sources as in `mlt`; what a rectangle of another shape shows was measured with melt 7.12.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from otio_speakerzoom.interchange.read.edited_timeline import (
    ClipTransform,
    TransformKey,
    default_transform,
    transform_or_reason,
    valid_transform,
)
from otio_speakerzoom.interchange.read.messages import CROP_EFFECT, ROTATED, STRETCHED
from otio_speakerzoom.interchange.read.mlt_project import Project, property_of
from otio_speakerzoom.interchange.read.values import READ_ERRORS, finite_number
from otio_speakerzoom.model import Box, FrameRange
from otio_speakerzoom.timeline.transform import Transform

_KEY = re.compile(r"(?:(-?[\d:.,]+)([^=\d]?)=)?(.*)", re.DOTALL)
"""A frame or clock, a letter unless interpolation from there is linear, =, and the value."""
_MAX_ASPECT_ERROR = 0.01
"""Share by which a rectangle's shape may differ from the frame's: its numbers are rounded."""
_AUDIO_FILTER = re.compile(
    "volume|audio(?!waveform|spectrum|levelgraph)|panner|mono$|channelcopy|swapchannels|loudness|"
    "dynamic_loudness|mute|fadeInVolume|fadeOutVolume|sox|ladspa|lv2|vst2|rbpitch",
    re.IGNORECASE,
)
"""Starts of the names of filters that change audio only; a waveform is drawn over the video."""
_QTBLEND = "qtblend"
_CLEAR = re.compile("|#00[0-9a-f]{6}|0x[0-9a-f]{6}00|0", re.IGNORECASE)
"""Colours that hide nothing: MLT has the opacity first after #, last after 0x."""
_AFFINE_TURNS = [f"transition.{turn}_{axis}" for axis in "xyz" for turn in ("fix_rotate", "rotate")]
_EDGES = ("left", "top", "right", "bottom")


def changes_video(effect: ET.Element) -> bool:
    """Return whether a filter is on and changes the video; an empty crop does not."""
    service = property_of(effect, "mlt_service")
    names = (property_of(effect, "shotcut:filter"), service)
    if property_of(effect, "disable") == "1" or any(map(_AUDIO_FILTER.match, names)):
        return False
    crop = service == "crop" and not property_of(effect, "center").strip("0")
    return not crop or any(property_of(effect, edge).strip("0") for edge in _EDGES)


def read_filters(
    holders: list[ET.Element], played: FrameRange, project: Project
) -> tuple[ClipTransform, bool]:
    """Return the transform that a producer and its entry have by filters, and if there is one."""
    effects = [e for holder in holders for e in holder.iterfind("filter") if changes_video(e)]
    placing = [effect for effect in effects if _is_transform(effect)]
    halving = [effect for effect in effects if _is_half(effect)]
    unsupported = [
        f"has the filter {property_of(effect, 'mlt_service')}"
        for effect in effects
        if effect not in placing and effect not in halving
    ]
    unsupported += [CROP_EFFECT] if halving else []
    if not placing:
        default = default_transform(project.hints.size, project.canvas)
        return ClipTransform(default, (), unsupported), False
    placement = transform_or_reason(lambda: _read_transform(placing[0], played, project))
    unsupported += placement.unsupported
    unsupported += ["has several transforms"] if len(placing) > 1 else []
    rest = None
    if len(halving) == 1 and placement.transform and effects[-1] is halving[0]:
        rest = _rest(halving[0], placement.transform, project)
    return placement._replace(unsupported=unsupported, rest=rest), True


def _is_transform(effect: ET.Element) -> bool:
    """Whether a filter only places the frame on the canvas."""
    return bool(_rectangles(effect))


def _rectangles(effect: ET.Element) -> str:
    qtblend = property_of(effect, "mlt_service") == _QTBLEND
    return property_of(effect, "rect" if qtblend else "transition.rect")


def _is_half(effect: ET.Element) -> bool:
    """Whether a filter cuts off what lies outside a rectangle of the canvas."""
    return property_of(effect, "mlt_service") == "qtcrop"


def _rest(effect: ET.Element, transform: Transform, project: Project) -> Box | None:
    """What such a filter leaves of the frame; None where it does more, moves, or is damaged."""
    size, canvas = project.hints.size, project.canvas
    texts = [_split_key(text)[2] for text in property_of(effect, "rect").split(";")]
    numbers = [_split_key(property_of(effect, name))[2] for name in ("circle", "radius")]
    is_plain = not any(number.strip("0.") for number in numbers)
    is_clear = _CLEAR.fullmatch(property_of(effect, "color"))
    if size is None or len(texts) > 1 or not is_plain or not is_clear:
        return None
    try:
        left, top, width, height = _rectangle(texts[0], canvas)
    except READ_ERRORS:
        return None
    x = size[0] / 2 + (left - canvas[0] / 2 - transform.dx) / transform.scale
    y = size[1] / 2 + (top - canvas[1] / 2 - transform.dy) / transform.scale
    edges = (x, y, x + width / transform.scale, y + height / transform.scale)
    rest = Box(max(0, edges[0]), max(0, edges[1]), min(size[0], edges[2]), min(size[1], edges[3]))
    return rest if rest.is_inside(size) else None


def _read_transform(effect: ET.Element, source: FrameRange, project: Project) -> ClipTransform:
    """The transform of an affine or qtblend filter on a clip that plays `source`.

    In a rectangle of another shape the frame keeps its own, about the middle: affine, which fills,
    covers the rectangle and is not cut off by it; qtblend lies inside.
    """
    qtblend = property_of(effect, "mlt_service") == _QTBLEND
    turns = ["rotation"] if qtblend else _AFFINE_TURNS
    unsupported = [ROTATED for turn in turns if not _is_upright(property_of(effect, turn))]
    ends = (effect.get("in"), effect.get("out"))
    first, last = (None if end is None else project.frame(end) for end in ends)
    if (first or 0) > source.start or (last is not None and last < source.end - 1):
        unsupported.append("has a transform for only a part of it")
    if property_of(effect, "transition.fill") == "0":
        unsupported.append("does not fill its rectangle")
    if property_of(effect, "compositing").strip("0"):
        unsupported.append("does not lie over what is below it, but is blended with it")
    if project.hints.size is None or unsupported:
        return ClipTransform(None, (), unsupported)
    return _read_rectangles(effect, first or 0, project.hints.size, project)


def _read_rectangles(
    effect: ET.Element, first: int, size: tuple[int, int], project: Project
) -> ClipTransform:
    """The transform of a clip of `size`; keys of its rectangle count from frame `first`."""
    keys: list[TransformKey] = []
    unsupported: list[str] = []
    qtblend = property_of(effect, "mlt_service") == _QTBLEND
    distort = property_of(effect, "distort" if qtblend else "transition.distort")
    texts = _rectangles(effect).split(";")
    for text in texts:
        time, interpolation, value = _split_key(text)
        try:
            rectangle = _rectangle(value, project.canvas)
        except ValueError:
            return ClipTransform(None, (), [f"has a rectangle that cannot be read ({value[:40]})"])
        if (interpolation and len(texts) > 1) or time.startswith("-"):
            unsupported.append("does not move linearly from keyframe to keyframe")
        if _has_other_shape(rectangle, size) and distort == "1":
            unsupported.append(STRETCHED)
        if not _is_opaque(value):
            unsupported.append("is partly transparent")
        at = project.frame(time) if time and not time.startswith("-") else 0
        scale = (min if qtblend else max)(rectangle[2] / size[0], rectangle[3] / size[1])
        keys.append(TransformKey(first + at, _centred(rectangle, scale, project.canvas)))
    keys.sort(key=lambda key: key.frame)
    still = len({key.transform for key in keys}) == 1
    return ClipTransform(keys[0].transform, () if still else tuple(keys), unsupported)


_Rectangle = tuple[float, float, float, float]
"""x, y, width and height in canvas pixels."""


def _rectangle(text: str, canvas: tuple[int, int]) -> _Rectangle:
    """A rectangle; each number may be in percent. Raise ValueError where it is none."""
    x, y, width, height = (
        finite_number(number[:-1]) / 100 * side if number.endswith("%") else finite_number(number)
        for number, side in zip(
            re.split(r"[\s/:x,]+", text.strip())[:4], (*canvas, *canvas), strict=True
        )
    )
    return x, y, width, height


def _has_other_shape(rectangle: _Rectangle, size: tuple[int, int]) -> bool:
    across, down = rectangle[2] / size[0], rectangle[3] / size[1]
    return abs(across - down) > _MAX_ASPECT_ERROR * max(across, down)


def _is_opaque(text: str) -> bool:
    """Whether a rectangle's fifth number, its opacity, is left out, 1, or 100 as in older MLT."""
    opacity = re.split(r"[\s/:x,]+", text.strip())[4:5]
    return not opacity or finite_number(opacity[0].removesuffix("%")) in (1, 100)


def _centred(rectangle: _Rectangle, scale: float, canvas: tuple[int, int]) -> Transform:
    """The transform at which a frame of this scale lies about the middle of a rectangle."""
    x, y, width, height = rectangle
    return valid_transform(scale, x + width / 2 - canvas[0] / 2, y + height / 2 - canvas[1] / 2)


def _split_key(text: str) -> tuple[str, str, str]:
    """Time, interpolation and value of a key; the first two empty where it is not one."""
    match = _KEY.fullmatch(text)
    return (match[1] or "", match[2] or "", match[3]) if match else ("", "", text)


def _is_upright(text: str) -> bool:
    """Whether an angle, or every key of one, is a whole turn or none."""
    values = [_split_key(part)[2] for part in text.split(";")]
    try:
        return not any(finite_number(value or 0) % 360 for value in values)
    except ValueError:
        return False
