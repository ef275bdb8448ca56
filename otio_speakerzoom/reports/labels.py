"""Ground-truth labels, written by hand: whose face is where, and who really speaks when.

    {"file": "talk.mp4",
     "faces": [{"person": "A", "from_s": 0, "to_s": 9.5, "box": [394, 344, 571, 560]}],
     "speech": [{"person": "A", "from_s": 0.8, "to_s": 3.99}]}

Seconds are of the file's own time stamps, which begin at `first_video_pts_s` (0 if left out);
boxes are left, top, right, bottom in pixels of the upright frame. A voice off screen has a person
without a face, or null. Other keys are ignored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Media
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.json_values import parse_json
from otio_speakerzoom.store.user_files import read_user_text

MAX_NAME_LENGTH = 255
"""Characters of a file name in a message; no system has longer ones."""


def read_labels(path: Path, media: Media) -> dict[str, Any]:
    """Return the labels in a file; SpeakerZoomError where they are invalid or of another file.

    The error names the value that is wrong: `speech[3].to_s`.
    """
    try:
        labels = parse_json(read_user_text(path, "a labels file"))
        _check(Field(labels))
    except ValueError as error:
        raise SpeakerZoomError(f"{path}: {error}; correct it") from error
    if (of := labels.get("file", media.path.name)) != media.path.name:
        other = " ".join(of.split())[:MAX_NAME_LENGTH]
        raise SpeakerZoomError(
            f"{path}: labels {other}, not {media.path.name}; give its own labels"
        )
    return labels


def _check(labels: Field) -> None:
    """Raise ValueError where a value that we read is invalid."""
    if labels.has("file"):
        labels.at("file").text()
    if labels.has("first_video_pts_s"):
        labels.at("first_video_pts_s").number()
    for face in labels.at("faces").rows():
        _check_row(face)
        face.at("box").box()
    for speech in labels.at("speech").rows():
        _check_row(speech, nobody=True)


def _check_row(row: Field, *, nobody: bool = False) -> None:
    person = row.at("person")
    if not (person.is_text() or (nobody and person.raw() is None)):
        person.integer()
    begin, end = row.at("from_s").number(), row.at("to_s").number()
    if begin > end:
        raise row.at("to_s").error(f"a time that is not before from_s, {begin:g}")
