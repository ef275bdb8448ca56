"""What each written file says, read back with formulas of its own.

Nothing here is shared with the writers: each reader undoes one host's units, as the notes on that
host give them, and returns the shots as (record start, source in, source out, crop).
"""

import json
from fractions import Fraction
from typing import NamedTuple

from lxml import etree


class Read(NamedTuple):
    record: int
    start: int
    end: int
    crop: tuple[float, float, float, float]
    """Left, top, right, bottom in source pixels."""


def crop_from(k, dx, dy, size, canvas):
    """Undo: scale about the picture's centre by k, then move by (dx, dy) canvas pixels."""
    w, h = canvas[0] / k, canvas[1] / k
    x, y = size[0] / 2 - dx / k - w / 2, size[1] / 2 - dy / k - h / 2
    return x, y, x + w, y + h


def parse_xml(text):
    return etree.fromstring(text.encode())


def seconds(text):
    assert text.endswith("s")
    return Fraction(text[:-1])


def frames(time, step):
    count = time / step
    assert count.denominator == 1, f"{time} s is not on a frame of {step} s"
    return int(count)


def fcpxml(text, variant):
    root = parse_xml(text)
    formats = {f.get("id"): f for f in root.iter("format")}
    sequence, asset = root.find(".//sequence"), root.find(".//asset")
    step = seconds(formats[sequence.get("format")].get("frameDuration"))
    w, h = (int(formats[sequence.get("format")].get(key)) for key in ("width", "height"))
    sw, sh = (int(formats[asset.get("format")].get(key)) for key in ("width", "height"))
    f = min(w / sw, h / sh)
    shots = []
    for clip in root.iter("asset-clip"):
        assert clip.find("adjust-conform").get("type") == "fit"
        transform = clip.find("adjust-transform")
        s, s2 = map(float, transform.get("scale").split())
        assert s == s2
        px, py = map(float, transform.get("position").split())
        dx, dy = px * h / 100, -py * h / 100
        if variant == "resolve":
            dx, dy = dx * sw * f / w, dy * sh * f / h
        start = frames(seconds(clip.get("start")) - seconds(asset.get("start")), step)
        end = start + frames(seconds(clip.get("duration")), step)
        record = frames(seconds(clip.get("offset")), step)
        shots.append(Read(record, start, end, crop_from(f * s, dx, dy, (sw, sh), (w, h))))
    return shots


def number(element, path):
    return float(element.findtext(path))


def parameters(effect):
    return {p.findtext("parameterid"): p.find("value") for p in effect.iter("parameter")}


def xmeml(text):
    sequence = parse_xml(text).find("sequence")
    picture = sequence.find("media/video/format/samplecharacteristics")
    w, h = (int(picture.findtext(key)) for key in ("width", "height"))
    source = sequence.find(".//file/media/video/samplecharacteristics")
    sw, sh = (int(source.findtext(key)) for key in ("width", "height"))
    shots = []
    for clip in sequence.iterfind("media/video/track/clipitem"):
        (effect,) = clip.iterfind("filter/effect[effectid='basic']")
        values = parameters(effect)
        k = float(values["scale"].text) / 100
        dx, dy = (number(values["center"], key) for key in ("horiz", "vert"))
        record, to, start, end = (int(clip.findtext(key)) for key in ("start", "end", "in", "out"))
        assert to - record == end - start
        shots.append(Read(record, start, end, crop_from(k, dx * sw, dy * sh, (sw, sh), (w, h))))
    return shots


def resolve_parameters(clip):
    return {
        p["Parameter ID"]: p["Parameter Value"]
        for effect in clip["effects"]
        for p in effect["metadata"]["Resolve_OTIO"]["Parameters"]
    }


def resolve_otio(text, size, canvas):
    """The canvas is not in the file (Resolve takes the project's), so it must be given."""
    (track,) = (t for t in json.loads(text)["tracks"]["children"] if t["kind"] == "Video")
    (sw, sh), (w, h) = size, canvas
    record, shots = 0, []
    for clip in track["children"]:
        values = resolve_parameters(clip)
        base = {2: min, 3: max}[values.get("scale", 2)](w / sw, h / sh)
        zoom = values["transformationZoomX"]
        assert zoom == values["transformationZoomY"]
        dx = values["transformationPan"] * sw * base
        dy = -values["transformationTilt"] * sh * base
        shown = clip["source_range"]
        whole = clip["media_references"]["DEFAULT_MEDIA"]["available_range"]
        start = int(shown["start_time"]["value"] - whole["start_time"]["value"])
        end = start + int(shown["duration"]["value"])
        crop = crop_from(base * zoom, dx, dy, size, canvas)
        shots.append(Read(record, start, end, crop))
        record += end - start
    return shots


def between(keys, frame, size, canvas):
    """What is seen at `frame` of a crop with (frame, box) keys: scale and centre change evenly."""
    moves = []
    for at, box in keys:
        k = canvas[0] / (box.right - box.left)
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        moves.append((at, k, (size[0] / 2 - x) * k, (size[1] / 2 - y) * k))
    if frame <= moves[0][0] or frame >= moves[-1][0]:
        return crop_from(*moves[0 if frame <= moves[0][0] else -1][1:], size, canvas)
    frames = [move[0] for move in moves]
    after = next(n for n, at in enumerate(frames) if at > frame)
    a, b = moves[after - 1], moves[after]
    part = (frame - a[0]) / (b[0] - a[0])
    return crop_from(*(p + part * (q - p) for p, q in zip(a[1:], b[1:], strict=True)), size, canvas)
