"""The smooth boxes of a growing face track at the ticks, computed shortly before they are used."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import TrackGrowth
from otio_speakerzoom.speech.crops import CHUNK_BOXES, BoxSmoother


class SmoothPath:
    """Gives the smooth box of each tick of a track, in order.

    Growths are held as they come and smoothed in chunks, so a whole track at once takes no more
    memory than its own boxes.
    """

    def __init__(self, start: int, tick_frames: NDArray[np.int64]) -> None:
        """`start` is the track's first frame, `tick_frames` the source frame of each tick."""
        self._tick_frames = tick_frames
        self.start = self.end = int(np.searchsorted(tick_frames, start))
        """First tick of the track, and the one after the last whose box has come."""
        self.end_frame = start
        """Source frame after the last whose box has come."""
        self.has_ended = False
        self._growths: deque[TrackGrowth] = deque()
        self._next_tick = self.start  # to be smoothed
        self._smoother: BoxSmoother | None = BoxSmoother()
        self._smooth: deque[NDArray[np.float32]] = deque()  # boxes of the ticks read next

    def push(self, growth: TrackGrowth) -> None:
        """Add the boxes that follow; ValueError if they do not."""
        if len(growth.boxes):
            if self.has_ended or not self._smoother or growth.start != self.end_frame:
                raise ValueError(
                    f"track {growth.key} has ended or goes on at frame {self.end_frame}, "
                    f"and cannot grow at frame {growth.start}"
                )
            self._growths.append(growth)
        self.end_frame += len(growth.boxes)
        self.end = int(np.searchsorted(self._tick_frames, self.end_frame))
        self.has_ended |= growth.ended

    def next_box(self) -> NDArray[np.float32]:
        """Return the (4,) box of the next tick.

        To be called once the boxes of the six ticks after it have come, as far as there are any: if
        they have not, the track ends with them.
        """
        while not self._smooth:
            if self._growths:
                assert self._smoother
                self._smooth.extend(self._smoother.push(self._next_chunk()))
            elif self._smoother:
                self._smooth.extend(self._smoother.finish())
                self._smoother = None
            else:
                raise ValueError(f"the track ends at frame {self.end_frame}")
        return self._smooth.popleft()

    def _next_chunk(self) -> NDArray[np.float32]:
        """(n, 4) boxes of the next ticks, from the first growth."""
        growth = self._growths[0]
        end_frame = growth.start + len(growth.boxes)
        end = int(np.searchsorted(self._tick_frames, end_frame))
        last = min(end, self._next_tick + CHUNK_BOXES)
        boxes = growth.boxes[self._tick_frames[self._next_tick : last] - growth.start]
        self._next_tick = last
        if last == end:
            self._growths.popleft()
        return boxes
