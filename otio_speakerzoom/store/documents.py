"""media.json, people.json and cutlist.json: what a person may read, and edit."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import (
    Box,
    Cover,
    CoverKey,
    CutList,
    FrameRange,
    Key,
    Lock,
    Media,
    Person,
    Shot,
    Sound,
)
from otio_speakerzoom.store.files import Kept, read_json, understood, write_json


def save_media(folder: Path, media: Media, made_from: str, content: str = "") -> None:
    """Keep the facts of the source; `content` is the digest of its file."""
    row = {**_media_to_json(media), "digest": content}
    write_json(folder / "media.json", "media", made_from, {"media": row})


def save_people(folder: Path, people: tuple[Person, ...], made_from: str) -> None:
    """Keep who is in the picture; names are for the editor to fill in."""
    rows = [{"id": p.id, "name": p.name, "tracks": list(p.track_ids)} for p in people]
    write_json(folder / "people.json", "people", made_from, {"people": rows})


def load_people(folder: Path) -> Kept[tuple[Person, ...]] | None:
    """Return what people.json says; None where there is none."""
    kept = read_json(folder / "people.json", "people")
    if kept is None:
        return None
    with understood(folder / "people.json"):
        people = tuple(
            Person(int(row["id"]), tuple(int(t) for t in row["tracks"]), str(row["name"]))
            for row in kept.value["people"]
        )
    return Kept(people, kept.made_from, kept.edited)


def save_cut_list(
    folder: Path, cut_list: CutList, made_from: str, style: dict[str, object] | None = None
) -> None:
    """Keep the cut, in the form that editors may change by hand, and the style it was made in."""
    facts = _media_to_json(cut_list.media)
    told = ("path", "rate", "duration", "width", "height", "start")
    content = {
        "media": {name: facts[name] for name in told},
        "canvas": list(cut_list.canvas),
        "style": style or {},
        "people": [{"id": p.id, "name": p.name} for p in cut_list.people],
        "shots": [_shot_to_json(shot) for shot in cut_list.shots],
    }
    if cut_list.angles:
        content["angles"] = [_shot_to_json(shot) for shot in cut_list.angles]
    write_json(folder / "cutlist.json", "cutlist", made_from, content)


def load_cut_list(folder: Path, media: Media, people: tuple[Person, ...]) -> Kept[CutList] | None:
    """Return the kept cut of `media`; None where there is none, or one of another source.

    Names come from the file, which an editor may have changed; tracks come from `people`.
    """
    path = folder / "cutlist.json"
    kept = read_json(path, "cutlist")
    if kept is None:
        return None
    tracks = {person.id: person.track_ids for person in people}
    with understood(path):
        if not kept.edited and any("subject" in row for row in kept.value["shots"]):
            return None  # by a version that knew singles and wides only: it is made anew
        written = kept.value["media"]
        made_for = *written["rate"], written["duration"]
        if made_for != (*media.rate.as_integer_ratio(), media.duration):
            if kept.edited:
                name = Path(written["path"]).name
                raise ValueError(f"it was made for another source, {name}, and edited")
            return None
        cut_list = CutList(
            media=media,
            canvas=(int(kept.value["canvas"][0]), int(kept.value["canvas"][1])),
            shots=tuple(_shot_from_json(n, s) for n, s in enumerate(kept.value["shots"], 1)),
            people=tuple(
                Person(int(row["id"]), tracks.get(int(row["id"]), ()), str(row["name"]))
                for row in kept.value["people"]
            ),
            angles=tuple(
                _shot_from_json(n, s) for n, s in enumerate(kept.value.get("angles", ()), 1)
            ),
        )
    return Kept(cut_list, kept.made_from, kept.edited)


def save_locks(folder: Path, locks: tuple[Lock, ...]) -> None:
    """Keep what the editor decided, for people to read and change."""
    rows = [
        {
            "start": lock.range.start,
            "end": lock.range.end,
            "show": list(lock.subjects) or "wide",
            **({"crop": _crop_to_json(lock.crop)} if lock.crop else {}),
        }
        for lock in locks
    ]
    write_json(folder / "locks.json", "locks", "", {"locks": rows})


def load_locks(folder: Path) -> tuple[Lock, ...]:
    """Return the editor's decisions in order of time; none where there is no locks.json.

    A stretch is told by `start` and `end`, whole frames of the source; `show` is "wide", a
    person's id, or a list of one or two ids; `crop` may be left out.
    """
    path = folder / "locks.json"
    kept = read_json(path, "locks")
    if kept is None:
        return ()
    with understood(path):
        locks = [_lock_from_json(n, row) for n, row in enumerate(kept.value["locks"], 1)]
        locks.sort(key=lambda lock: lock.range.start)
        for before, after in pairwise(locks):
            if after.range.start < before.range.end:
                raise ValueError(f"two locks cover frame {after.range.start}")
    return tuple(locks)


def _lock_from_json(number: int, row: dict[str, Any]) -> Lock:
    where = f"lock {number}"
    show = row["show"]
    if show != "wide" and not isinstance(show, int | list):
        raise ValueError(f'{where}: show is "wide", a person\'s id, or a list of ids')
    subjects = () if show == "wide" else tuple(show) if isinstance(show, list) else (show,)
    if not all(type(id_) is int for id_ in subjects) or len(subjects) > 2:
        raise ValueError(f"{where}: a shot frames one or two people, by their ids")
    return Lock(
        _range_from_json(where, row),
        subjects,
        _crop_from_json(where, row["crop"]) if "crop" in row else None,
    )


def load_cut_style(folder: Path) -> dict[str, Any]:
    """Return the values of the style that the kept cut was made in; none where none are told."""
    kept = read_json(folder / "cutlist.json", "cutlist")
    style = kept.value.get("style") if kept else None
    return style if isinstance(style, dict) else {}


def _shot_to_json(shot: Shot) -> dict[str, object]:
    row: dict[str, object] = {
        "start": shot.range.start,
        "end": shot.range.end,
        "kind": shot.kind,
        "subjects": list(shot.subjects),
        "crop": _crop_to_json(shot.crop),
        "reason": shot.reason,
        "confidence": round(shot.confidence, 3),
    }
    if shot.keys:
        row["keys"] = [[key.frame, *_crop_to_json(key.crop)] for key in shot.keys]
    if shot.locked:
        row["locked"] = True
    if shot.covers:
        row["covers"] = [_cover_to_json(cover) for cover in shot.covers]
    return row


def _shot_from_json(number: int, row: dict[str, Any]) -> Shot:
    where, subjects = f"shot {number}", tuple(int(id_) for id_ in row["subjects"])
    kinds = {"wide": 0, "single": 1, "two-shot": 2}
    if kinds.get(row["kind"]) != len(subjects):
        raise ValueError(f"{where}: a wide has no subject, a single has one, a two-shot has two")
    return Shot(
        _range_from_json(where, row),
        subjects,
        _crop_from_json(where, row["crop"]),
        str(row.get("reason", "")),
        float(row.get("confidence", 1)),
        tuple(
            Key(int(frame), _crop_from_json(where, crop)) for frame, *crop in row.get("keys", ())
        ),
        bool(row.get("locked", False)),
        tuple(_cover_from_json(where, cover) for cover in row.get("covers", ())),
    )


def _cover_to_json(cover: Cover) -> list[object]:
    """Return how and where; of a cover that moves, a list of frame and edges for each key."""
    if not cover.keys:
        return [cover.how, *_crop_to_json(cover.box)]
    return [cover.how, *([key.frame, *_crop_to_json(key.box)] for key in cover.keys)]


def _cover_from_json(where: str, row: list[Any]) -> Cover:
    how, *rest = row
    if not rest or not all(isinstance(key, list) for key in rest):
        return Cover(_crop_from_json(where, rest), str(how))
    keys = tuple(CoverKey(int(frame), _crop_from_json(where, box)) for frame, *box in rest)
    return Cover(keys[0].box, str(how), keys)


def _range_from_json(where: str, row: dict[str, Any]) -> FrameRange:
    if not all(type(row[key]) is int for key in ("start", "end")):
        raise ValueError(f"{where}: start and end are whole frames")
    return FrameRange(row["start"], row["end"])


def _crop_to_json(crop: Box) -> list[float]:
    return [round(float(edge), 3) for edge in (crop.left, crop.top, crop.right, crop.bottom)]


def _crop_from_json(where: str, crop: list[Any]) -> Box:
    if len(crop) != 4 or not all(isinstance(edge, int | float) for edge in crop):
        raise ValueError(f"{where}: crop needs four numbers: left, top, right, bottom")
    return Box(*(float(edge) for edge in crop))


def _media_to_json(media: Media) -> dict[str, object]:
    return {
        "path": str(media.path),
        "rate": [media.rate.numerator, media.rate.denominator],
        "duration": media.duration,
        "width": media.size[0],
        "height": media.size[1],
        "start": media.start,
        "drop_frame": media.drop_frame,
        "rotation": media.rotation,
        "variable_rate": media.variable_rate,
        "video_offset": list(media.video_offset.as_integer_ratio()),
        "sounds": [
            {
                "rate": sound.rate,
                "channels": sound.channels,
                "delay": list(sound.delay.as_integer_ratio()),
                "index": sound.index,
                "varies": sound.varies,
            }
            for sound in media.sounds
        ],
        "picture": media.picture,
        "fields": media.fields,
        "colour": list(media.colour),
        "size_varies": media.size_varies,
        "warnings": list(media.warnings),
    }


def load_media(folder: Path) -> Kept[Media] | None:
    """Return the kept facts of the source; None where there are none."""
    kept = read_json(folder / "media.json", "media")
    if kept is None:
        return None
    with understood(folder / "media.json"):
        row = kept.value["media"]
        if "picture" not in row:  # by a version that knew less of a source: made anew
            return None
        media = Media(
            path=Path(row["path"]),
            rate=Fraction(*row["rate"]),
            duration=row["duration"],
            size=(row["width"], row["height"]),
            start=row["start"],
            drop_frame=row["drop_frame"],
            rotation=row["rotation"],
            variable_rate=row["variable_rate"],
            video_offset=Fraction(*row["video_offset"]),
            sounds=tuple(
                Sound(s["rate"], s["channels"], Fraction(*s["delay"]), s["index"], s["varies"])
                for s in row["sounds"]
            ),
            picture=row["picture"],
            fields=row["fields"],
            colour=tuple(row["colour"]),
            size_varies=row["size_varies"],
            warnings=tuple(row["warnings"]),
        )
    return Kept(media, kept.made_from, kept.edited)
