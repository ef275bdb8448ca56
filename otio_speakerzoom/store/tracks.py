"""tracks.npz: the face tracks, concatenated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from otio_speakerzoom.model import FaceTrack
from otio_speakerzoom.store.arrays import (
    ADVICE,
    boxes_column,
    check_same_length,
    column,
    read_arrays,
    spans,
    write_arrays,
)
from otio_speakerzoom.store.files import Cached, report_faults


def save_tracks(folder: Path, tracks: tuple[FaceTrack, ...], input_digest: str) -> None:
    """Save the face tracks."""
    has_detection = (track.has_detection for track in tracks)
    arrays = {
        "ids": np.array([track.id for track in tracks], np.int32),
        "starts": np.array([track.start for track in tracks], np.int32),
        "lengths": np.array([len(track.boxes) for track in tracks], np.int32),
        "boxes": np.concatenate([np.empty((0, 4), np.float32), *(t.boxes for t in tracks)]),
        "has_detection": np.concatenate([np.empty(0, np.bool_), *has_detection]),
    }
    write_arrays(folder / "tracks.npz", "tracks", input_digest, arrays)


def load_tracks(folder: Path) -> Cached[tuple[FaceTrack, ...]] | None:
    """Return the cached face tracks; None if there are none."""
    path = folder / "tracks.npz"
    document = read_arrays(path, "tracks")
    if document is None:
        return None
    with report_faults(path, ADVICE):
        arrays = document.value
        ids, starts = column(arrays, "ids", "i"), column(arrays, "starts", "i")
        check_same_length(ids=ids, starts=starts, lengths=arrays["lengths"])
        boxes = boxes_column(arrays, "boxes")
        has_detection = column(arrays, "has_detection", "b")
        if len(set(ids.tolist())) != len(ids):
            raise ValueError("two tracks have one id")
        tracks = tuple(
            FaceTrack(int(id_), int(start), boxes[span], has_detection[span])
            for id_, start, span in zip(ids, starts, spans(arrays, len(boxes)), strict=True)
        )
    return Cached(tracks, document.input_digest)
