"""detections.npz: every detected face, and the hard cuts of the source."""

from __future__ import annotations

from pathlib import Path

from otio_speakerzoom.model import Detections
from otio_speakerzoom.store.arrays import (
    ADVICE,
    boxes_column,
    check_order,
    column,
    read_arrays,
    write_arrays,
)
from otio_speakerzoom.store.files import Cached, report_faults


def save_detections(folder: Path, detections: Detections, input_digest: str) -> None:
    """Save the detections."""
    arrays = {
        "frames": detections.frames,
        "boxes": detections.boxes,
        "confidences": detections.confidences,
        "detected_frames": detections.detected_frames,
        "camera_cuts": detections.camera_cuts,
    }
    write_arrays(folder / "detections.npz", "detections", input_digest, arrays)


def load_detections(folder: Path) -> Cached[Detections] | None:
    """Return the cached detections; None if there are none."""
    path = folder / "detections.npz"
    document = read_arrays(path, "detections")
    if document is None:
        return None
    with report_faults(path, ADVICE):
        arrays = document.value
        names = ("frames", "detected_frames", "camera_cuts")
        frames, detected_frames, camera_cuts = (column(arrays, name, "i") for name in names)
        boxes = boxes_column(arrays, "boxes")
        confidences = column(arrays, "confidences", "f")
        check_order(arrays, *names)
        value = Detections(frames, boxes, confidences, detected_frames, camera_cuts)
    return Cached(value, document.input_digest)
