"""Reads every format back with formulas of its own, to check what the adapters write.

Nothing here is shared with the writers: each reader converts one host's units, as the reference
notes on that host give them, and returns the clips of all video tracks, the lowest first.
"""

import json
import re
from fractions import Fraction
from typing import NamedTuple

import pytest
from lxml import etree


class ReadClip(NamedTuple):
    record: int
    start: int
    end: int
    crop: tuple[float, float, float, float]
    """Left, top, right, bottom in source pixels; of a moving clip, the first."""
    keys: tuple = ()
    """(frame of the source, crop) of each key; empty where it stands still."""
    track: int = 0
    on: bool = True


def read_clip(record, start, end, keys, track=0, on=True):
    """A clip with (frame, crop) keys; a single one means that it stands still."""
    moving = tuple(keys) if len(keys) > 1 else ()
    return ReadClip(record, start, end, keys[0][1], moving, track, on)


def crop_from(k, dx, dy, size, canvas):
    """Invert: scale about the frame's centre by k, then move by (dx, dy) canvas pixels."""
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
    begin = seconds(asset.get("start"))
    shots = []
    for clip in root.iter("asset-clip", "clip"):
        assert clip.find("adjust-conform").get("type") == "fit"
        record, local = (seconds(clip.get(key)) for key in ("offset", "start"))
        if clip.get("lane"):  # its offset counts in the time of the clip it hangs on
            parent = clip.getparent()
            record += seconds(parent.get("offset")) - seconds(parent.get("start"))
            assert clip.find("video").get("ref") == asset.get("id")
        keys = []
        for time, position, scale in fcpxml_keys(clip.find("adjust-transform"), local):
            s, s2 = map(float, scale.split())
            assert s == s2
            px, py = map(float, position.split())
            dx, dy = px * h / 100, -py * h / 100
            if variant == "resolve":
                dx, dy = dx * sw * f / w, dy * sh * f / h
            crop = crop_from(f * s, dx, dy, (sw, sh), (w, h))
            keys.append((frames(time - begin, step), crop))
        start = frames(local - begin, step)
        end = start + frames(seconds(clip.get("duration")), step)
        lane, on = int(clip.get("lane", 0)), clip.get("enabled", "1") == "1"
        shots.append(read_clip(frames(record, step), start, end, keys, lane, on))
    return sorted(shots, key=lambda shot: (shot.track, shot.record))


def fcpxml_keys(transform, start):
    """(time, position, scale) of each key, in the clip's local time; one where it is still."""
    if transform.find("param") is None:
        return [(start, transform.get("position"), transform.get("scale"))]
    rows = {
        param.get("name"): [
            (seconds(k.get("time")), k.get("value")) for k in param.iter("keyframe")
        ]
        for param in transform.iterfind("param")
    }
    assert [time for time, _ in rows["position"]] == [time for time, _ in rows["scale"]]
    return [(t, p, s) for (t, p), (_, s) in zip(rows["position"], rows["scale"], strict=True)]


def number(element, path):
    return float(element.findtext(path))


def parameters(effect):
    return {p.findtext("parameterid"): p.find("value") for p in effect.iter("parameter")}


def xmeml(text, variant="premiere"):
    """Resolve counts both numbers on the picture as scaled to fit, Premiere on the file's own."""
    sequence = parse_xml(text).find("sequence")
    characteristics = sequence.find("media/video/format/samplecharacteristics")
    w, h = (int(characteristics.findtext(key)) for key in ("width", "height"))
    source = sequence.find(".//file/media/video/samplecharacteristics")
    sw, sh = (int(source.findtext(key)) for key in ("width", "height"))
    f = min(w / sw, h / sh) if variant == "resolve" else 1
    shots = []
    for at, track in enumerate(sequence.iterfind("media/video/track")):
        for clip in track.iterfind("clipitem"):
            (effect,) = clip.iterfind("filter/effect[effectid='basic']")
            parameter_keys = xmeml_keys(effect, int(clip.findtext("in")))
            keys = []
            for (when, scale), (_, centre) in zip(
                parameter_keys["scale"], parameter_keys["center"], strict=True
            ):
                dx, dy = number(centre, "horiz") * sw * f, number(centre, "vert") * sh * f
                k = float(scale.text) / 100 * f
                keys.append((when, crop_from(k, dx, dy, (sw, sh), (w, h))))
            record, to = (int(clip.findtext(key)) for key in ("start", "end"))
            start, end = (int(clip.findtext(key)) for key in ("in", "out"))
            assert to - record == end - start
            on = clip.findtext("enabled") == "TRUE"
            shots.append(read_clip(record, start, end, keys, at, on))
    return shots


def xmeml_keys(effect, start):
    """(frame of the media, value) of each parameter's keys; its value where it has none."""
    return {
        p.findtext("parameterid"): [
            (int(k.findtext("when")), k.find("value")) for k in p.iterfind("keyframe")
        ]
        or [(start, p.find("value"))]
        for p in effect.iter("parameter")
    }


def resolve_parameters(clip):
    return {
        p["Parameter ID"]: p["Parameter Value"]
        for effect in clip["effects"]
        for p in effect["metadata"]["Resolve_OTIO"]["Parameters"]
    }


def resolve_otio(text, size, canvas):
    """The canvas is not in the file (Resolve takes the project's), so it is an argument."""
    (sw, sh), (w, h) = size, canvas
    bases = {1: (1, 1), 2: (min(w / sw, h / sh),) * 2, 3: (max(w / sw, h / sh),) * 2}
    bases[4] = (w / sw, h / sh)

    def framings(clip, start):
        rows = {
            p["Parameter ID"]: p
            for effect in clip["effects"]
            for p in effect["metadata"]["Resolve_OTIO"]["Parameters"]
        }
        bx, by = bases[rows["scale"]["Parameter Value"]]
        zooms, names = rows["transformationZoomX"], ("ZoomX", "ZoomY", "Pan", "Tilt")
        for at in sorted(map(int, zooms["Key Frames"])) or [None]:
            zx, zy, pan, tilt = (
                p["Parameter Value"] if at is None else p["Key Frames"][str(at)]["Value"]
                for p in (rows[f"transformation{name}"] for name in names)
            )
            assert -4 <= min(pan, tilt) <= max(pan, tilt) <= 4
            assert zx * bx == pytest.approx(zy * by)
            crop = crop_from(bx * zx, pan * sw * bx, -tilt * sh * by, size, canvas)
            yield start + (at or 0), crop

    return otio_clips(text, framings)


def premiere_otio(text, size):
    w, h = (
        json.loads(text)["tracks"]["metadata"]["PremierePro_OTIO"]["VideoResolution"][key]
        for key in ("width", "height")
    )

    def framings(clip, start):
        (motion,) = (e for e in clip["effects"] if e["effect_name"] == "Motion")
        rows = {p["ID"]: p for p in motion["metadata"]["PremierePro_OTIO"]["Parameters"]}
        positions, scales = (rows[n].get("Keyframes") or [rows[n]["StartValue"]] for n in (1, 2))
        for position, scale in zip(positions, scales, strict=True):
            at, (x, y) = position["Position"]["value"], position["Value"].values()
            k = scale["Value"] / 100
            crop = crop_from(k, (x - 0.5) * w, (y - 0.5) * h, size, (w, h))
            yield int(at) if "Keyframes" in rows[1] else start, crop

    return otio_clips(text, framings)


def plain_otio(text):
    """The crop in our own metadata, which no editor reads."""

    def framings(clip, start):
        ours, (effect,) = clip["metadata"]["speakerzoom"], clip["effects"]
        still = [(start, effect["metadata"]["speakerzoom"]["crop"])]
        return [(frame, edges) for frame, *edges in ours["keys"]] or still

    return otio_clips(text, framings)


def otio_clips(text, framings):
    tracks = [t for t in json.loads(text)["tracks"]["children"] if t["kind"] == "Video"]
    shots = []
    for at, track in enumerate(tracks):
        record = 0
        for clip in track["children"]:
            source_range = clip["source_range"]
            length = int(source_range["duration"]["value"])
            if clip["OTIO_SCHEMA"].startswith("Clip"):
                available = clip["media_references"]["DEFAULT_MEDIA"]["available_range"]
                start = int(source_range["start_time"]["value"] - available["start_time"]["value"])
                keys = list(framings(clip, start))
                shots.append(read_clip(record, start, start + length, keys, at, clip["enabled"]))
            record += length
    return shots


def mlt(text, size):
    root = parse_xml(text)
    profile = root.find("profile")
    canvas = tuple(int(profile.get(key)) for key in ("width", "height"))
    producers = {p.get("id"): p for p in root.iter("producer")}
    record, shots = 0, []
    for entry in root.iterfind("playlist[@id='playlist0']/entry"):
        start, end = int(entry.get("in")), int(entry.get("out")) + 1
        (effect,) = producers[entry.get("producer")].iterfind("filter")
        assert (effect.get("in"), effect.get("out")) == (entry.get("in"), entry.get("out"))
        rects = effect.findtext("property[@name='transition.rect']")
        keys = []
        for text_ in rects.split(";"):
            at, _, rect = text_.rpartition("=")
            x, y, w, h, opacity = map(float, rect.split())
            k = w / size[0]
            assert (k, opacity) == (pytest.approx(h / size[1]), 1)
            left, top = -x / k, -y / k
            crop = (left, top, left + canvas[0] / k, top + canvas[1] / k)
            keys.append((start + int(at or 0), crop))
        shots.append(read_clip(record, start, end, keys))
        record += end - start
    return shots


def kdenlive(text, size):
    """The clips of all video tracks: sub-tractors above the black track and the audio tracks."""
    root = parse_xml(text)
    profile, elements = root.find("profile"), {e.get("id"): e for e in root if e.get("id")}
    canvas = tuple(int(profile.get(key)) for key in ("width", "height"))
    timeline = root.findall("tractor")[-1]
    black, *tracks = [elements[track.get("producer")] for track in timeline.iterfind("track")]
    assert mlt_property(black, "resource") == "black"
    video = [track for track in tracks if mlt_property(track, "kdenlive:audio_track") != "1"]
    assert tracks[len(tracks) - len(video) :] == video
    shots = []
    for number, tractor in enumerate(video):
        clips, mixes = [elements[track.get("producer")] for track in tractor.iterfind("track")]
        assert not len(mixes)
        record = 0
        for item in clips:
            if item.tag == "blank":
                record += int(item.get("length"))
                continue
            start, end = int(item.get("in")), int(item.get("out")) + 1
            producer = elements[item.get("producer")]
            silent, unseen = (mlt_property(producer, f"set.test_{k}") for k in ("audio", "image"))
            assert silent == "1"
            keys = kdenlive_keys(item.find("filter"), size, canvas)
            shots.append(read_clip(record, start, end, keys, number, unseen == "0"))
            record += end - start
    return shots


def kdenlive_keys(effect, size, canvas):
    """(frame of the source, crop) of each key of a transform; the frame is always named."""
    assert effect.attrib == {}  # with its own in and out, keys would count from there
    assert mlt_property(effect, "mlt_service") == mlt_property(effect, "kdenlive_id") == "qtblend"
    keys = []
    for text in mlt_property(effect, "rect").split(";"):
        at, rect = text.split("=")
        x, y, w, h, opacity = map(float, rect.split())
        k = w / size[0]
        assert (k, opacity) == (pytest.approx(h / size[1]), 1)
        keys.append((int(at), (-x / k, -y / k, (canvas[0] - x) / k, (canvas[1] - y) / k)))
    turns = [turn.split("=") for turn in mlt_property(effect, "rotation").split(";")]
    assert turns == [[str(frame), "0"] for frame, _ in keys]
    return keys


def mlt_property(element, name):
    return element.findtext(f"property[@name='{name}']")


def mlt_markers(text):
    """Shotcut's markers: a numbered group of properties each; it ignores all others."""
    group = parse_xml(text).find("tractor/properties[@name='shotcut:markers']")
    markers = [{p.get("name"): p.text for p in marker} for marker in group]
    assert [marker.get("name") for marker in group] == [str(n) for n in range(len(markers))]
    return markers


def label_frames(label, base):
    """Frames since midnight, by the definition of drop-frame labels."""
    hours, minutes, seconds_, frames_ = map(int, re.split("[:;]", label))
    minutes += 60 * hours
    count = (60 * minutes + seconds_) * base + frames_
    return count - (minutes - minutes // 10) * base // 15 if ";" in label else count


def edl(text, base, start):
    """`base` is whole frames per second, `start` the source's timecode; the file has neither."""
    day = label_frames("23:59:59;00" if ";" in text else "23:59:59:00", base) + base
    shots, begin = [], None
    for event in re.split(r"\n(?=\d{3}  )", text)[1:]:
        labels = re.findall(r"\d\d:\d\d:\d\d[:;]\d\d", event.splitlines()[0])
        first, last, record, to = (label_frames(label, base) for label in labels)
        begin = record if begin is None else begin
        assert (to - record) % day == (last - first) % day
        source = (first - start) % day
        keys = []
        for frame, *numbers in re.findall(
            r"OSZ (?:CROP|KEY: FRAME=(\d+)).*? X=(\S+) Y=(\S+) W=(\S+) H=(\S+)", event
        ):
            x, y, w, h = map(float, numbers)
            keys.append((int(frame) if frame else None, (x, y, x + w, y + h)))
        record = (record - begin) % day
        end = source + (last - first) % day
        shots.append(read_clip(record, source, end, keys[1:] or [(source, keys[0][1])]))
    return shots


def between(keys, frame, size, canvas):
    """The crop at `frame` between (frame, box) keys: scale and position change evenly."""
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
