"""Imports an edited timeline: prints what the editor changed, and saves it as locks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.diff import Comparison, compare
from otio_speakerzoom.interchange.read import DIALECTS, EditedTimeline, MediaHints, read_timeline
from otio_speakerzoom.model import CutList, Lock, Media

log = logging.getLogger("otio_speakerzoom.interchange.import_edits")

_MAX_WARNING_LINES = 20
"""Lines that a terminal shows at once, below the table."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The outcome of an import."""

    comparison: Comparison
    cut_list: CutList
    replaced_locks: tuple[Lock, ...]
    """Earlier locks that overlap the new ones."""


def import_timeline(
    job: pipeline.Job, path: Path, dialect: str | None = None, sequence: str = ""
) -> ImportResult:
    """Compare the timeline at `path` with the cached cut, and save the changes as locks.

    `dialect` is the host that the file is from; None to detect it from the file, and where its
    numbers could be in either of two units, by which of them fits the cached cut. `sequence` is the
    name or number of the one to import; empty for the only one that shows the recording.
    """
    cut_list = pipeline.cached_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    comparison = _compare_with_cut(path, cut_list, dialect, sequence)
    with pipeline.exclusive_session(job) as session:
        latest = pipeline.cached_cut(job)
        if latest is not None and latest != cut_list:  # another program planned meanwhile
            cut_list, comparison = latest, _compare_with_cut(path, latest, dialect, sequence)
        expected_digest = store.file_digest(session.folder / "locks.json")
        old_locks = store.load_locks(session.folder)
        locks, replaced = merge_locks(old_locks, comparison.locks)
        if replaced:
            copy = store.back_up(session.folder / "locks.json")
            log.info("the earlier locks are saved as %s", copy)
        if locks != old_locks:
            analysis = pipeline.cached_analysis(job)
            locks = pipeline.with_sightings(locks, analysis) if analysis else locks
            store.save_locks(session.folder, locks, expected_digest=expected_digest)
    return ImportResult(comparison, cut_list, replaced)


def merge_locks(
    old: Sequence[Lock], new: Sequence[Lock]
) -> tuple[tuple[Lock, ...], tuple[Lock, ...]]:
    """Return all locks in order of time, and those of `old` that overlap `new` and are dropped.

    Both are in order of time.
    """
    remaining, replaced, at = [], [], 0
    for lock in old:
        while at < len(new) and new[at].range.end <= lock.range.start:
            at += 1
        overlaps = at < len(new) and new[at].range.start < lock.range.end
        (replaced if overlaps else remaining).append(lock)
    locks = sorted([*remaining, *new], key=lambda lock: lock.range.start)
    return tuple(locks), tuple(replaced)


def _compare_with_cut(
    path: Path, cut_list: CutList, dialect: str | None, sequence: str
) -> Comparison:
    """The comparison in the dialect that is given, or else that fits the cut best."""
    media = cut_list.media
    hints = MediaHints(
        media.size, cut_list.canvas, media.rotation, dialect or "", sequence, media.path.name
    )
    timeline = read_timeline(path, hints)
    if _names_link_target(timeline, media):
        media = replace(media, path=media.path.resolve())
        cut_list, hints = replace(cut_list, media=media), replace(hints, media_name=media.path.name)
    _require_same_programme(path, timeline, cut_list)
    comparison = compare(timeline, cut_list)
    if dialect or not comparison.changes:
        return comparison
    for other in DIALECTS.get(path.suffix.lower(), ()):
        if other == timeline.host:
            continue
        alternative = compare(read_timeline(path, replace(hints, dialect=other)), cut_list)
        if alternative.matching_framings > comparison.matching_framings:
            comparison = alternative
    return comparison


def _names_link_target(timeline: EditedTimeline, media: Media) -> bool:
    """Whether it shows the recording only under the name that our link to it points to."""
    link, target = (
        any(clip.plays(path.name) for clip in timeline.clips)
        for path in (media.path, media.path.resolve())
    )
    return target and not link


def _require_same_programme(path: Path, timeline: EditedTimeline, cut_list: CutList) -> None:
    """Raise TimelineError where the timeline has another recording, rate or canvas than the cut."""
    media, canvas = cut_list.media, timeline.canvas
    if not any(clip.plays(media.path.name) for clip in timeline.clips):
        raise TimelineError(
            f"{path}: none of its clips shows {media.path.name}; import a timeline of that "
            "recording"
        )
    if timeline.rate != media.rate:
        raise TimelineError(
            f"{path}: runs at {timeline.rate} frames per second, the recording at {media.rate}; "
            "set the timeline to the recording's rate in the editor and export it again"
        )
    if canvas and canvas != cut_list.canvas:
        raise TimelineError(
            f"{path}: its canvas is {canvas[0]}x{canvas[1]}, the cut's "
            f"{cut_list.canvas[0]}x{cut_list.canvas[1]}; "
            f"cut again with --canvas {canvas[0]}x{canvas[1]}, or change it in the editor"
        )


def print_result(result: ImportResult, console: Console) -> None:
    """Print a table of what the editor changed, the warnings, and a summary."""
    rate = result.cut_list.media.rate
    table = Table("from", "to", "before", "after", "change", "saved as", title="Changes")
    for change in result.comparison.changes:
        begin, end = (float(at / rate) for at in (change.range.start, change.range.end))
        outcome = "lock" if change.lock else ""
        cells = map(escape, (change.before, change.after, change.description))
        table.add_row(f"{begin:.2f} s", f"{end:.2f} s", *cells, outcome)
    if table.row_count:
        console.print(table)
    warnings = result.comparison.warnings
    more = len(warnings) - _MAX_WARNING_LINES
    lines = [*warnings[:_MAX_WARNING_LINES], *([f"and {more} more"] if more > 0 else [])]
    for line in [*lines, _summary(result)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _summary(result: ImportResult) -> str:
    locks, replaced = len(result.comparison.locks), len(result.replaced_locks)
    summary = f"{result.comparison.unchanged} shots unchanged, {locks} saved as locks"
    return f"{summary}; {replaced} earlier locks replaced" if replaced else summary
