"""Damage to one clip does not affect how the others are read."""

import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from otio_speakerzoom.interchange.diff import compare
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Media, Person, Shot
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.timeline.formats import FORMATS

OURS = [
    (suffix, dialect, adapter)
    for suffix, dialects in FORMATS.items()
    if suffix in READERS
    for dialect, adapter in dialects.items()
]
SIZE = (1920, 1080)
JUNK = ("", "-1", "nan", "1e999", "9" * 30, "x", "0", "1/0s", "-4s", "../../a", "file://[", "5 5 5")
JSON_JUNK = (None, -1, 0, "nan", 1e300, True, [], {}, [None], "../a")
VICTIM = 2
"""Number of the damaged clip: not the first, which describes the file for all in xmeml."""


def a_cut():
    """Five shots of 20 frames with different framings; the damaged one moves."""
    boxes = [Box(10.0 * n, 5.0 * n, 10.0 * n + 960, 5.0 * n + 540) for n in range(5)]
    shots = [
        Shot(FrameRange(20 * n, 20 * n + 20), (1,) if n % 2 else (), box, reason="why")
        for n, box in enumerate(boxes)
    ]
    shot = shots[VICTIM]
    keys = (CropKey(40, shot.crop), CropKey(55, boxes[4]))
    shots[VICTIM] = Shot(shot.range, shot.subjects, shot.crop, shot.reason, keys=keys)
    media = Media(Path("/m/talk.mp4"), Fraction(25), 500, SIZE, start=90000)
    return CutList(media, SIZE, tuple(shots), (Person(1, (1,), "Ann"),))


def victim_elements(root, suffix):
    """The elements of the damaged clip; for MLT, those of its producer too."""
    if suffix == ".mlt":
        entry = root.findall("playlist[@id='playlist0']/entry")[VICTIM]
        return [entry, root.find(f"producer[@id='{entry.get('producer')}']")]
    if suffix == ".kdenlive":  # all clips share a producer
        track = root.findall("tractor")[-2].find("track").get("producer")
        return [root.findall(f"playlist[@id='{track}']/entry")[VICTIM]]
    path = ".//spine/asset-clip" if suffix == ".fcpxml" else ".//video/track/clipitem"
    return [root.findall(path)[VICTIM]]


def damaged_xml(draw, text, suffix):
    root = etree.fromstring(text.encode())
    elements = [e for victim in victim_elements(root, suffix) for e in victim.iter()]
    element = draw(st.sampled_from(elements))
    kind = draw(st.sampled_from(("attribute", "text", "remove", "twice")))
    if kind == "attribute" and element.attrib:
        element.set(draw(st.sampled_from(sorted(element.attrib))), draw(st.sampled_from(JUNK)))
    elif kind in ("remove", "twice") and element.getparent() is not None:
        parent = element.getparent()
        if kind == "twice":
            parent.insert(0, deepcopy(element))
        elif element not in victim_elements(root, suffix):
            parent.remove(element)
    else:
        element.text = draw(st.sampled_from(JUNK))
    return etree.tostring(root, encoding="unicode")


def json_paths(value, path=()):
    """The paths to everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in inside:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from json_paths(child, (*path, key))


def damaged_json(draw, text):
    document = json.loads(text)
    video = next(t for t in document["tracks"]["children"] if t["kind"] == "Video")
    *path, last = draw(st.sampled_from(list(json_paths(video["children"][VICTIM]))))
    holder = video["children"][VICTIM]
    for key in path:
        holder = holder[key]
    holder[last] = draw(st.sampled_from(JSON_JUNK))
    return json.dumps(document)


def undamaged(timeline):
    """Source and transform of every clip but the damaged one."""
    victim = FrameRange(40, 60)
    return [
        (clip.source, clip.transform)
        for clip in timeline.tracks[0]
        if clip.source and not clip.unsupported and clip.source != victim
    ]


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_damage_to_one_clip_leaves_the_others_readable(
    tmp_path_factory, suffix, dialect, adapter, data
):
    cut_list = a_cut()
    text = timeline_text(cut_list, *adapter)
    path = tmp_path_factory.mktemp("damaged") / f"talk{suffix}"
    hints = MediaHints(SIZE, SIZE, dialect=dialect)
    path.write_text(text)
    before = undamaged(read_timeline(path, hints))
    assert len(before) == 4
    path.write_text(
        damaged_json(data.draw, text) if suffix == ".otio" else damaged_xml(data.draw, text, suffix)
    )
    timeline = read_timeline(path, hints)

    assert [clip for clip in undamaged(timeline) if clip in before] == before
    comparison = compare(timeline, cut_list)
    assert all(0 <= lock.range.start < lock.range.end <= 100 for lock in comparison.locks)
