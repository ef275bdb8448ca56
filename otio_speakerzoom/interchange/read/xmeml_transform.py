"""How a clip of Final Cut Pro 7 XML is placed: its filters, above all Basic Motion.

Scale counts in percent of the file's own pixels, the centre in widths and heights of its own
picture, as measured in Premiere. In Resolve both count on the picture after it was fitted to the
canvas. Keyframes count from the media's first frame, as `in` does.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from otio_speakerzoom.interchange.read.edited_timeline import Keyed, Placing, moving, placed
from otio_speakerzoom.interchange.read.safe_xml import text_at
from otio_speakerzoom.interchange.read.values import finite, whole
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
    """Return whether a crop takes anything away; Resolve writes one of nothing on every clip."""
    effect = effect_of(item, "crop")
    if effect is None:
        return False
    parameters = _by_id(effect)
    return any(value for edge in _EDGES for _, value in _keys(parameters.get(edge), "", still=0.0))


def is_retimed(item: ET.Element) -> bool:
    """Return whether the clip's speed is another than its own; Resolve writes 100 % on every."""
    effect = effect_of(item, "timeremap")
    if effect is None:
        return False
    parameters = _by_id(effect)
    speed = _keys(parameters.get("speed"), "", still=100.0)
    switches = [parameters[name] for name in ("variablespeed", "reverse") if name in parameters]
    on = any(is_true(switch, "value", default=False) for switch in switches)
    return on or any(value != 100 for _, value in speed)


def placing(
    item: ET.Element,
    stored: tuple[int, int] | None,
    shown: tuple[int, int] | None,
    canvas: tuple[int, int] | None,
    dialect: str,
    rotation: int,
) -> Placing:
    """Return the placing of a picture of `stored` size, upright of `shown` size.

    `rotation` is what the file's own turn may stand for in Basic Motion.
    """
    if stored is None or shown is None or (dialect == "resolve" and canvas is None):
        return None, (), []
    size = stored
    base = fit(shown, canvas) if dialect == "resolve" and canvas else 1.0

    def move_of(values: Mapping[str, float]) -> Transform:
        dx, dy = values["horiz"] * size[0] * base, values["vert"] * size[1] * base
        return placed(base * values["scale"] / 100, dx, dy)

    effect = effect_of(item, "basic")
    keyed = _parameters(effect)
    first = {name: keys[0][1] for name, keys in keyed.items()}
    unsaid = []
    if effect is not None and any((turn - rotation) % 360 for _, turn in keyed["rotation"]):
        unsaid.append("is turned")
    if any(value for name in ("anchor_x", "anchor_y") for _, value in keyed[name]):
        unsaid.append("has its anchor moved")
    return move_of(first), moving(keyed, move_of), unsaid


def _parameters(effect: ET.Element | None) -> Keyed:
    """Basic Motion's numbers, or where it leaves a picture that it does not touch."""
    found = {} if effect is None else _by_id(effect)
    return {
        "scale": _keys(found.get("scale"), "", still=100.0),
        "rotation": _keys(found.get("rotation"), "", still=0.0),
        "horiz": _keys(found.get("center"), "/horiz", still=0.0),
        "vert": _keys(found.get("center"), "/vert", still=0.0),
        "anchor_x": _keys(found.get("centerOffset"), "/horiz", still=0.0),
        "anchor_y": _keys(found.get("centerOffset"), "/vert", still=0.0),
    }


def _by_id(effect: ET.Element) -> dict[str, ET.Element]:
    return {
        (parameter.findtext("parameterid") or "").strip(): parameter
        for parameter in effect.iterfind("parameter")
    }


def _keys(parameter: ET.Element | None, part: str, *, still: float) -> list[tuple[int, float]]:
    """(frame of the media, value); a single one where it stands still."""
    if parameter is None or (
        parameter.find("value") is None and parameter.find("keyframe") is None
    ):
        return [(0, still)]
    keys = [
        (whole(text_at(key, "when")), finite(text_at(key, f"value{part}")))
        for key in parameter.iterfind("keyframe")
    ]
    return sorted(keys) or [(0, finite(text_at(parameter, f"value{part}")))]
