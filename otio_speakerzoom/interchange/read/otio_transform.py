"""How a clip of an .otio is placed: Resolve's transform, Premiere's, or our own note.

Resolve: zoom and pan count on the picture after input scaling, tilt upwards. Premiere: scale in
percent of the file's own pixels, position in fractions of the frame. Sources as in `adapters/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from otio_speakerzoom.interchange.read.edited_timeline import (
    Keyed,
    Placing,
    TransformKey,
    moving,
    placed,
    unplaced,
)
from otio_speakerzoom.interchange.read.values import exact_rate, finite
from otio_speakerzoom.model import Box
from otio_speakerzoom.timeline.facts import NAMESPACE
from otio_speakerzoom.timeline.transform import Transform, fill, fit, transform_of

RESOLVE, PREMIERE = "Resolve_OTIO", "PremierePro_OTIO"
"""Under which keys the hosts keep their notes."""
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for a whole timeline."""

    host: str
    rate: Fraction
    canvas: tuple[int, int] | None
    size: tuple[int, int] | None

    def frames(self, time: Json) -> float:
        """Return a RationalTime in frames of the programme; exact where the rates are one."""
        value, rate = finite(time["value"]), finite(time["rate"])
        if not 0 < rate < 1e6:
            raise ValueError(f"a rate of {rate:g} is none")
        own = exact_rate(rate)
        return value if own == self.rate else float(Fraction(value) / own * self.rate)


def notes_of(item: Json, key: str) -> Json:
    """Return what was noted on an element under `key`; empty where nothing was."""
    return (item.get("metadata") or {}).get(key) or {}


def placing(item: Json, effects: list[Json], start: int, begin: float, facts: Facts) -> Placing:
    """Return the placing of a clip with these effects.

    `start` is the first frame of the media that it plays, `begin` the media's own first frame as
    the clip's range counts.
    """
    if facts.host == "resolve":
        return _resolve_moves([notes_of(e, RESOLVE) for e in effects], start, facts)
    if facts.host == "premiere":
        return _premiere_moves([notes_of(e, PREMIERE) for e in effects], begin, facts)
    return _our_moves(item, [notes_of(e, NAMESPACE) for e in effects], facts)


def is_framed(effects: list[Json], facts: Facts) -> bool:
    """Return whether any of a clip's effects says how its picture is placed."""
    if facts.host == "resolve":
        return any(notes_of(e, RESOLVE).get("Effect Name") in _RESOLVE_PLACING for e in effects)
    if facts.host == "premiere":
        return any(notes_of(e, PREMIERE).get("MatchName") == _MOTION for e in effects)
    return any("crop" in notes_of(e, NAMESPACE) for e in effects)


_RESOLVE_PLACING = ("Transform", "Retime and Scaling")
_MOTION = "AE.ADBE Motion"


def _our_moves(item: Json, effects: list[Json], facts: Facts) -> Placing:
    """What we noted in a file for no host: the crop on the effect, the keys on the clip."""
    size, canvas = facts.size, facts.canvas
    if size is None or canvas is None:
        return None, (), []
    crops = [noted["crop"] for noted in effects if "crop" in noted]
    if not crops:
        return unplaced(size, canvas), (), []
    keys = tuple(
        TransformKey(int(frame), _cropped(crop, size, canvas))
        for frame, *crop in notes_of(item, NAMESPACE).get("keys") or ()
    )
    return _cropped(crops[-1], size, canvas), keys, []


def _cropped(edges: list[Any], size: tuple[int, int], canvas: tuple[int, int]) -> Transform:
    crop = Box.from_edges(finite(edge) for edge in edges)
    if crop.width <= 0 or crop.height <= 0:
        raise ValueError(f"the crop {edges} has no area")
    return transform_of(crop, size, canvas)


def _resolve_moves(effects: list[Json], start: int, facts: Facts) -> Placing:
    if facts.size is None or facts.canvas is None:
        return None, (), []
    keyed: dict[str, list[tuple[int, float]]] = {}
    unsaid = []
    for effect in effects:
        kind, parameters = effect.get("Effect Name"), effect.get("Parameters") or ()
        if effect.get("Enabled") is False:
            continue
        if kind in _RESOLVE_PLACING:
            keyed |= {p["Parameter ID"]: _resolve_keys(p, start) for p in parameters}
        elif kind == "Cropping" and any(_resolve_values(p) for p in parameters):
            unsaid.append("has a crop effect")
        elif kind == "Dynamic Zoom":
            unsaid.append("has a dynamic zoom")
    still = {name: keys for name, keys in keyed.items() if name in _RESOLVE_STILL}
    full = {name: [(0, value)] for name, value in _RESOLVE_STILL.items()} | still
    if any(value for _, value in full["transformationRotationAngle"]):
        unsaid.append("is turned")
    if any(value for name in keyed if "Flip" in name for _, value in keyed[name]):
        unsaid.append("is mirrored")
    bases = _bases(round(keyed.get("scale", [(0, 2)])[0][1]), facts.size, facts.canvas)

    def move_of(values: Mapping[str, float]) -> Transform:
        (width, height), (base_x, base_y) = facts.size or (1, 1), bases
        dx = values["transformationPan"] * width * base_x
        dy = -values["transformationTilt"] * height * base_y
        return placed(values["transformationZoomX"] * base_x, dx, dy)

    first = {name: keys[0][1] for name, keys in full.items()}
    across, down = (
        first[f"transformationZoom{axis}"] * base for axis, base in zip("XY", bases, strict=True)
    )
    if abs(across - down) > 1e-4 * across:
        unsaid.append("is stretched")
    return move_of(first), moving(full, move_of), unsaid


_RESOLVE_STILL = {
    "transformationZoomX": 1.0,
    "transformationZoomY": 1.0,
    "transformationPan": 0.0,
    "transformationTilt": 0.0,
    "transformationRotationAngle": 0.0,
}


def _bases(scaling: int, size: tuple[int, int], canvas: tuple[int, int]) -> tuple[float, float]:
    """How Resolve scales a picture before its zoom, on both axes.

    0 is the project's setting, which is fit unless somebody changed it.
    """
    fitted, filled = fit(size, canvas), fill(size, canvas)
    stretched = canvas[0] / size[0], canvas[1] / size[1]
    bases = {0: (fitted,) * 2, 1: (1.0, 1.0), 2: (fitted,) * 2, 3: (filled,) * 2, 4: stretched}
    if scaling not in bases:
        raise ValueError(f"{scaling} is no input scaling of Resolve's")
    return bases[scaling]


def _resolve_keys(parameter: Json, start: int) -> list[tuple[int, float]]:
    """(frame of the media, value); Resolve counts from the clip's first frame."""
    keys = parameter.get("Key Frames") or {}
    found = sorted((start + int(at), _number(key["Value"])) for at, key in keys.items())
    return found or [(start, _number(parameter["Parameter Value"]))]


def _resolve_values(parameter: Json) -> bool:
    """Whether a parameter, still or keyed, is anything but 0."""
    return any(value for _, value in _resolve_keys(parameter, 0))


def _number(value: Any) -> float:
    """A parameter that is no number (a point, a switch) counts by whether it is set."""
    return finite(value) if type(value) in (int, float) else float(value is True)


def _premiere_moves(effects: list[Json], begin: float, facts: Facts) -> Placing:
    canvas = facts.canvas
    if canvas is None:
        return None, (), []
    found: dict[str, list[tuple[int, Any]]] = {}
    for effect in effects:
        if effect.get("MatchName") == _MOTION:
            found |= {
                str(p["DisplayName"]): _premiere_keys(p, begin, facts) for p in effect["Parameters"]
            }
    middle = [(0, {"X": 0.5, "Y": 0.5})]
    position, anchor = found.get("Position", middle), found.get("Anchor Point", middle)
    keyed: Keyed = {
        "scale": [(at, finite(v)) for at, v in found.get("Scale", [(0, 100.0)])],
        "x": [(at, finite(v["X"])) for at, v in position],
        "y": [(at, finite(v["Y"])) for at, v in position],
    }
    unsaid = []
    if any(finite(v) for _, v in found.get("Rotation", ())):
        unsaid.append("is turned")
    if any((finite(v["X"]), finite(v["Y"])) != (0.5, 0.5) for _, v in anchor):
        unsaid.append("has its anchor moved")
    edges = (found.get(f"Crop {edge}", ()) for edge in ("Left", "Top", "Right", "Bottom"))
    if any(finite(v) for keys in edges for _, v in keys):
        unsaid.append("has a crop effect")

    def move_of(values: Mapping[str, float]) -> Transform:
        dx, dy = (values["x"] - 0.5) * canvas[0], (values["y"] - 0.5) * canvas[1]
        return placed(values["scale"] / 100, dx, dy)

    return (
        move_of({name: keys[0][1] for name, keys in keyed.items()}),
        moving(keyed, move_of),
        unsaid,
    )


def _premiere_keys(parameter: Json, begin: float, facts: Facts) -> list[tuple[int, Any]]:
    """(frame of the media, value); keys count as the clip's range does, `begin` is its origin."""
    keys = [
        (round(facts.frames(key["Position"]) - begin), key["Value"])
        for key in parameter.get("Keyframes") or ()
    ]
    return sorted(keys, key=lambda key: key[0]) or [(0, parameter["StartValue"]["Value"])]
