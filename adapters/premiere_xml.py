"""Writes Final Cut Pro 7 XML (xmeml version 4) for Premiere Pro or DaVinci Resolve.

The structure is that of Premiere's own exports. Units of Basic Motion as measured in Premiere:
scale in percent of the file's pixels, centre in widths and heights of the file's frame. Resolve
counts both on the frame as its project scales it, which is to fit unless the user changed it.
Apple: "Final Cut Pro XML Interchange Format" (archived).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.timecode import allows_drop_frame, frame_to_timecode
from otio_speakerzoom.timeline.audio_layout import AudioChannel, audio_channels
from otio_speakerzoom.timeline.facts import (
    ShotClip,
    TimelineFacts,
    VideoTrack,
    read_facts,
    shots_of,
    tracks_of,
)
from otio_speakerzoom.timeline.frame_rates import timebase, warn_unsupported_rate
from otio_speakerzoom.timeline.media_paths import url_path
from otio_speakerzoom.timeline.sequence_id import sequence_id
from otio_speakerzoom.timeline.transform import fit, format_number
from otio_speakerzoom.timeline.xmeml_effects import crop_effect, parameter, point
from otio_speakerzoom.timeline.xml_text import element, xml_text

# valuemax of the scale in Premiere's exports; a hundredfold zoom in Resolve.
_MAX_SCALE_PERCENT = {"premiere": 1000, "resolve": 10_000}
_PIXELS = {"anamorphic": "FALSE", "pixelaspectratio": "square"}
_TRACK = {"enabled": "TRUE", "locked": "FALSE"}
_DOMINANCE = {"progressive": "none", "top": "upper", "bottom": "lower"}
_LABELS = ("Iris", "Caribbean", "Rose", "Mango", "Lavender", "Forest", "Cerulean", "Violet")
"""Premiere's own clip colours, one per person; the wide has Iris, its default for video."""
_GREEN, _RED = 0xFF2CA03C, 0xFF362CD2  # alpha, blue, green, red; red is from an export


class _Sequence(NamedTuple):  # dataclasses fail in modules that OTIO loads by path
    """What the parts of the document need to know about each other."""

    facts: TimelineFacts
    tracks: tuple[VideoTrack, ...]
    shots: tuple[ShotClip, ...]
    audio: tuple[AudioChannel, ...]
    places: dict[int, tuple[int, int]]
    """Number of a shot in the cut -> its track and its index on that track, both from 1."""
    variant: str


def write_to_string(
    input_otio: otio.schema.Timeline, variant: Literal["premiere", "resolve"] = "premiere"
) -> str:
    """Return the timeline as an xmeml document for the editor `variant`."""
    if variant not in ("premiere", "resolve"):
        raise ValueError(f'variant must be "premiere" or "resolve", got {variant!r}')
    facts, tracks = read_facts(input_otio), tracks_of(input_otio)
    warn_unsupported_rate(facts.rate, facts.path, variant.capitalize())
    places = {
        shot.number: (at_track, at_clip)
        for at_track, track in enumerate(tracks, 1)
        for at_clip, shot in enumerate(track.shots, 1)
        if shot.number
    }
    shots = shots_of(input_otio)
    sequence = _Sequence(facts, tracks, shots, audio_channels(facts.audio_streams), places, variant)
    document = element("xmeml", {"@version": "4", "sequence": _sequence(sequence)})
    return xml_text(document, indent="\t", doctype="xmeml")


def _sequence(sequence: _Sequence) -> dict[str, Any]:
    facts, shots = sequence.facts, sequence.shots
    clips = [
        [_video_clip(sequence, shot, n, at) for at, shot in enumerate(track.shots)]
        for n, track in enumerate(sequence.tracks)
    ]
    video = {
        "format": {"samplecharacteristics": _video_format(facts, facts.canvas, "progressive")},
        "track": [{"clipitem": track, **_TRACK} for track in clips],
    }
    mono = {"numchannels": 1, "downmix": 0}
    audio = sequence.audio and {
        "numOutputChannels": 2,
        "format": {"samplecharacteristics": _audio_format(facts)},
        "outputs": {"group": [{"index": n, **mono, "channel": {"index": n}} for n in (1, 2)]},
        "track": [_audio_track(sequence, n) for n in range(1, len(sequence.audio) + 1)],
    }
    return {
        "@id": "sequence-1",
        "@explodedTracks": "true",
        "uuid": sequence_id(facts, shots),
        "duration": shots[-1].record.end if shots else 0,
        "rate": _rate(facts),
        "name": facts.name,
        "media": {"video": video, "audio": audio or None},
        "timecode": _timecode(facts, 0),
        "marker": [_marker(shot) for shot in shots],
    }


def _marker(shot: ShotClip) -> dict[str, Any]:
    """Return a marker of the sequence; out -1 means that it has no duration."""
    return {
        "comment": shot.comment,
        "name": shot.name,
        "in": shot.record.start,
        "out": -1,
        "pproColor": _RED if shot.doubtful else _GREEN,
    }


def _video_clip(sequence: _Sequence, shot: ShotClip, track: int, at: int) -> dict[str, Any]:
    # The first clip describes the file in full, all others refer to it by id.
    file = {} if track or at else _file(sequence)
    id_ = _clip_id(shot, 0) if shot.number else f"clipitem-v{track + 1}-{at + 1}"
    subject = shot.subjects[0] if shot.subjects else 0
    return {
        **_clip(sequence.facts, shot, id_),
        "alphatype": "none",
        "pixelaspectratio": "square",
        "anamorphic": "FALSE",
        "file": {"@id": "file-1", **file},
        "filter": [
            {"effect": effect}
            for effect in (
                _basic_motion(sequence, shot),
                crop_effect(shot, sequence.facts, _turned(sequence)),
            )
            if effect
        ],
        "link": _links(sequence, shot),
        "labels": {"label2": _LABELS[subject % len(_LABELS)]},
    }


def _audio_track(sequence: _Sequence, number: int) -> dict[str, Any]:
    """Return a track of one channel. Premiere writes a stereo track as two with their places."""
    channel = sequence.audio[number - 1]
    kind = "Stereo" if channel.count == 2 else "Mono"
    clips = [
        {
            "@premiereChannelType": kind.lower(),
            **_clip(sequence.facts, shot, _clip_id(shot, number)),
            "file": {"@id": "file-1"},
            "sourcetrack": {"mediatype": "audio", "trackindex": channel.source_channel},
            "link": _links(sequence, shot),
        }
        for shot in sequence.shots
    ]
    return {
        "@currentExplodedTrackIndex": channel.place,
        "@totalExplodedTrackCount": channel.count,
        "@premiereTrackType": kind,
        "clipitem": clips,
        **_TRACK,
        "outputchannelindex": channel.place + 1,
    }


def _clip(facts: TimelineFacts, shot: ShotClip, id_: str) -> dict[str, Any]:
    """Return what video and audio clips share; `in` and `out` count from the file's first frame."""
    return {
        "@id": id_,
        "masterclipid": "masterclip-1",
        "name": shot.name,
        "enabled": "TRUE" if shot.enabled else "FALSE",
        "duration": facts.duration,
        "rate": _rate(facts),
        "start": shot.record.start,
        "end": shot.record.end,
        "in": shot.source.start,
        "out": shot.source.end,
    }


def _clip_id(shot: ShotClip, audio: int) -> str:
    """Return the id of a shot on an audio track, by its number from 1; 0 is the video."""
    return f"clipitem-{shot.number}-{audio}"


def _links(sequence: _Sequence, shot: ShotClip) -> list[dict[str, Any]]:
    """Return all clips that are linked, because each of them must list all, itself included."""
    if not sequence.audio or not shot.number:
        return []
    track, at = sequence.places[shot.number]
    return [
        {
            "linkclipref": _clip_id(shot, audio),
            "mediatype": "audio" if audio else "video",
            "trackindex": audio or track,
            "clipindex": shot.number if audio else at,
            "groupindex": 1 if audio else None,
        }
        for audio in range(len(sequence.audio) + 1)
    ]


def _basic_motion(sequence: _Sequence, shot: ShotClip) -> dict[str, Any]:
    """Return the crop as Premiere's Motion effect.

    Every clip has one, because "default media scaling" may fit a clip without. It includes the
    rotation, which Premiere does not apply to xmeml itself (as one implementer reports).
    """
    facts, transforms = sequence.facts, shot.transforms(sequence.facts)
    base = fit(facts.size, facts.canvas) if sequence.variant == "resolve" else 1.0
    width, height = (base * side for side in _stored_size(sequence))
    scales = [(frame, t.scale / base * 100) for frame, t in transforms]
    tightest, limit = max(scale for _, scale in scales), _MAX_SCALE_PERCENT[sequence.variant]
    if tightest > limit:
        raise TimelineError(
            f"{facts.path}: the shot at frame {shot.source.start} needs {tightest:.0f} %, "
            f"but this XML allows at most {limit} %; widen its crop or choose a smaller canvas"
        )
    zoom = [(frame, format_number(scale)) for frame, scale in scales]
    centre = [(frame, point(t.dx / width, t.dy / height)) for frame, t in transforms]
    return {
        "name": "Basic Motion",
        "effectid": "basic",
        "effectcategory": "motion",
        "effecttype": "motion",
        "mediatype": "video",
        "pproBypass": "false",
        "parameter": [
            parameter("scale", "Scale", 0, limit, zoom),
            parameter("rotation", "Rotation", -8640, 8640, [(0, _turned(sequence))]),
            parameter("center", "Center", None, None, centre),
            parameter("centerOffset", "Anchor Point", None, None, [(0, point(0, 0))]),
        ],
    }


def _file(sequence: _Sequence) -> dict[str, Any]:
    """Return the source in full; Resolve rejects the document if its timecode is not the file's."""
    facts = sequence.facts
    video = _video_format(facts, _stored_size(sequence), facts.field_order)
    audio = [
        {"samplecharacteristics": _audio_format(facts), "channelcount": stream.channels}
        for stream in facts.audio_streams
    ]
    return {
        "name": facts.file_name,
        "pathurl": f"file://localhost{url_path(facts.path)}",
        "rate": _rate(facts),
        "duration": facts.duration,
        "timecode": _timecode(facts, facts.start),
        "media": {"video": {"samplecharacteristics": video}, "audio": audio},
    }


def _video_format(facts: TimelineFacts, size: tuple[int, int], field_order: str) -> dict[str, Any]:
    """Return rate, size and fields. A sequence is progressive, whatever its source is."""
    shape = {"rate": _rate(facts), "width": size[0], "height": size[1]}
    return {**shape, **_PIXELS, "fielddominance": _DOMINANCE[field_order]}


def _stored_size(sequence: _Sequence) -> tuple[int, int]:
    """Return the frame size as the editor counts it: Premiere before rotation, Resolve after."""
    width, height = sequence.facts.size
    return (height, width) if _turned(sequence) in (90, 270) else (width, height)


def _turned(sequence: _Sequence) -> int:
    """Return the degrees by which the editor's frame must still be turned."""
    return 0 if sequence.variant == "resolve" else sequence.facts.rotation


def _audio_format(facts: TimelineFacts) -> dict[str, int]:
    # Always 16 bits, as in Premiere's exports: it reads the true depth from the file.
    return {"depth": 16, "samplerate": facts.first_audio.rate if facts.first_audio else 48000}


def _rate(facts: TimelineFacts) -> dict[str, Any]:
    """Return the rate as xmeml writes it: an integer, and whether 1000/1001 of it is meant."""
    base, ntsc = timebase(facts.rate, facts.path, "Premiere XML")
    return {"timebase": base, "ntsc": "TRUE" if ntsc else "FALSE"}


def _timecode(facts: TimelineFacts, frame: int) -> dict[str, Any]:
    rate, drop = _rate(facts), facts.drop_frame and allows_drop_frame(facts.rate)
    return {
        "rate": rate,
        "string": frame_to_timecode(frame, rate["timebase"], drop=drop),
        "frame": frame,
        "displayformat": "DF" if drop else "NDF",
    }
