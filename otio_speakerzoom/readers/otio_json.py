"""OpenTimelineIO's .otio as an edited timeline, with Resolve's or Premiere's transform, or ours.

Read as JSON and not through OTIO: its parser trusts a file's depth and its numbers. Resolve:
zoom and pan count on the picture after input scaling, tilt upwards. Premiere: scale in percent of
the file's own pixels, position in fractions of the frame. Sources as in `adapters/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from otio_speakerzoom.model import Box, FrameRange
from otio_speakerzoom.readers.edited import (
    EditedClip,
    EditedTimeline,
    Given,
    Keyed,
    MovingTo,
    exact_rate,
    finite,
    frame_range,
    media_path,
    moving,
    placed,
    unplaced,
)
from otio_speakerzoom.reframe import Reframe, fill, fit, reframe
from otio_speakerzoom.timeline import NAMESPACE

_RESOLVE, _PREMIERE = "Resolve_OTIO", "PremierePro_OTIO"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Sequence:
    host: str
    rate: Fraction
    canvas: tuple[int, int] | None
    size: tuple[int, int] | None


def read(text: str, given: Given) -> EditedTimeline:
    """Return the picture tracks; the host is the one whose notes the timeline carries.

    Resolve's files say neither the canvas nor the size of the media: these must be given.
    """
    document = json.loads(text, parse_constant=_refuse)
    schema = str(document.get("OTIO_SCHEMA", "")) if isinstance(document, dict) else ""
    if not schema.startswith("Timeline."):
        raise ValueError(f"it is no OTIO timeline{schema and f' but {schema[:40]}'}")
    stack = document["tracks"]
    tracks = [t for t in stack["children"] if _is(t, "Track") and t["kind"] == "Video"]
    sequence = _sequence(document, stack, tracks, given)
    notes: list[str] = []
    read_tracks = tuple(tuple(_clips(track, sequence, notes)) for track in tracks)
    return EditedTimeline(
        sequence.host,
        str(document.get("name") or ""),
        sequence.rate,
        sequence.canvas,
        read_tracks,
        tuple(notes),
    )


def _sequence(document: Json, stack: Json, tracks: list[Json], given: Given) -> _Sequence:
    ours = _notes(document, NAMESPACE)
    resolution = _notes(stack, _PREMIERE).get("VideoResolution", {})
    canvas = (
        (int(resolution["width"]), int(resolution["height"])) if resolution else given.canvas
    ) or (tuple(ours["canvas"]) if "canvas" in ours else None)
    size = given.size or (tuple(ours["size"]) if "size" in ours else None)
    hosts = ((_RESOLVE, "resolve"), (_PREMIERE, "premiere"))
    host = next((name for key, name in hosts if _notes(document, key)), "speakerzoom")
    start = document.get("global_start_time")
    ranges = (c["source_range"] for t in tracks for c in t["children"] if c.get("source_range"))
    first = next(ranges, None) if start is None else None
    rate = first["duration"]["rate"] if first else (start or {"rate": 0})["rate"]
    if not 0 < finite(rate) < 1000:
        raise ValueError(f"a rate of {rate} is none")
    return _Sequence(host, exact_rate(finite(rate)), canvas, size)


def _clips(track: Json, sequence: _Sequence, notes: list[str]) -> Iterator[EditedClip]:
    at = 0
    for item in track["children"]:
        if _is(item, "Transition"):
            notes.append(f"a transition at frame {at}")
            continue
        duration = round(_length(item, sequence))
        if duration < 1 and _is(item, "Gap"):
            continue
        record = frame_range(item.get("name") or "a clip", at, duration)
        at = record.end
        if not _is(item, "Gap"):
            yield _clip(item, record, sequence, enabled=track.get("enabled") is not False)


def _length(item: Json, sequence: _Sequence) -> float:
    """Frames of the programme that the item fills."""
    span = item.get("source_range") or _reference(item).get("available_range")
    if not span:
        raise ValueError(f"{item.get('name')}: says no length")
    return _frames(span["duration"], sequence)


def _clip(item: Json, record: FrameRange, sequence: _Sequence, *, enabled: bool) -> EditedClip:
    name = str(item.get("name") or "")
    enabled = enabled and item.get("enabled") is not False
    reference = _reference(item)
    target = reference.get("target_url")
    noted = _notes(item, NAMESPACE)
    if not _is(item, "Clip") or not target:
        return EditedClip(
            record, None, name, "", None, enabled=enabled, odd="has no media of its own"
        )
    whole = reference.get("available_range") or item["source_range"]
    begin = _frames(whole["start_time"], sequence)
    shown = item.get("source_range") or whole
    start = _frames(shown["start_time"], sequence) - begin
    source = frame_range(name, start, record.duration)
    move, keys, odd = _moves(item, source, begin, sequence)
    odd += [
        "plays at another speed"
        for effect in item.get("effects") or ()
        if str(effect["OTIO_SCHEMA"]).split(".")[0] in ("LinearTimeWarp", "FreezeFrame")
        and effect.get("time_scalar") != 1
    ]
    subjects = noted.get("subjects")
    return EditedClip(
        record, source, str(noted.get("shot") or noted.get("shows") or name), media_path(target),
        move, keys, enabled, ", ".join(odd),
        subjects=None if subjects is None else tuple(int(id_) for id_ in subjects),
        size=sequence.size,
        whole=FrameRange(0, max(1, round(_frames(whole["duration"], sequence)))),
        # Premiere counts media from 0, whatever its timecode
        timecode=round(begin)
        if reference.get("available_range") and sequence.host != "premiere"
        else None,
    )  # fmt: skip


def _moves(
    item: Json, source: FrameRange, begin: float, sequence: _Sequence
) -> tuple[Reframe | None, tuple[MovingTo, ...], list[str]]:
    """The placing, its keys where it moves, and what the placing cannot say."""
    effects = [e for e in item.get("effects") or () if e.get("enabled") is not False]
    if sequence.host == "resolve":
        return _resolve_moves([_notes(e, _RESOLVE) for e in effects], source, sequence)
    if sequence.host == "premiere":
        motion = [_notes(e, _PREMIERE) for e in effects]
        return _premiere_moves(motion, begin, sequence)
    return _our_moves(item, [_notes(e, NAMESPACE) for e in effects], sequence)


def _our_moves(
    item: Json, effects: list[Json], sequence: _Sequence
) -> tuple[Reframe | None, tuple[MovingTo, ...], list[str]]:
    """What we noted in a file for no host: the crop on the effect, the keys on the clip."""
    size, canvas = sequence.size, sequence.canvas
    if size is None or canvas is None:
        return None, (), ["has no known size"]
    crops = [noted["crop"] for noted in effects if "crop" in noted]
    if not crops:
        return unplaced(size, canvas), (), []
    keys = tuple(
        MovingTo(int(frame), _cropped(crop, size, canvas))
        for frame, *crop in _notes(item, NAMESPACE).get("keys") or ()
    )
    return _cropped(crops[-1], size, canvas), keys, []


def _cropped(edges: list[Any], size: tuple[int, int], canvas: tuple[int, int]) -> Reframe:
    crop = Box(*(finite(edge) for edge in edges))
    if crop.width <= 0 or crop.height <= 0:
        raise ValueError(f"the crop {edges} has no area")
    return reframe(crop, size, canvas)


def _resolve_moves(
    effects: list[Json], source: FrameRange, sequence: _Sequence
) -> tuple[Reframe | None, tuple[MovingTo, ...], list[str]]:
    if sequence.size is None or sequence.canvas is None:
        return None, (), ["has no known size"]
    keyed: dict[str, list[tuple[int, float]]] = {}
    odd = []
    for effect in effects:
        kind, parameters = effect.get("Effect Name"), effect.get("Parameters") or ()
        if effect.get("Enabled") is False:
            continue
        if kind in ("Transform", "Retime and Scaling"):
            keyed |= {p["Parameter ID"]: _resolve_keys(p, source.start) for p in parameters}
        elif kind == "Cropping" and any(_resolve_values(p) for p in parameters):
            odd.append("has a crop effect")
        elif kind == "Dynamic Zoom":
            odd.append("has a dynamic zoom")
    still = {name: keys for name, keys in keyed.items() if name in _RESOLVE_STILL}
    full = {name: [(0, value)] for name, value in _RESOLVE_STILL.items()} | still
    if any(value for _, value in full["transformationRotationAngle"]):
        odd.append("is turned")
    if any(value for name in keyed if "Flip" in name for _, value in keyed[name]):
        odd.append("is mirrored")
    bases = _bases(round(keyed.get("scale", [(0, 2)])[0][1]), sequence.size, sequence.canvas)

    def move_of(values: Mapping[str, float]) -> Reframe:
        (width, height), (base_x, base_y) = sequence.size or (1, 1), bases
        dx = values["transformationPan"] * width * base_x
        dy = -values["transformationTilt"] * height * base_y
        return placed(values["transformationZoomX"] * base_x, dx, dy)

    first = {name: keys[0][1] for name, keys in full.items()}
    across, down = (
        first[f"transformationZoom{axis}"] * base for axis, base in zip("XY", bases, strict=True)
    )
    if abs(across - down) > 1e-4 * across:
        odd.append("is stretched")
    return move_of(first), moving(full, move_of), odd


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


def _premiere_moves(
    effects: list[Json], begin: float, sequence: _Sequence
) -> tuple[Reframe | None, tuple[MovingTo, ...], list[str]]:
    canvas = sequence.canvas
    if canvas is None:
        return None, (), ["has no known size"]
    found: dict[str, list[tuple[int, Any]]] = {}
    for effect in effects:
        if effect.get("MatchName") == "AE.ADBE Motion":
            found |= {
                str(p["DisplayName"]): _premiere_keys(p, begin, sequence)
                for p in effect["Parameters"]
            }
    middle = [(0, {"X": 0.5, "Y": 0.5})]
    position, anchor = found.get("Position", middle), found.get("Anchor Point", middle)
    keyed: Keyed = {
        "scale": [(at, finite(v)) for at, v in found.get("Scale", [(0, 100.0)])],
        "x": [(at, finite(v["X"])) for at, v in position],
        "y": [(at, finite(v["Y"])) for at, v in position],
    }
    odd = []
    if any(finite(v) for _, v in found.get("Rotation", ())):
        odd.append("is turned")
    if any((finite(v["X"]), finite(v["Y"])) != (0.5, 0.5) for _, v in anchor):
        odd.append("has its anchor moved")

    def move_of(values: Mapping[str, float]) -> Reframe:
        dx, dy = (values["x"] - 0.5) * canvas[0], (values["y"] - 0.5) * canvas[1]
        return placed(values["scale"] / 100, dx, dy)

    return move_of({name: keys[0][1] for name, keys in keyed.items()}), moving(keyed, move_of), odd


def _premiere_keys(parameter: Json, begin: float, sequence: _Sequence) -> list[tuple[int, Any]]:
    """(frame of the media, value); keys count as the clip's range does, `begin` is its origin."""
    keys = [
        (round(_frames(key["Position"], sequence) - begin), key["Value"])
        for key in parameter.get("Keyframes") or ()
    ]
    return sorted(keys, key=lambda key: key[0]) or [(0, parameter["StartValue"]["Value"])]


def _reference(item: Json) -> Json:
    """The media that the clip plays; empty where it has none."""
    if "media_references" in item:  # Clip.2
        return item["media_references"].get(item.get("active_media_reference_key")) or {}
    return item.get("media_reference") or {}  # Clip.1


def _frames(time: Json, sequence: _Sequence) -> float:
    """A RationalTime in frames of the programme; exact where the rates are one."""
    value, rate = finite(time["value"]), finite(time["rate"])
    if not 0 < rate < 1e6:
        raise ValueError(f"a rate of {rate:g} is none")
    own = exact_rate(rate)
    return value if own == sequence.rate else float(Fraction(value) / own * sequence.rate)


def _notes(item: Json, key: str) -> Json:
    return (item.get("metadata") or {}).get(key) or {}


def _is(item: Json, schema: str) -> bool:
    return str(item["OTIO_SCHEMA"]).split(".")[0] == schema


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it says {constant} where a number must be")
