"""Transform and effects of a Final Cut Pro 7 XML clip: above all the filter Basic Motion.

Scale counts in percent of the file's own pixels, the centre in widths and heights of its own
picture, as measured in Premiere. In Resolve both count on the picture after it was fitted to the
canvas. Keyframes count from the media's first frame, as `in` does.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from otio_speakerzoom.interchange.read.edited_timeline import (
    ClipTransform,
    ParameterKeys,
    first_values,
    rest_of_frame,
    transform_keys,
    valid_transform,
)
from otio_speakerzoom.interchange.read.messages import ANCHOR_MOVED, ROTATED
from otio_speakerzoom.interchange.read.safe_xml import text_at
from otio_speakerzoom.interchange.read.values import finite_number, whole_number
from otio_speakerzoom.model import Box
from otio_speakerzoom.timeline.transform import Transform, fit

_EDGES = ("left", "top", "right", "bottom")


def effect_of(item: ET.Element, effect_id: str) -> ET.Element | None:
    """Return the clip's effect of that kind, unless it is switched off."""
    for applied in item.iterfind("filter"):
        effect = applied.find("effect")
        if effect is None or (effect.findtext("effectid") or "").strip() != effect_id:
            continue
        if is_true(applied, "enabled") and not is_true(effect, "pproBypass", default=False):
            return effect
    return None


def is_true(element: ET.Element, key: str, *, default: bool = True) -> bool:
    """Return a switch's state; `default` where it is not there."""
    text = (element.findtext(key) or "").strip().upper()
    return text in ("TRUE", "1") if text else default


def is_cropped(item: ET.Element) -> bool:
    """Return whether a crop removes anything; Resolve writes an empty one on every clip."""
    effect = effect_of(item, "crop")
    if effect is None:
        return False
    parameters = _by_id(effect)
    return any(value for edge in _EDGES for _, value in _keys(parameters.get(edge), default=0.0))


def _rest(item: ET.Element, upright: tuple[int, int], rotation: int) -> Box | None:
    """Return what a crop that stands still leaves of the upright frame; None without one.

    It counts on the frame before it is turned by `rotation` degrees clockwise.
    """
    effect = effect_of(item, "crop")
    if effect is None or not is_cropped(item):
        return None
    parameters = _by_id(effect)
    keys = [_keys(parameters.get(edge), default=0.0) for edge in _EDGES]
    if any(len(rows) > 1 for rows in keys):
        return None
    stored = [rows[0][1] / 100 for rows in keys]
    turns = rotation // 90
    return rest_of_frame(upright, [*stored[4 - turns :], *stored[: 4 - turns]])


def is_retimed(item: ET.Element) -> bool:
    """Return whether the clip's speed is not 100 %, which Resolve writes on every clip."""
    effect = effect_of(item, "timeremap")
    if effect is None:
        return False
    parameters = _by_id(effect)
    speed = _keys(parameters.get("speed"), default=100.0)
    switches = [parameters[name] for name in ("variablespeed", "reverse") if name in parameters]
    on = any(is_true(switch, "value", default=False) for switch in switches)
    return on or any(value != 100 for _, value in speed)


def read_transform(
    item: ET.Element,
    stored: tuple[int, int] | None,
    upright: tuple[int, int] | None,
    canvas: tuple[int, int] | None,
    dialect: str,
    rotation: int,
) -> ClipTransform:
    """Return the transform of a clip whose frames are of `stored` size, and `upright` as shown.

    `rotation` in degrees is what Basic Motion may repeat of the file's own rotation.
    """
    if stored is None or upright is None or (dialect == "resolve" and canvas is None):
        return ClipTransform(None)
    base = fit(upright, canvas) if dialect == "resolve" and canvas else 1.0

    def to_transform(values: Mapping[str, float]) -> Transform:
        dx, dy = values["horiz"] * stored[0] * base, values["vert"] * stored[1] * base
        return valid_transform(base * values["scale"] / 100, dx, dy)

    effect = effect_of(item, "basic")
    parameters = _basic_motion(effect)
    unsupported = []
    if effect is not None and any((turn - rotation) % 360 for _, turn in parameters["rotation"]):
        unsupported.append(ROTATED)
    if any(value for name in ("anchor_x", "anchor_y") for _, value in parameters[name]):
        unsupported.append(ANCHOR_MOVED)
    first = to_transform(first_values(parameters))
    keys = transform_keys(parameters, to_transform)
    return ClipTransform(first, keys, unsupported, _rest(item, upright, rotation))


def _basic_motion(effect: ET.Element | None) -> ParameterKeys:
    """Basic Motion's numbers, or its defaults where a clip has none."""
    parameters = {} if effect is None else _by_id(effect)
    return {
        "scale": _keys(parameters.get("scale"), default=100.0),
        "rotation": _keys(parameters.get("rotation"), default=0.0),
        "horiz": _keys(parameters.get("center"), "/horiz", default=0.0),
        "vert": _keys(parameters.get("center"), "/vert", default=0.0),
        "anchor_x": _keys(parameters.get("centerOffset"), "/horiz", default=0.0),
        "anchor_y": _keys(parameters.get("centerOffset"), "/vert", default=0.0),
    }


def _by_id(effect: ET.Element) -> dict[str, ET.Element]:
    return {
        (parameter.findtext("parameterid") or "").strip(): parameter
        for parameter in effect.iterfind("parameter")
    }


def _keys(
    parameter: ET.Element | None, part: str = "", *, default: float
) -> list[tuple[int, float]]:
    """(frame of the media, value); a single one where the parameter stands still."""
    if parameter is None or (
        parameter.find("value") is None and parameter.find("keyframe") is None
    ):
        return [(0, default)]
    keys = [
        (whole_number(text_at(key, "when")), finite_number(text_at(key, f"value{part}")))
        for key in parameter.iterfind("keyframe")
    ]
    return sorted(keys) or [(0, finite_number(text_at(parameter, f"value{part}")))]
