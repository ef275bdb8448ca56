"""The state of a source as the page reads it: JSON values, times in source frames."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from otio_speakerzoom.edits import State, min_crop_height
from otio_speakerzoom.model import Cover, CutList, Media, Shot, TwoUp
from otio_speakerzoom.service.codec_string import codec_string
from otio_speakerzoom.service.curves import Curves
from otio_speakerzoom.service.frame_times import first_frame_time
from otio_speakerzoom.store.locks import crop_to_json

DOUBTFUL = 0.5
"""Confidence below which a shot is doubtful, as in `inspect --report`."""

Json = dict[str, Any]

EMPTY: Json = {
    "revision": "", "range": None, "canvas": None, "min_crop_height": None, "style": None,
    "people": [], "shots": [], "camera_cuts": [], "undo": "", "redo": "",
}  # fmt: skip
"""In place of a cut, where there is none."""


def media_to_json(media: Media) -> Json:
    """Return what the page must know of a source to play it frame by frame."""
    return {
        "name": media.path.name,
        "media": "media/source",
        "rate": list(media.rate.as_integer_ratio()),
        "duration": media.duration,
        "size": list(media.size),
        "start": media.start,
        "drop_frame": media.drop_frame,
        "first_frame_time": first_frame_time(media),
        "variable_rate": media.variable_rate,
        "has_audio": media.first_audio is not None,
        "codec": codec_string(media),
        "hdr": media.transfer != "sdr",
    }


class CutJson:
    """A state of a cut as JSON values, computed once."""

    def __init__(self, state: State, curves: Curves) -> None:
        self.state = state
        self._curves = curves
        self._crop_locked = {
            (lock.range.start, lock.range.end) for lock in state.locks if lock.crop is not None
        }
        self.shots: list[Json] = [self._shot(shot) for shot in state.cut_list.shots]
        self.people: list[Json] = self._people()

    def whole(self) -> Json:
        """Return the whole cut."""
        cut_list, analysis = self.state.cut_list, self.state.analysis
        height = min_crop_height(cut_list.media, cut_list.canvas, self.state.style)
        return {
            **self.common(),
            "range": [cut_list.range.start, cut_list.range.end],
            "canvas": list(cut_list.canvas),
            "min_crop_height": round(height, 3),
            "shots": self.shots,
            "camera_cuts": analysis.detections.camera_cuts.tolist(),
        }

    def common(self) -> Json:
        """Return what every answer to a change has too."""
        state = self.state
        return {
            "revision": state.revision,
            "people": self.people,
            "style": {
                "name": state.style_name,
                "values": asdict(state.style),
                "changed": sorted(state.style_values),
            },
            "undo": state.undo,
            "redo": state.redo,
        }

    def change_since(self, before: CutJson) -> Json:
        """Return the smallest window of shots that differs, with everything else that may."""
        old, new = before.shots, self.shots
        first, shorter, last = 0, min(len(old), len(new)), 0
        while first < shorter and old[first] == new[first]:
            first += 1
        while last < shorter - first and old[-1 - last] == new[-1 - last]:
            last += 1
        window = {
            "index": first,
            "removed": len(old) - last - first,
            "shots": new[first : len(new) - last],
        }
        return {**self.common(), "window": window}

    def _shot(self, shot: Shot) -> Json:
        others = _others(shot, self._curves)
        is_doubtful = not shot.locked and shot.confidence < DOUBTFUL
        return {
            **framing_to_json(shot),
            "crop_locked": (shot.range.start, shot.range.end) in self._crop_locked,
            "others": others,
            "doubt": {"why": shot.reason, "others": others} if is_doubtful else None,
        }

    def _people(self) -> list[Json]:
        cut_list, curves = self.state.cut_list, self._curves
        rate, speaks = float(cut_list.media.rate), curves.activity.speaks
        rows = {person.id: n for n, person in enumerate(curves.analysis.people)}
        framed = _framed_frames(cut_list)
        return [
            {
                "id": person.id, "name": person.name, "label": person.label,
                "ignore": person.ignore, "prefer": person.prefer,
                "seen_seconds": round(curves.visible_frames(person) / rate, 3),
                "heard_seconds": round(int(speaks[rows[person.id]].sum()) / rate, 3),
                "shown_seconds": round(framed.get(person.id, 0) / rate, 3),
                "picture": f"api/people/{person.id}/picture",
            }
            for person in cut_list.people if person.id in rows
        ]  # fmt: skip


def framing_to_json(shot: Shot) -> Json:
    """Return a shot by itself, as in a preview."""
    return {
        "start": shot.range.start,
        "end": shot.range.end,
        "subjects": list(shot.subjects),
        "crop": crop_to_json(shot.crop),
        "keys": [[key.frame, *crop_to_json(key.crop)] for key in shot.keys],
        "reason": shot.reason,
        "confidence": round(shot.confidence, 3),
        "locked": shot.locked,
        "covers": [_cover_to_json(cover) for cover in shot.covers],
        **({"two_up": _two_up_to_json(shot.two_up)} if shot.two_up else {}),
    }


def _two_up_to_json(two_up: TwoUp) -> Json:
    return {"layout": two_up.layout, "crop": crop_to_json(two_up.second_crop)}


def _cover_to_json(cover: Cover) -> Json:
    keys = [[key.frame, *crop_to_json(key.box)] for key in cover.keys]
    return {"effect": cover.effect, "box": crop_to_json(cover.box), "keys": keys}


def _others(shot: Shot, curves: Curves) -> list[int]:
    """Return who else speaks in a shot, most of the time first, as in `inspect --review`."""
    frames_of = curves.speaking_frames(shot.range.start, shot.range.end)
    rows = zip(frames_of, curves.analysis.people, strict=True)
    others = [(-frames, p.id) for frames, p in rows if frames and p.id not in shot.subjects]
    return [id_ for _, id_ in sorted(others)]


def _framed_frames(cut_list: CutList) -> dict[int, int]:
    """Return in how many frames each person is a subject of the shot."""
    frames: dict[int, int] = {}
    for shot in cut_list.shots:
        for subject in shot.subjects:
            frames[subject] = frames.get(subject, 0) + shot.range.duration
    return frames
