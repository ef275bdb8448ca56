"""Scores and faces to a cut list: the floor, then the shots, then their framing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.cutting import WIDE, choose_pictures, joined, worths
from otio_speakerzoom.director.floor import smoothed, speaking
from otio_speakerzoom.director.framing import frame_single, frame_wide
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import (
    Box,
    CutList,
    FaceTrack,
    FrameRange,
    Media,
    Person,
    Shot,
    SpeechScores,
)


def direct(
    media: Media,
    tracks: Sequence[FaceTrack],
    people: Sequence[Person],
    scores: Sequence[SpeechScores],
    style: Style,
    *,
    canvas: tuple[int, int],
    camera_cuts: Sequence[int] = (),
    within: FrameRange | None = None,
) -> CutList:
    """Return the cut of `within` (default: the whole source) for a picture of `canvas`.

    Without faces or scores the cut is one wide shot. Tracks that belong to nobody in `people`
    take no shot, but their faces are kept out of singles like any other.
    """
    within = within or media.range
    logits = scores_by_person(people, scores, within)
    lefts = [(track.id, track.start, track.boxes[:, 0]) for track in tracks]
    visible = ~np.isnan(_by_person(people, lefts, within))
    speech = who_speaks(logits, media, style)
    pace = media.rate
    worth = worths(
        speech,
        visible,
        logits,
        anticipation=round(style.anticipation_seconds * pace),
        hold=round(style.hold_seconds * pace),
    )
    pictures = choose_pictures(
        worth / float(pace),
        min_shot=int(np.ceil(style.min_shot_seconds * float(pace))),
        cut_cost=style.cut_cost_seconds,
        camera_cuts=[cut - within.start for cut in camera_cuts],
    )
    shots: list[Shot] = []
    for start, end, picture in joined(pictures):
        subject = None if picture == WIDE else people[picture - 1]
        span = FrameRange(within.start + start, within.start + end)
        crop = _crop(subject, _seen(tracks, span), media.size, canvas, style)
        reason = _reason(subject, picture, speech[:, start:end])
        shots.append(Shot(span, (subject.id,) if subject else (), crop, reason))
    return CutList(media, canvas, tuple(shots), tuple(people))


def who_speaks(logits: NDArray[np.float32], media: Media, style: Style) -> NDArray[np.bool_]:
    """Return (P, T) who holds the floor in each frame, from (P, T) log odds (NaN: not seen)."""
    speech = [
        speaking(
            smoothed(row, round(style.smooth_seconds * media.rate)),
            enter=style.enter,
            leave=style.leave,
            min_pause=round(style.min_pause_seconds * media.rate),
            min_speech=round(style.min_speech_seconds * media.rate),
        )
        for row in logits
    ]
    return np.array(speech, np.bool_).reshape(logits.shape)


def scores_by_person(
    people: Sequence[Person], scores: Sequence[SpeechScores], within: FrameRange
) -> NDArray[np.float32]:
    """Return (P, T) each person's score in each frame; NaN where there is none."""
    return _by_person(people, [(s.track_id, s.start, s.logits) for s in scores], within)


def _by_person(
    people: Sequence[Person],
    rows: Sequence[tuple[int, int, NDArray[np.float32]]],
    within: FrameRange,
) -> NDArray[np.float32]:
    """Return (P, T) values of (track id, first frame, values) rows; NaN where there are none."""
    out = np.full((len(people), within.duration), np.nan, np.float32)
    owner = {track: n for n, person in enumerate(people) for track in person.track_ids}
    for track, start, values in rows:
        first, last = max(start, within.start), min(start + len(values), within.end)
        if track in owner and first < last:
            part = values[first - start : last - start]
            out[owner[track], first - within.start : last - within.start] = part
    return out


def _seen(tracks: Sequence[FaceTrack], span: FrameRange) -> list[tuple[int, NDArray[np.float32]]]:
    """Return track id and (n, 4) boxes of every face that is there during `span`."""
    return [
        (track.id, track.boxes[max(0, span.start - track.start) : span.end - track.start])
        for track in tracks
        if track.start < span.end and span.start < track.range.end
    ]


def _crop(
    subject: Person | None,
    seen: list[tuple[int, NDArray[np.float32]]],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the crop of one shot; a person never seen in it gets the wide's."""
    mine = subject.track_ids if subject else ()
    own = [boxes for track, boxes in seen if track in mine]
    others = [boxes for track, boxes in seen if track not in mine]
    if own:
        return frame_single(np.concatenate(own), others, size, canvas, style)
    nobody = np.empty((0, 4), np.float32)
    return frame_wide(np.concatenate([nobody, *others]), size, canvas)


def _reason(subject: Person | None, picture: int, speech: NDArray[np.bool_]) -> str:
    """Return why a shot is there, from the (P, T) speech during it."""
    count: NDArray[np.int64] = speech.sum(axis=0, dtype=np.int64)
    alone, several = (count == 1).mean().item(), (count > 1).mean().item()
    if subject is None:
        if not len(speech):
            return "wide: no face is seen"
        if several > alone:
            return "wide: several speak"
        return "wide: nobody speaks" if alone < 0.5 else "wide: a turn too short for a shot"
    if several > 0.5:
        return f"{subject.label} leads while several speak"
    own = round(100 * speech[picture - 1].mean().item())
    return f"{subject.label} speaks {own} % of the shot" if own else f"{subject.label} is held"
