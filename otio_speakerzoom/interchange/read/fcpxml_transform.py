"""Transform and timing of an FCPXML clip: conform, transform, keyframes, speed.

Scale counts on the conformed frame. Position counts in percent of the canvas's height, up; in
Resolve, the fitted frame is the unit on each axis (see `adapters/fcpxml.py`). Times inside a
clip are its own: they start at `start`, with the media's timecode. Apple: FCPXML reference.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.interchange.read.edited_timeline import (
    ClipTransform,
    first_values,
    rest_of_frame,
    transform_keys,
    valid_transform,
    value_at,
)
from otio_speakerzoom.interchange.read.messages import CROP_EFFECT, ROTATED, STRETCHED
from otio_speakerzoom.interchange.read.values import finite_number
from otio_speakerzoom.model import Box
from otio_speakerzoom.timeline.transform import Transform, fill, fit

_TIME = re.compile(r"(-?\d{1,19}(?:\.\d{1,19})?)(?:/(\d{1,10}))?s")
_DEFAULTS = {"position": "0 0", "scale": "1 1", "rotation": "0", "anchor": "0 0"}
_AXES = "XY"
_EFFECTS = {
    "conform-rate": "has another frame rate than the timeline",
    "adjust-crop": CROP_EFFECT,
    "adjust-corners": "has distorted corners",
}
"""Effects that change the video beyond its transform."""
_SAME_SCALE = 1e-4
"""Difference between both scales up to which a clip is not stretched: rounding."""


def time_of(text: str) -> Fraction:
    """Return an exact fraction of seconds; some programs write it with a point."""
    match = _TIME.fullmatch(text.strip())
    if not match or (match[2] and not int(match[2])):
        raise ValueError(f"{text[:40]} is not an FCPXML time")
    return Fraction(match[1]) / int(match[2] or 1)


def unsupported_effects(item: ET.Element) -> Iterator[str]:
    """Yield what else changes the video; an effect that is off, or does nothing, does not."""
    for tag, description in _EFFECTS.items():
        effect = item.find(tag)
        if effect is None or effect.get("enabled") == "0":
            continue
        if tag == "conform-rate" or _has_values(effect):
            yield description


def _has_values(effect: ET.Element) -> bool:
    """Whether any number of an effect is not 0."""
    return any(
        value.strip(" 0.-")
        for part in effect.iter()
        for name, value in part.attrib.items()
        if name not in ("mode", "enabled", "name", "key")
    )


def media_times(time_map: ET.Element, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction]:
    """Return the media's times at `begin` and `end` of a retimed clip's own time.

    Raise ValueError where the media stands still or runs backwards.
    """
    points = sorted(
        (time_of(point.attrib["time"]), time_of(point.attrib["value"]))
        for point in time_map.iterfind("timept")
    )
    first, last = (_media_time(points, at) for at in (begin, end))
    if not first < last:
        raise ValueError("it stands still or runs backwards")
    return first, last


def _media_time(points: list[tuple[Fraction, Fraction]], at: Fraction) -> Fraction:
    """The media's time at a clip's: evenly from point to point, and on from the outer ones."""
    if len(points) < 2:
        raise ValueError("its time map has fewer than two points")
    after = next((n for n in range(1, len(points) - 1) if at <= points[n][0]), len(points) - 1)
    (time, value), (next_time, next_value) = points[after - 1 : after + 1]
    return value + (next_value - value) * (at - time) / (next_time - time)


@dataclass(frozen=True, slots=True)
class TransformReader:
    """Reads the transforms of clips of one asset."""

    size: tuple[int, int] | None
    canvas: tuple[int, int] | None
    dialect: str
    rate: Fraction
    shift: Fraction
    """Seconds from the clip's own time to the media's."""

    def read(self, item: ET.Element) -> ClipTransform:
        """Return the transform of the clip `item`, and what a crop leaves of its frame."""
        if self.size is None or self.canvas is None:
            return ClipTransform(None)
        return self._read(item)._replace(rest=self._rest(item, self.size, self.canvas))

    def _rest(self, item: ET.Element, size: tuple[int, int], canvas: tuple[int, int]) -> Box | None:
        """What a trim leaves of the frame; None if it cuts nothing off, and for other crops.

        The units are those of `adapters/fcpxml.py`.
        """
        crop = item.find("adjust-crop")
        trim = None if crop is None or crop.get("mode") != "trim" else crop.find("trim-rect")
        if crop is None or trim is None or crop.get("enabled") == "0" or len(trim):
            return None
        width, height = size
        across, down = height / width / 100, 1 / 100
        if self.dialect == "resolve":
            across, down = canvas[1] / 100 / width, fit(size, canvas) / 100
        edges = [finite_number(trim.get(edge) or 0) for edge in ("left", "top", "right", "bottom")]
        if not any(edges):
            return None
        return rest_of_frame(
            size, [edge * (down if n % 2 else across) for n, edge in enumerate(edges)]
        )

    def _read(self, item: ET.Element) -> ClipTransform:
        adjust_conform = item.find("adjust-conform")
        conform = "fit" if adjust_conform is None else adjust_conform.get("type", "fit")
        adjust = item.find("adjust-transform")
        if adjust is None or adjust.get("enabled") == "0":
            return ClipTransform(self._transform(conform, {}))
        parameters = self._parameters(adjust)
        unsupported = [ROTATED] if any(value for _, value in parameters["rotation0"]) else []
        keys = transform_keys(parameters, lambda values: self._transform(conform, values))
        across, down = parameters["scale0"], parameters["scale1"]
        frames = {frame for frame, _ in (*across, *down)}
        if any(abs(value_at(across, at) - value_at(down, at)) > _SAME_SCALE for at in frames):
            unsupported.append(STRETCHED)
        first = self._transform(conform, first_values(parameters))
        return ClipTransform(first, keys, unsupported)

    def _parameters(self, adjust: ET.Element) -> dict[str, list[tuple[int, float]]]:
        """The keys of each number of the transform; position0 is across, position1 is down."""
        parameters: dict[str, list[tuple[int, float]]] = {}
        for name, default in _DEFAULTS.items():
            parameter = _parameter(adjust, name)
            text = adjust.get(name) or (None if parameter is None else parameter.get("value"))
            count = len(default.split())
            numbers = _numbers(text or default, count)
            keys = self._keys(parameter, count)
            for axis in range(count):
                component = None if parameter is None else _parameter(parameter, _AXES[axis])
                own_keys = self._keys(component, 1)
                if own_keys:
                    rows = [(frame, values[0]) for frame, values in own_keys]
                elif keys:
                    rows = [(frame, values[axis]) for frame, values in keys]
                else:
                    value = None if component is None else component.get("value")
                    own = _numbers(value, 1) if value else ()
                    rows = [(0, own[0] if own else numbers[axis])]
                parameters[f"{name}{axis}"] = rows
        return parameters

    def _keys(
        self, parameter: ET.Element | None, count: int
    ) -> list[tuple[int, tuple[float, ...]]]:
        """Of one parameter with so many numbers: (frame of the media, its numbers)."""
        if parameter is None:
            return []
        return sorted(
            (
                round((time_of(key.attrib["time"]) - self.shift) * self.rate),
                _numbers(key.attrib["value"], count),
            )
            for key in parameter.iterfind("keyframeAnimation/keyframe")
        )

    def _transform(self, conform: str, values: Mapping[str, float]) -> Transform:
        assert self.size is not None
        assert self.canvas is not None
        size, canvas = self.size, self.canvas
        base = {"fit": fit(size, canvas), "fill": fill(size, canvas), "none": 1.0}[conform]
        scale = values.get("scale0", 1.0)
        # The anchor is what stays in place: with it elsewhere, the centre moves with the scale.
        x = values.get("position0", 0.0) - values.get("anchor0", 0.0) * scale
        y = values.get("position1", 0.0) - values.get("anchor1", 0.0) * scale
        dx, dy = x * canvas[1] / 100, -y * canvas[1] / 100
        if self.dialect == "resolve":
            fitted = fit(size, canvas)
            dx *= size[0] * fitted / canvas[0]
            dy *= size[1] * fitted / canvas[1]
        return valid_transform(base * scale, dx, dy)


def _parameter(element: ET.Element, name: str) -> ET.Element | None:
    return next(
        (p for p in element.iterfind("param") if p.get("name", "").lower() == name.lower()), None
    )


def _numbers(text: str, count: int) -> tuple[float, ...]:
    """Return the numbers of a value; ValueError unless there are so many."""
    numbers = tuple(finite_number(number) for number in text.split())
    if len(numbers) != count:
        raise ValueError(f"{text[:40]!r} is not {count} numbers")
    return numbers
