"""The crops that segments of a source foresaw, and those that they did not."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.pipeline.segment import CropTable
from otio_speakerzoom.speech.crops import CropRecipe, crop_face

MAX_SKIPPED_S = 2
"""Decoding so many seconds takes about as long as to seek: half the usual distance of keyframes."""


class SegmentCrops:
    """Finds a crop in what the segments returned, or else reads its frame from the source."""

    def __init__(self, media: Media, within: FrameRange, recipes: Sequence[CropRecipe]) -> None:
        self._recipes = recipes
        self._reader = _FrameReader(media, within)
        self._crops: dict[int, dict[tuple[bytes, CropRecipe], NDArray[np.uint8]]] = {}
        self.reads = 0
        """How many crops were not foreseen."""

    def add(self, table: CropTable) -> None:
        """Add the crops of a segment."""
        columns = (table.frames.tolist(), table.boxes, table.recipes.tolist(), table.crops)
        for frame, box, recipe, crop in zip(*columns, strict=True):
            self._crops.setdefault(frame, {})[box.tobytes(), self._recipes[recipe]] = crop

    def drop_before(self, number: int) -> None:
        """Drop the crops of the frames before `number`."""
        for old in [n for n in self._crops if n < number]:
            del self._crops[old]

    def crop(self, number: int, box: NDArray[np.float32], recipe: CropRecipe) -> NDArray[np.uint8]:
        """Return the (112, 112) gray crop around `box`, (4,) in source pixels, in that frame."""
        crop = self._crops.get(number, {}).get((box.tobytes(), recipe))
        if crop is None:
            self.reads += 1
            crop = crop_face(self._reader.luma(number), box, recipe)
        return crop

    def close(self) -> None:
        """Close the source."""
        self._reader.close()


class _FrameReader:
    """Reads frames of a source whose numbers mostly ascend."""

    def __init__(self, media: Media, within: FrameRange) -> None:
        self._media, self._within = media, within
        self._frames: Generator[source_file.SourceFrame, None, None] | None = None
        self._frame: source_file.SourceFrame | None = None

    def luma(self, number: int) -> NDArray[np.uint8]:
        """Return the (H, W) luma of a frame."""
        current = self._frame.number if self._frame else -1
        if not current <= number <= current + MAX_SKIPPED_S * self._media.rate or current < 0:
            self.close()
            span = FrameRange(number, self._within.end)
            self._frames = source_file.read_source_frames(self._media, span)
        while self._frame is None or self._frame.number < number:
            assert self._frames
            self._frame = next(self._frames)
        return self._frame.luma()

    def close(self) -> None:
        if self._frames:
            self._frames.close()
        self._frames = self._frame = None
