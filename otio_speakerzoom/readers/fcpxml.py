"""FCPXML of Final Cut Pro or DaVinci Resolve as an edited timeline.

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

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.readers.edited import (
    EditedClip,
    EditedTimeline,
    Given,
    finite,
    frame_range,
    media_path,
    moving,
    placed,
)
from otio_speakerzoom.readers.safe_xml import parse_xml
from otio_speakerzoom.reframe import Reframe, fill, fit

DIALECTS = ("fcp", "resolve")
_TIME = re.compile(r"(-?\d{1,19})(?:/(\d{1,10}))?s")
_WITH_MEDIA = ("asset-clip", "clip", "video")
_OTHERS = ("ref-clip", "sync-clip", "mc-clip", "title", "audition", "live-drawing")
# Effects that change what is seen of the picture, over and above its placing.
_ODD = {
    "timeMap": "plays at another speed",
    "conform-rate": "runs at another rate than the timeline",
    "adjust-crop": "has a crop effect",
    "adjust-corners": "has distorted corners",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    path: str
    start: Fraction
    """Its timecode in seconds, 0 where the file does not say it."""
    starts: bool
    """Whether it does."""
    duration: Fraction
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Sequence:
    rate: Fraction
    canvas: tuple[int, int]
    start: Fraction
    """Timecode of the programme in seconds."""
    dialect: str
    assets: Mapping[str, _Asset]

    def frames(self, seconds: Fraction) -> Fraction:
        return seconds * self.rate


def read(text: str, given: Given) -> EditedTimeline:
    """Return the first project's sequence; the units are those of `given.dialect`.

    Without one it is Resolve's where Resolve added its name to the event's, else Final Cut's.
    """
    root = parse_xml(text)
    if root.tag != "fcpxml":
        raise ValueError(f"it is <{root.tag}>, not FCPXML")
    # A compound clip is a sequence too, among the resources.
    element = next((p.find("sequence") for p in root.iter("project")), None)
    spine = None if element is None else element.find("spine")
    if element is None or spine is None:
        raise ValueError("it holds no project with a sequence")
    formats = {f.get("id"): f for f in root.iterfind("resources/format")}
    form = formats[element.attrib["format"]]
    canvas = _size(form) or given.canvas
    if canvas is None:
        raise ValueError("its sequence says no width and height")
    sequence = _Sequence(
        rate=1 / _time(form.attrib["frameDuration"]),
        canvas=canvas,
        start=_time(element.get("tcStart", "0s")),
        dialect=given.dialect or _looks_like(root),
        assets={
            asset.attrib["id"]: _asset(asset, formats, given)
            for asset in root.iterfind("resources/asset")
        },
    )
    lanes: dict[int, list[EditedClip]] = {}
    notes: list[str] = []
    for item, lane, at in _items(spine, sequence.start, 0):
        if item.tag == "transition":
            notes.append(f"a transition at frame {round(sequence.frames(at - sequence.start))}")
        elif (clip := _clip(item, at, sequence)) is not None:
            lanes.setdefault(lane, []).append(clip)
    tracks = (
        tuple(sorted(lanes[lane], key=lambda clip: clip.record.start)) for lane in sorted(lanes)
    )
    name = next((p.get("name", "") for p in root.iter("project")), "")
    return EditedTimeline(
        sequence.dialect, name, sequence.rate, canvas, tuple(tracks), tuple(notes)
    )


def _looks_like(root: ET.Element) -> str:
    events = root.iter("event")
    return "resolve" if any("(Resolve)" in e.get("name", "") for e in events) else "fcp"


def _items(
    spine: ET.Element, begin: Fraction, lane: int
) -> Iterator[tuple[ET.Element, int, Fraction]]:
    """Everything seen in a storyline, and connected to it: element, lane, record time.

    In a storyline, offsets count in the parent's time; what is left out lies behind the last.
    """
    at = begin
    for item in spine:
        if item.tag not in (*_WITH_MEDIA, *_OTHERS, "gap", "transition"):
            continue
        at = _time(item.attrib["offset"]) if "offset" in item.attrib else at
        yield item, lane, at
        yield from _connected(item, at)
        if item.tag != "transition":
            at += _time(item.attrib["duration"])


def _connected(item: ET.Element, at: Fraction) -> Iterator[tuple[ET.Element, int, Fraction]]:
    """What hangs on `item`, whose own time starts at `start`."""
    own = _time(item.get("start", "0s"))
    for child in item:
        if "lane" not in child.attrib:
            continue
        lane, child_at = int(child.attrib["lane"]), at + _time(child.get("offset", "0s")) - own
        if child.tag == "spine":
            shift = child_at
            for inner, _, inner_at in _items(child, Fraction(0), lane):
                yield inner, lane, shift + inner_at
        elif child.tag in (*_WITH_MEDIA, *_OTHERS):
            yield child, lane, child_at


def _clip(item: ET.Element, at: Fraction, sequence: _Sequence) -> EditedClip | None:
    """The clip that `item` is; None for a gap, and for what is only heard."""
    name = item.get("name", item.tag)
    if item.tag == "gap" or item.get("srcEnable") == "audio":
        return None
    duration = _time(item.attrib["duration"])
    record = frame_range(name, sequence.frames(at - sequence.start), sequence.frames(duration))
    enabled = item.get("enabled", "1") != "0"
    shown = item.find("video") if item.tag == "clip" else item
    asset = None if shown is None else sequence.assets.get(shown.get("ref", ""))
    if item.tag in _OTHERS or shown is None or asset is None:
        kind = "has no media of its own" if shown is not None else "shows no picture"
        return EditedClip(record, None, name, "", None, enabled=enabled, odd=kind)
    begin = _time(item.get("start", "0s" if item is not shown else _seconds(asset.start)))
    shift = asset.start  # from the clip's own time to the media's frames
    if item is not shown:
        inner = _time(shown.get("start", "0s")) - _time(shown.get("offset", "0s"))
        shift = asset.start - inner
    source = frame_range(name, sequence.frames(begin - shift), sequence.frames(duration))
    moves = _Moves(asset, sequence, shift)
    move, keys, turned = moves.of(item)
    odd = [what for tag, what in _ODD.items() if item.find(tag) is not None]
    return EditedClip(
        record, source, name, asset.path, move, keys, enabled,
        ", ".join([*odd, *turned]),
        size=asset.size,
        whole=FrameRange(0, max(1, round(sequence.frames(asset.duration)))),
        timecode=round(sequence.frames(asset.start)) if asset.starts else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Moves:
    """How clips of one asset are placed."""

    asset: _Asset
    sequence: _Sequence
    shift: Fraction

    def of(self, item: ET.Element) -> tuple[Reframe | None, tuple, list[str]]:
        """The placing, its keys where it moves, and what the placing cannot say."""
        if self.asset.size is None:
            return None, (), ["has no known size"]
        kind = item.find("adjust-conform")
        conform = "fit" if kind is None else kind.get("type", "fit")
        transform = item.find("adjust-transform")
        if transform is None or transform.get("enabled") == "0":
            return self._move(conform, {}), (), []
        keyed = {name: self._keys(transform, name, still) for name, still in _STILL.items()}
        parts = {
            f"{name}{axis}": [(frame, values[axis]) for frame, values in keys]
            for name, keys in keyed.items()
            for axis in range(len(_STILL[name].split()))
        }
        first = {name: keys[0][1] for name, keys in parts.items()}
        odd = ["is turned"] if any(value for _, value in parts["rotation0"]) else []
        if any(
            abs(x[1] - y[1]) > 1e-4 for x, y in zip(parts["scale0"], parts["scale1"], strict=True)
        ):
            odd.append("is stretched")
        keys = moving(parts, lambda values: self._move(conform, values))
        return self._move(conform, first), keys, odd

    def _keys(
        self, transform: ET.Element, name: str, still: str
    ) -> list[tuple[int, tuple[float, ...]]]:
        """Of one parameter: (frame of the media, its numbers)."""
        found = transform.findall(f"param[@name='{name}']/keyframeAnimation/keyframe")
        if not found:
            return [(0, _numbers(transform.get(name, still)))]
        return sorted(
            (
                round(self.sequence.frames(_time(key.attrib["time"]) - self.shift)),
                _numbers(key.attrib["value"]),
            )
            for key in found
        )

    def _move(self, conform: str, values: Mapping[str, float]) -> Reframe:
        assert self.asset.size is not None
        size, canvas = self.asset.size, self.sequence.canvas
        base = {"fit": fit(size, canvas), "fill": fill(size, canvas), "none": 1.0}[conform]
        scale = values.get("scale0", 1.0)
        # The anchor is what stays in place: with it elsewhere, the centre moves with the scale.
        x = values.get("position0", 0.0) - values.get("anchor0", 0.0) * scale
        y = values.get("position1", 0.0) - values.get("anchor1", 0.0) * scale
        dx, dy = x * canvas[1] / 100, -y * canvas[1] / 100
        if self.sequence.dialect == "resolve":
            fitted = fit(size, canvas)
            dx *= size[0] * fitted / canvas[0]
            dy *= size[1] * fitted / canvas[1]
        return placed(base * scale, dx, dy)


_STILL = {"position": "0 0", "scale": "1 1", "rotation": "0", "anchor": "0 0"}


def _asset(asset: ET.Element, formats: Mapping[str | None, ET.Element], given: Given) -> _Asset:
    source = asset.get("src") or next((m.get("src", "") for m in asset.iter("media-rep")), "")
    form = formats.get(asset.get("format"))
    return _Asset(
        media_path(source),
        _time(asset.get("start", "0s")),
        "start" in asset.attrib,
        _time(asset.get("duration", "0s")),
        (None if form is None else _size(form)) or given.size,
    )


def _size(form: ET.Element) -> tuple[int, int] | None:
    if "width" not in form.attrib or "height" not in form.attrib:
        return None
    width, height = int(form.attrib["width"]), int(form.attrib["height"])
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise ValueError(f"a picture of {width}x{height} is none")
    return width, height


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(finite(number) for number in text.split())


def _time(text: str) -> Fraction:
    """An exact fraction of seconds."""
    match = _TIME.fullmatch(text)
    if not match or (match[2] and not int(match[2])):
        raise ValueError(f"{text[:40]} is no FCPXML time")
    return Fraction(int(match[1]), int(match[2] or 1))


def _seconds(time: Fraction) -> str:
    return f"{time}s"
