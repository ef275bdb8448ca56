"""A source, and the options to analyze and cut it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from otio_speakerzoom import store
from otio_speakerzoom.model import FrameRange, Media, Progress, no_progress
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights.names import AUTO, NO_TRACKER

if TYPE_CHECKING:  # it loads OpenCV
    from otio_speakerzoom.pipeline.segment_processes import SegmentRunner

DEFAULTS = Options(
    detector="blazeface",
    detect_every=0,
    tracker=NO_TRACKER,
    scorer=AUTO,
    audio_stream=0,
    channels="auto",
    layout="programme",
    style="standard",
)


def no_stage_progress(stage: str) -> Progress:
    """Ignore the progress of every stage."""
    return no_progress


@dataclass(frozen=True, slots=True)
class Job:
    """One source, and the options to analyze and cut it with."""

    source: Path
    work: Path | None = None
    """Parent folder of the work folder; None for the source's."""
    options: Options = field(default_factory=Options)
    """Each None is as in options.json, else as in `DEFAULTS`."""
    auto_scorer: str = ""
    """The scorer that `auto` stands for, where a batch has chosen it; empty to choose it here."""
    device: str = "auto"
    jobs: int = 0
    """Processes that analyse segments of the source side by side; 0 for as many as are useful."""
    run_segments: SegmentRunner | None = None
    """Analyses the segments of a long source elsewhere, instead of processes on this machine."""
    within: Callable[[Media], FrameRange] | None = None
    """Returns the part of the source; None for the same part as last time, at first all of it."""
    canvas: Callable[[Media], tuple[int, int]] | None = None
    """Returns the size of the output; None for the same as last time, at first the source's."""
    force: bool = False
    """Run every stage again."""
    on_stage: Callable[[str], Progress] = no_stage_progress

    @property
    def folder(self) -> Path:
        """The work folder; it may not exist yet."""
        return store.find_folder(self.source, self.work)
