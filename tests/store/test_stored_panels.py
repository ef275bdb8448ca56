"""panels.npz: what is saved is loaded again, and what is damaged is named."""

import numpy as np
import pytest

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, FrameRange, Panel
from otio_speakerzoom.store.arrays import write_arrays

PANELS = (
    Panel(FrameRange(0, 100), Box(0, 0, 635.5, 720)),
    Panel(FrameRange(0, 100), Box(644.25, 0, 1280, 720)),
)


@pytest.mark.parametrize("panels", [(), PANELS])
def test_what_is_saved_is_loaded_again(tmp_path, panels):
    assert store.load_panels(tmp_path) is None
    store.save_panels(tmp_path, panels, "digest")

    assert store.load_panels(tmp_path) == store.Cached(panels, "digest")


def test_columns_of_different_lengths_are_named(tmp_path):
    none = np.zeros(0, np.int32)
    write_arrays(tmp_path / "panels.npz", "panels", "digest", {
        "starts": none, "ends": np.ones(1, np.int32), "boxes": np.zeros((0, 4)),
    })  # fmt: skip

    with pytest.raises(StoreError, match=r"panels\.npz"):
        store.load_panels(tmp_path)
