"""Transform of an .otio clip: Resolve's, Premiere's, or the one in our own metadata.

Resolve: zoom and pan count on the frame after input scaling, tilt upwards. Premiere: scale in
percent of the file's own pixels, position in fractions of the frame. Sources as in `adapters/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from otio_speakerzoom.interchange.read.edited_timeline import (
    ClipTransform,
    ParameterKeys,
    TransformKey,
    default_transform,
    first_values,
    rest_of_frame,
    transform_keys,
    valid_transform,
)
from otio_speakerzoom.interchange.read.messages import (
    ANCHOR_MOVED,
    CROP_EFFECT,
    ROTATED,
    STRETCHED,
)
from otio_speakerzoom.interchange.read.values import exact_rate, finite_number
from otio_speakerzoom.model import Box
from otio_speakerzoom.timeline.facts import NAMESPACE
from otio_speakerzoom.timeline.transform import Transform, fill, fit, transform_of
from otio_speakerzoom.timeline.two_up import Half

RESOLVE, PREMIERE = "Resolve_OTIO", "PremierePro_OTIO"
"""Keys of the hosts' metadata."""
Json = Mapping[str, Any]

_RESOLVE_TRANSFORMS = ("Transform", "Retime and Scaling")
_RESOLVE_DEFAULTS = {
    "transformationZoomX": 1.0,
    "transformationZoomY": 1.0,
    "transformationPan": 0.0,
    "transformationTilt": 0.0,
    "transformationRotationAngle": 0.0,
}
_RESOLVE_FIT = 2
"""Number of Resolve's input scaling that is taken where a clip has none."""
EDGES = ("Left", "Top", "Right", "Bottom")
"""As both hosts name them, and the order in which we take them."""
_PREMIERE_MOTION = "AE.ADBE Motion"
_SAME_SCALE = 1e-4
"""Relative difference between both scales up to which a clip is not stretched: rounding."""


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """What all clips of a timeline share."""

    host: str
    rate: Fraction
    canvas: tuple[int, int] | None
    size: tuple[int, int] | None

    def frames(self, time: Json) -> float:
        """Return a RationalTime in frames of the programme; exact where both have one rate."""
        value, rate = finite_number(time["value"]), finite_number(time["rate"])
        if not 0 < rate < 1e6:
            raise ValueError(f"{rate:g} is not a frame rate")
        own = exact_rate(rate)
        return value if own == self.rate else float(Fraction(value) / own * self.rate)


def metadata_of(item: Json, key: str) -> Json:
    """Return an element's metadata under `key`; empty where there is none."""
    return (item.get("metadata") or {}).get(key) or {}


def read_transform(
    item: Json, effects: list[Json], start: int, begin: float, facts: TimelineFacts
) -> ClipTransform:
    """Return the transform of a clip with these effects.

    `start` is the first frame of the media that it plays, `begin` the media's own first frame as
    the clip's range counts.
    """
    if facts.host == "resolve":
        return _resolve_transform([metadata_of(e, RESOLVE) for e in effects], start, facts)
    if facts.host == "premiere":
        return _premiere_transform([metadata_of(e, PREMIERE) for e in effects], begin, facts)
    return _own_transform(item, [metadata_of(e, NAMESPACE) for e in effects], facts)


def has_transform(effects: list[Json], facts: TimelineFacts) -> bool:
    """Return whether any of a clip's effects is a transform."""
    if facts.host == "resolve":
        return any(
            metadata_of(e, RESOLVE).get("Effect Name") in _RESOLVE_TRANSFORMS for e in effects
        )
    if facts.host == "premiere":
        return any(metadata_of(e, PREMIERE).get("MatchName") == _PREMIERE_MOTION for e in effects)
    return any("crop" in metadata_of(e, NAMESPACE) for e in effects)


def _own_transform(item: Json, effects: list[Json], facts: TimelineFacts) -> ClipTransform:
    """By our metadata in a file for no host: the crop on the effect, the keys on the clip."""
    size, canvas = facts.size, facts.canvas
    if size is None or canvas is None:
        return ClipTransform(None)
    crops = [metadata["crop"] for metadata in effects if "crop" in metadata]
    if not crops:
        return ClipTransform(default_transform(size, canvas))
    keys = tuple(
        TransformKey(int(frame), _crop_transform(crop, size, canvas))
        for frame, *crop in metadata_of(item, NAMESPACE).get("keys") or ()
    )
    two_up = metadata_of(item, NAMESPACE).get("two_up")
    if two_up is not None:
        second = metadata_of(item, NAMESPACE).get("second_half") is True
        return _own_half(Half(_layout(two_up), second), crops[-1], size, canvas)
    return ClipTransform(_crop_transform(crops[-1], size, canvas), keys)


def _layout(two_up: Json) -> str:
    if two_up["layout"] not in ("side_by_side", "stacked"):
        raise ValueError("its two-up has an unknown layout")
    return str(two_up["layout"])


def _own_half(
    half: Half, edges: list[Any], size: tuple[int, int], canvas: tuple[int, int]
) -> ClipTransform:
    """One half of a two-up, whose second one is cropped at the seam."""
    crop = _crop(edges)
    rest = half.remaining_frame(crop, size, canvas) if half.is_second else None
    unsupported = [CROP_EFFECT] if rest else []
    return ClipTransform(half.transform(crop, size, canvas), (), unsupported, rest)


def _crop_transform(edges: list[Any], size: tuple[int, int], canvas: tuple[int, int]) -> Transform:
    return transform_of(_crop(edges), size, canvas)


def _crop(edges: list[Any]) -> Box:
    crop = Box.from_edges(finite_number(edge) for edge in edges)
    if crop.width <= 0 or crop.height <= 0:
        raise ValueError(f"the crop {edges} has no area")
    return crop


def _resolve_transform(effects: list[Json], start: int, facts: TimelineFacts) -> ClipTransform:
    if facts.size is None or facts.canvas is None:
        return ClipTransform(None)
    width, height = facts.size
    written, unsupported = _resolve_parameters(effects, start)
    parameters = {name: [(0, value)] for name, value in _RESOLVE_DEFAULTS.items()}
    parameters |= {name: keys for name, keys in written.items() if name in _RESOLVE_DEFAULTS}
    if any(value for _, value in parameters["transformationRotationAngle"]):
        unsupported.append(ROTATED)
    if any(value for name in written if "Flip" in name for _, value in written[name]):
        unsupported.append("is mirrored")
    scaling = round(written.get("scale", [(0, _RESOLVE_FIT)])[0][1])
    base_x, base_y = bases = _input_scales(scaling, facts.size, facts.canvas)

    def to_transform(values: Mapping[str, float]) -> Transform:
        dx = values["transformationPan"] * width * base_x
        dy = -values["transformationTilt"] * height * base_y
        return valid_transform(values["transformationZoomX"] * base_x, dx, dy)

    first = first_values(parameters)
    across, down = (
        first[f"transformationZoom{axis}"] * base for axis, base in zip("XY", bases, strict=True)
    )
    if abs(across - down) > _SAME_SCALE * across:
        unsupported.append(STRETCHED)
    edges = [written.get(f"crop{edge}", [(0, 0.0)])[0][1] for edge in EDGES]
    rest = rest_of_frame(facts.size, edges) if any(edges) else None
    keys = transform_keys(parameters, to_transform)
    return ClipTransform(to_transform(first), keys, unsupported, rest)


def _resolve_parameters(
    effects: list[Json], start: int
) -> tuple[dict[str, list[tuple[int, float]]], list[str]]:
    """The keys of all parameters of Resolve's transforms, and what its other effects do."""
    parameters: dict[str, list[tuple[int, float]]] = {}
    unsupported: list[str] = []
    for effect in effects:
        kind, rows = effect.get("Effect Name"), effect.get("Parameters") or ()
        if effect.get("Enabled") is False:
            continue
        if kind in _RESOLVE_TRANSFORMS:
            parameters |= {row["Parameter ID"]: _resolve_keys(row, start) for row in rows}
        elif kind == "Cropping":
            crops = {row["Parameter ID"]: _resolve_keys(row, start) for row in rows}
            if any(value for keys in crops.values() for _, value in keys):
                unsupported.append(CROP_EFFECT)
                moves = any(len(keys) > 1 for keys in crops.values()) or "cropSoftness" in crops
                parameters |= {} if moves else crops
        elif kind == "Dynamic Zoom":
            unsupported.append("has a dynamic zoom")
    return parameters, unsupported


def _input_scales(
    scaling: int, size: tuple[int, int], canvas: tuple[int, int]
) -> tuple[float, float]:
    """The scale on both axes that Resolve's input scaling of that number gives before the zoom.

    0 is the project's setting, which is fit unless somebody changed it.
    """
    fitted, filled = fit(size, canvas), fill(size, canvas)
    stretched = canvas[0] / size[0], canvas[1] / size[1]
    scales = {0: (fitted,) * 2, 1: (1.0, 1.0), 2: (fitted,) * 2, 3: (filled,) * 2, 4: stretched}
    if scaling not in scales:
        raise ValueError(f"Resolve has no input scaling {scaling}")
    return scales[scaling]


def _resolve_keys(parameter: Json, start: int) -> list[tuple[int, float]]:
    """(frame of the media, value); Resolve counts from the clip's first frame."""
    rows = parameter.get("Key Frames") or {}
    keys = sorted((start + int(at), _resolve_number(row["Value"])) for at, row in rows.items())
    return keys or [(start, _resolve_number(parameter["Parameter Value"]))]


def _resolve_number(value: Any) -> float:
    """The value of a parameter; if it is not a number (a point, a switch), whether it is on."""
    return finite_number(value) if type(value) in (int, float) else float(value is True)


def _premiere_transform(effects: list[Json], begin: float, facts: TimelineFacts) -> ClipTransform:
    canvas = facts.canvas
    if canvas is None:
        return ClipTransform(None)
    motion: dict[str, list[tuple[int, Any]]] = {}
    for effect in effects:
        if effect.get("MatchName") == _PREMIERE_MOTION:
            motion |= {
                str(p["DisplayName"]): _premiere_keys(p, begin, facts) for p in effect["Parameters"]
            }
    position = motion.get("Position", [(0, {"X": 0.5, "Y": 0.5})])
    parameters: ParameterKeys = {
        "scale": [(at, finite_number(v)) for at, v in motion.get("Scale", [(0, 100.0)])],
        "x": [(at, finite_number(v["X"])) for at, v in position],
        "y": [(at, finite_number(v["Y"])) for at, v in position],
    }
    unsupported = _premiere_unsupported(motion)

    def to_transform(values: Mapping[str, float]) -> Transform:
        dx, dy = (values["x"] - 0.5) * canvas[0], (values["y"] - 0.5) * canvas[1]
        return valid_transform(values["scale"] / 100, dx, dy)

    first = to_transform(first_values(parameters))
    keys = transform_keys(parameters, to_transform)
    return ClipTransform(first, keys, unsupported, _premiere_rest(motion, facts))


def _premiere_rest(motion: Mapping[str, list[tuple[int, Any]]], facts: TimelineFacts) -> Box | None:
    """What a crop that stands still leaves of the frame; in percent of its sides."""
    crops = [motion.get(f"Crop {edge}", [(0, 0.0)]) for edge in EDGES]
    shares = [finite_number(keys[0][1]) / 100 for keys in crops]
    moves = any(len(keys) > 1 for keys in crops)
    return rest_of_frame(facts.size, shares) if facts.size and any(shares) and not moves else None


def _premiere_unsupported(motion: Mapping[str, list[tuple[int, Any]]]) -> list[str]:
    """What Premiere's motion does beyond scale and position."""
    unsupported = []
    if any(finite_number(v) for _, v in motion.get("Rotation", ())):
        unsupported.append(ROTATED)
    anchors = (
        (finite_number(v["X"]), finite_number(v["Y"])) for _, v in motion.get("Anchor Point", ())
    )
    if any(anchor != (0.5, 0.5) for anchor in anchors):
        unsupported.append(ANCHOR_MOVED)
    crops = (motion.get(f"Crop {edge}", ()) for edge in EDGES)
    if any(finite_number(v) for keys in crops for _, v in keys):
        unsupported.append(CROP_EFFECT)
    return unsupported


def _premiere_keys(parameter: Json, begin: float, facts: TimelineFacts) -> list[tuple[int, Any]]:
    """(frame of the media, value); keys count as the clip's range does, `begin` is its origin."""
    keys = [
        (round(facts.frames(key["Position"]) - begin), key["Value"])
        for key in parameter.get("Keyframes") or ()
    ]
    return sorted(keys, key=lambda key: key[0]) or [(0, parameter["StartValue"]["Value"])]
