"""Runs the stages in order, and caches the result of each.

    probe -> detect -> track -> group people -> score -> direct -> cut list

Each result is saved beside the source with a digest of its inputs; a stage runs again only if that
digest changes. Edits by hand are never lost. `open_session` opens the folder of a source to read,
`exclusive_session` to write under a lock.
"""

from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.excerpt import at_height, film_range, shot_range
from otio_speakerzoom.pipeline.job import Job, no_stage_progress
from otio_speakerzoom.pipeline.locks import with_sightings
from otio_speakerzoom.pipeline.plan_cut import cached_cut, current_cut, cut, requested_canvas
from otio_speakerzoom.pipeline.run_analysis import analyze, cached_analysis
from otio_speakerzoom.pipeline.session import (
    exclusive_session,
    missing_result,
    open_session,
    open_source,
)
from otio_speakerzoom.pipeline.stages import sync_warning
from otio_speakerzoom.pipeline.view import view_cut
from otio_speakerzoom.store import Options
from otio_speakerzoom.timeline.write import timeline_text

__all__ = [
    "Analysis",
    "Job",
    "Options",
    "analyze",
    "at_height",
    "cached_analysis",
    "cached_cut",
    "current_cut",
    "cut",
    "exclusive_session",
    "film_range",
    "missing_result",
    "no_stage_progress",
    "open_session",
    "open_source",
    "requested_canvas",
    "shot_range",
    "sync_warning",
    "timeline_text",
    "view_cut",
    "with_sightings",
]
