"""Labels that somebody wrote by hand: who is seen where, and who truly speaks when.

    {"file": "talk.mp4",
     "faces": [{"person": "A", "from_s": 0, "to_s": 9.5, "box": [394, 344, 571, 560]}],
     "speech": [{"person": "A", "from_s": 0.8, "to_s": 3.99}]}

Seconds are of the file's own time stamps, which begin at `first_video_pts_s` (0 if left out);
boxes are left, top, right, bottom in pixels of the picture as shown. A voice off screen has a
person who has no face, or null. What else is in the file is for its readers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Media
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.user_files import read_user_text


def read_labels(path: Path, media: Media) -> dict[str, Any]:
    """Return what a labels file says; SpeakerZoomError where it cannot be about `media`.

    The error names the place of what is wrong: `speech[3].to_s`.
    """
    try:
        labels = json.loads(read_user_text(path, "labels"))
    except json.JSONDecodeError as error:
        raise SpeakerZoomError(
            f"{path}: line {error.lineno} is not JSON ({error.msg}); correct it"
        ) from error
    except RecursionError as error:
        raise SpeakerZoomError(f"{path}: is nested too deeply to be labels; see README") from error
    try:
        _check(Field(labels))
    except ValueError as error:
        raise SpeakerZoomError(f"{path}: {error}; correct it") from error
    if (of := labels.get("file", media.path.name)) != media.path.name:
        raise SpeakerZoomError(f"{path}: labels {of}, not {media.path.name}; give its own labels")
    return labels


def _check(labels: Field) -> None:
    """Raise ValueError where a value that is read is not what it must be."""
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
