"""The stages in order, reusing what is already there.

    probe -> detect -> track -> people -> score -> direct -> cut list

Each stage's result is kept beside the source with a digest of what it was made from; a stage whose
digest has not changed is not run again. What an editor changed by hand is kept. `work` opens the
folder to write in it, alone; `look` opens it to read, and changes nothing.
"""

from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.job import (
    Job,
    exclusive_session,
    missing_result,
    no_stage_progress,
    open_session,
    open_source,
)
from otio_speakerzoom.pipeline.locks import with_sightings
from otio_speakerzoom.pipeline.plan_cut import cached_cut, current_cut, cut, requested_canvas
from otio_speakerzoom.pipeline.run_analysis import analyze, cached_analysis
from otio_speakerzoom.pipeline.stages import sync_warning
from otio_speakerzoom.pipeline.view import view_cut
from otio_speakerzoom.store import Options
from otio_speakerzoom.timeline.write import timeline_text

__all__ = [
    "Analysis",
    "Job",
    "Options",
    "analyze",
    "cached_analysis",
    "cached_cut",
    "current_cut",
    "cut",
    "exclusive_session",
    "missing_result",
    "no_stage_progress",
    "open_session",
    "open_source",
    "requested_canvas",
    "sync_warning",
    "timeline_text",
    "view_cut",
    "with_sightings",
]
