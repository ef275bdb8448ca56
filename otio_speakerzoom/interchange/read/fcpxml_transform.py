"""How a clip of FCPXML is placed and timed: conform, transform, keyframes, speed.

Scale counts on the conformed picture. Position counts in percent of the canvas's height, up; in
Resolve, the fitted picture is the unit on each axis (as `adapters/fcpxml.py` says). Times inside a
clip are its own: they start at `start`, with the media's timecode. Apple: FCPXML reference.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.interchange.read.edited_timeline import Placing, moving, placed, value_at
from otio_speakerzoom.interchange.read.values import finite
from otio_speakerzoom.timeline.transform import Transform, fill, fit

_TIME = re.compile(r"(-?\d{1,19}(?:\.\d{1,19})?)(?:/(\d{1,10}))?s")
_STILL = {"position": "0 0", "scale": "1 1", "rotation": "0", "anchor": "0 0"}
_AXES = "XY"
# Effects that change what is seen of the picture, over and above its placing.
_CHANGES = {
    "conform-rate": "runs at another rate than the timeline",
    "adjust-crop": "has a crop effect",
    "adjust-corners": "has distorted corners",
}


def time_of(text: str) -> Fraction:
    """Return an exact fraction of seconds; some programs write it with a point."""
    match = _TIME.fullmatch(text.strip())
    if not match or (match[2] and not int(match[2])):
        raise ValueError(f"{text[:40]} is no FCPXML time")
    return Fraction(match[1]) / int(match[2] or 1)


def changes_of(item: ET.Element) -> Iterator[str]:
    """Yield what else changes the picture; what is off, or takes nothing away, does not."""
    for tag, what in _CHANGES.items():
        effect = item.find(tag)
        if effect is None or effect.get("enabled") == "0":
            continue
        if tag == "conform-rate" or any(_numbers_in(effect)):
            yield what


def _numbers_in(effect: ET.Element) -> Iterator[bool]:
    """For each part of an effect, whether it says anything but 0."""
    for part in effect.iter():
        for name, value in part.attrib.items():
            if name not in ("mode", "enabled", "name", "key"):
                yield bool(value.strip(" 0.-"))


def played(time_map: ET.Element, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction]:
    """Return what of the media is played from `begin` to `end` of a clip's own time.

    Raise ValueError where it stands still or runs backwards.
    """
    points = sorted(
        (time_of(point.attrib["time"]), time_of(point.attrib["value"]))
        for point in time_map.iterfind("timept")
    )
    first, last = (_mapped(points, at) for at in (begin, end))
    if not first < last:
        raise ValueError("it stands still or runs backwards")
    return first, last


def _mapped(points: list[tuple[Fraction, Fraction]], at: Fraction) -> Fraction:
    """The media's time at a clip's: evenly from point to point, and on from the outer ones."""
    if len(points) < 2:
        raise ValueError("its time map has no two points")
    after = next((n for n in range(1, len(points) - 1) if at <= points[n][0]), len(points) - 1)
    (time, value), (next_time, next_value) = points[after - 1 : after + 1]
    return value + (next_value - value) * (at - time) / (next_time - time)


@dataclass(frozen=True, slots=True)
class Placement:
    """How clips of one asset are placed."""

    size: tuple[int, int] | None
    canvas: tuple[int, int] | None
    dialect: str
    rate: Fraction
    shift: Fraction
    """From the clip's own time to the media's."""

    def of(self, item: ET.Element) -> Placing:
        """Return the placing of the clip that `item` is."""
        if self.size is None or self.canvas is None:
            return None, (), []
        kind = item.find("adjust-conform")
        conform = "fit" if kind is None else kind.get("type", "fit")
        transform = item.find("adjust-transform")
        if transform is None or transform.get("enabled") == "0":
            return self._move(conform, {}), (), []
        parts = self._parts(transform)
        first = {name: keys[0][1] for name, keys in parts.items()}
        unsaid = ["is turned"] if any(value for _, value in parts["rotation0"]) else []
        keys = moving(parts, lambda values: self._move(conform, values))
        across, down = parts["scale0"], parts["scale1"]
        frames = {frame for frame, _ in (*across, *down)}
        if any(abs(value_at(across, at) - value_at(down, at)) > 1e-4 for at in frames):
            unsaid.append("is stretched")
        return self._move(conform, first), keys, unsaid

    def _parts(self, transform: ET.Element) -> dict[str, list[tuple[int, float]]]:
        """Each number of the transform -> (frame of the media, value): position0 is across."""
        parts: dict[str, list[tuple[int, float]]] = {}
        for name, still in _STILL.items():
            parameter = _parameter(transform, name)
            text = transform.get(name) or (None if parameter is None else parameter.get("value"))
            numbers = _numbers(text or still)
            keys = self._keys(parameter)
            for axis in range(len(still.split())):
                alone = None if parameter is None else _parameter(parameter, _AXES[axis])
                own = self._keys(alone)
                if own:
                    parts[f"{name}{axis}"] = [(frame, values[0]) for frame, values in own]
                elif keys:
                    parts[f"{name}{axis}"] = [(frame, values[axis]) for frame, values in keys]
                else:
                    said = numbers if alone is None else _numbers(alone.get("value", ""))
                    value = numbers[axis] if alone is None or not said else said[0]
                    parts[f"{name}{axis}"] = [(0, value)]
        return parts

    def _keys(self, parameter: ET.Element | None) -> list[tuple[int, tuple[float, ...]]]:
        """Of one parameter: (frame of the media, its numbers)."""
        if parameter is None:
            return []
        return sorted(
            (
                round((time_of(key.attrib["time"]) - self.shift) * self.rate),
                _numbers(key.attrib["value"]),
            )
            for key in parameter.iterfind("keyframeAnimation/keyframe")
        )

    def _move(self, conform: str, values: Mapping[str, float]) -> Transform:
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
        return placed(base * scale, dx, dy)


def _parameter(element: ET.Element, name: str) -> ET.Element | None:
    return next(
        (p for p in element.iterfind("param") if p.get("name", "").lower() == name.lower()), None
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(finite(number) for number in text.split())
