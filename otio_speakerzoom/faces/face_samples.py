"""Embeds the faces of tracks while they grow, in the same pass as detection and tracking.

The choice of faces is that of `embed_tracks`, which reads the film again once the tracks are final.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.faces.embed import (
    CANDIDATES_PER_SEGMENT,
    MAX_RUNS,
    Embedder,
    FaceSample,
    Looks,
    LooksSum,
    cut_sample,
    sharpness,
    split_segments,
    stack_looks,
)
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.faces.track import MIN_DURATION_S
from otio_speakerzoom.model import FrameFaces, Media, TrackGrowth

MAX_PICTURES = 8
"""Frames held as a whole until the tracks of their faces are known: about half a second, in which
most are. 12 MB. From older ones each face is cut, 38 kB, whether it will be chosen or not."""

Candidate = tuple[float, int, FaceSample | None]
"""Its negative area, its frame, and what `cut_sample` gives: the smallest is the best."""


class FaceSamples:
    """Chooses faces of growing tracks, and embeds those of each track when it ends.

    For every frame call `push_frame`, then `push_faces` with the rows that have become known, and
    `push_growth` with what the tracker returned for these. Memory: `MAX_RUNS` times
    `CANDIDATES_PER_SEGMENT` faces, 3.6 MB, for each track that grows; a few numbers for others.
    """

    def __init__(
        self, media: Media, embedder: Embedder, *, min_duration_s: float = MIN_DURATION_S
    ) -> None:
        """Embed no tracks shorter than `min_duration_s`, which the tracker drops."""
        self._embedder, self._min_duration = embedder, min_duration_s * media.rate
        self._pictures = _Pictures(media)
        self._growing: dict[int, _Runs] = {}
        self._sums: dict[int, LooksSum] = {}

    def push_frame(self, frame: SearchFrame) -> None:
        """Take a frame before its faces are known."""
        self._pictures.frames[frame.number] = frame

    def push_faces(self, rows: Sequence[FrameFaces]) -> None:
        """Take the faces of frames that were pushed, in order; frames between have none."""
        for faces in rows:
            self._pictures.add(faces)

    def push_growth(self, growth: Sequence[TrackGrowth], settled_end: int) -> None:
        """Take what the tracker returned for the faces pushed so far, and its `settled_end`."""
        for part in growth:
            runs = self._growing.setdefault(part.key, _Runs(part.start))
            for n in np.flatnonzero(part.has_detection).tolist():
                frame, box = part.start + n, part.boxes[n]
                runs.add(float(areas(box)), frame, lambda f=frame, b=box: self._pictures.cut(f, b))
            if part.ended:
                del self._growing[part.key]
                if part.start + len(part.boxes) - runs.start >= self._min_duration:
                    self._embed(part.key, runs)
        self._pictures.settle(settled_end)

    def finish(self, keys: Sequence[int]) -> Looks:
        """Return the looks of the final tracks with these keys, as `embed_tracks` does."""
        return stack_looks([self._sums.get(key) for key in keys])

    def _embed(self, key: int, runs: _Runs) -> None:
        sums = self._sums[key] = LooksSum()
        for sample in runs.sharpest():
            sums.add(sample, self._embedder)


@dataclass(slots=True, eq=False)
class _Runs:
    """The detections of a track in runs of equal number, and the largest few of each."""

    start: int
    """First frame of the track."""
    _length: int = 1
    _count: int = 0
    _runs: list[list[Candidate]] = field(default_factory=list)
    """The candidates of each, best first."""

    def add(self, area: float, frame: int, cut: Callable[[], FaceSample | None]) -> None:
        """Add a detection; `cut` returns its sample if need be."""
        if self._count % self._length == 0:
            if len(self._runs) == MAX_RUNS:
                pairs = zip(self._runs[::2], self._runs[1::2], strict=True)
                self._runs = [_best([*one, *other]) for one, other in pairs]
                self._length *= 2
            self._runs.append([])
        self._count += 1
        last = self._runs[-1]
        if len(last) < CANDIDATES_PER_SEGMENT or -area < last[-1][0]:
            self._runs[-1] = _best([*last, (-area, frame, cut())])

    def sharpest(self) -> list[FaceSample]:
        """Return the sharpest of the best candidates of each segment."""
        samples: list[FaceSample] = []
        for runs in split_segments(self._runs, self._count):
            candidates = _best([candidate for run in runs for candidate in run])
            candidates.sort(key=lambda candidate: candidate[1])  # the first of equals is chosen
            large = [sample for *_, sample in candidates if sample]
            if large:
                samples.append(max(large, key=lambda sample: sharpness(sample.face)))
        return samples


def _best(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda c: c[:2])[:CANDIDATES_PER_SEGMENT]


@dataclass(slots=True, eq=False)
class _Pictures:
    """Frames, and faces cut from them, until it is known to which track each face belongs."""

    media: Media
    frames: dict[int, SearchFrame] = field(default_factory=dict)
    """In which the faces are not known yet."""
    _rows: dict[int, tuple[FrameFaces, SearchFrame]] = field(default_factory=dict)
    _faces: dict[int, dict[bytes, FaceSample | None]] = field(default_factory=dict)
    """Those cut already, by frame and box."""

    def add(self, faces: FrameFaces) -> None:
        """Connect faces with their frame, which was pushed; cut those of an old one."""
        if faces.frame not in self.frames:
            raise ValueError(f"frame {faces.frame} has faces, but was not pushed")
        frame = self.frames[faces.frame]
        self.frames = {n: later for n, later in self.frames.items() if n > faces.frame}
        if len(faces.boxes):
            self._rows[faces.frame] = faces, frame
        if len(self._rows) > MAX_PICTURES:
            oldest = next(iter(self._rows))
            row, old = self._rows.pop(oldest)
            rgb = old.rgb()
            self._faces[oldest] = {
                box.tobytes(): cut_sample(rgb, self.media, box) for box in row.boxes
            }

    def cut(self, frame: int, box: NDArray[np.float32]) -> FaceSample | None:
        """Return the face in `box`; None if it is too small."""
        if frame in self._rows:
            return cut_sample(self._rows[frame][1].rgb(), self.media, box)
        return self._faces[frame][box.tobytes()]

    def settle(self, settled_end: int) -> None:
        """Forget the frames before `settled_end`."""
        for frames in (self._rows, self._faces):
            for frame in [frame for frame in frames if frame < settled_end]:
                del frames[frame]
