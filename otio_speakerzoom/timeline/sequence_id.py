"""The id by which an editor recognises a sequence: a digest of everything that it shows."""

from __future__ import annotations

import uuid

from otio_speakerzoom.model import Box, FrameRange, TwoUp
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts


def sequence_id(facts: TimelineFacts, shots: tuple[ShotClip, ...]) -> str:
    """Return the UUID of a sequence; the same cut has the same one in every version.

    The digest is of a text whose words are fixed here. Do not change them when fields of the
    records get other names, and add a field only where its value is not the usual one.
    """
    return str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{_facts_text(facts)} {tuple(map(_shot_text, shots))}")
    )


def _facts_text(facts: TimelineFacts) -> _Text:
    sounds = tuple(
        _record(
            "Sound",
            rate=stream.rate,
            channels=stream.channels,
            delay=stream.delay,
            index=stream.index,
            varies=stream.varies,
        )
        for stream in facts.audio_streams
    )
    return _record(
        "ProgrammeFacts",
        name=facts.name,
        path=facts.path,
        rate=facts.rate,
        duration=facts.duration,
        size=facts.size,
        canvas=facts.canvas,
        start=facts.start,
        drop_frame=facts.drop_frame,
        rotation=facts.rotation,
        variable_rate=facts.variable_rate,
        sounds=sounds,
        picture=facts.video_stream,
        fields=facts.field_order,
        colour=facts.colour,
    )


def _shot_text(shot: ShotClip) -> _Text:
    return _record(
        "ProgrammeShot",
        record=_range(shot.record),
        source=_range(shot.source),
        crop=_box(shot.crop),
        name=shot.name,
        reason=shot.reason,
        number=shot.number,
        on=shot.enabled,
        confidence=shot.confidence,
        keys=tuple(_record("Key", frame=key.frame, crop=_box(key.crop)) for key in shot.keys),
        subjects=shot.subjects,
        locked=shot.locked,
        **({"two_up": _two_up(shot.two_up)} if shot.two_up else {}),
    )


def _two_up(two_up: TwoUp) -> _Text:
    return _record("TwoUp", layout=two_up.layout, second_crop=_box(two_up.second_crop))


def _range(frames: FrameRange) -> _Text:
    return _record("FrameRange", start=frames.start, end=frames.end)


def _box(box: Box) -> _Text:
    return _record("Box", left=box.left, top=box.top, right=box.right, bottom=box.bottom)


class _Text(str):
    """Text that stands in a tuple as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _record(name: str, /, **fields: object) -> _Text:
    return _Text(f"{name}({', '.join(f'{key}={value!r}' for key, value in fields.items())})")
