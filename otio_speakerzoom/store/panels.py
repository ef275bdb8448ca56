"""panels.npz: the parts of split screens, and insets, of each camera shot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otio_speakerzoom.model import Box, FrameRange, Panel
from otio_speakerzoom.store.arrays import (
    ADVICE,
    boxes_column,
    check_same_length,
    column,
    read_arrays,
    write_arrays,
)
from otio_speakerzoom.store.files import Cached, report_faults


def save_panels(folder: Path, panels: Sequence[Panel], input_digest: str) -> None:
    """Save the panels."""
    arrays = {
        "starts": np.array([panel.range.start for panel in panels], np.int32),
        "ends": np.array([panel.range.end for panel in panels], np.int32),
        "boxes": np.array([panel.box.edges for panel in panels], np.float64).reshape(-1, 4),
    }
    write_arrays(folder / "panels.npz", "panels", input_digest, arrays)


def load_panels(folder: Path) -> Cached[tuple[Panel, ...]] | None:
    """Return the cached panels; None if there are none."""
    path = folder / "panels.npz"
    document = read_arrays(path, "panels")
    if document is None:
        return None
    with report_faults(path, ADVICE):
        starts, ends = (column(document.value, name, "i") for name in ("starts", "ends"))
        boxes = boxes_column(document.value, "boxes")
        check_same_length(starts=starts, ends=ends, boxes=boxes)
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        value = tuple(
            Panel(FrameRange(start, end), Box.from_edges(box))
            for (start, end), box in zip(spans, boxes.tolist(), strict=True)
        )
    return Cached(value, document.input_digest)
