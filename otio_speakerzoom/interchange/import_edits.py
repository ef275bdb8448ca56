"""An edited timeline taken back: what the editor changed, shown, and kept as locks."""

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

_NOTES = 20  # lines that a terminal still shows at once, the table above left aside


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What came of an import."""

    comparison: Comparison
    cut_list: CutList
    replaced: tuple[Lock, ...]
    """Locks that were there and gave way to new ones."""


def import_timeline(
    job: pipeline.Job, path: Path, dialect: str | None = None, sequence: str = ""
) -> ImportResult:
    """Compare the timeline at `path` with the kept cut, and keep what changed as locks.

    `dialect` is the host that the file is from; None to tell it from the file, and where its
    numbers could be of either, by which of them fits the kept cut. `sequence` is the name or number
    of the one to take; empty for the only one that shows the recording.
    """
    cut_list = pipeline.cached_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    comparison = _compared(path, cut_list, dialect, sequence)
    with pipeline.exclusive_session(job) as session:
        version = store.file_digest(session.folder / "locks.json")
        kept = store.load_locks(session.folder)
        locks, replaced = merged(kept, comparison.locks)
        if replaced:
            copy = store.back_up(session.folder / "locks.json")
            log.info("the locks from before are kept as %s", copy)
        if locks != kept:
            known = pipeline.cached_analysis(job)
            locks = pipeline.with_sightings(locks, known) if known else locks
            store.save_locks(session.folder, locks, version=version)
    return ImportResult(comparison, cut_list, replaced)


def merged(kept: Sequence[Lock], new: Sequence[Lock]) -> tuple[tuple[Lock, ...], tuple[Lock, ...]]:
    """Return all locks in order of time, and those of `kept` that overlap `new` and give way.

    `new` are in order of time, and so are `kept`.
    """
    stay, gone, at = [], [], 0
    for lock in kept:
        while at < len(new) and new[at].range.end <= lock.range.start:
            at += 1
        overlaps = at < len(new) and new[at].range.start < lock.range.end
        (gone if overlaps else stay).append(lock)
    return tuple(sorted([*stay, *new], key=lambda lock: lock.range.start)), tuple(gone)


def _compared(path: Path, cut_list: CutList, dialect: str | None, sequence: str) -> Comparison:
    media = cut_list.media
    given = MediaHints(
        media.size, cut_list.canvas, media.rotation, dialect or "", sequence, media.path.name
    )
    as_it_says = read_timeline(path, given)
    if _of_the_link_target(as_it_says, media):
        media = replace(media, path=media.path.resolve())
        cut_list, given = replace(cut_list, media=media), replace(given, media_name=media.path.name)
    _refuse_another_programme(path, as_it_says, cut_list)
    comparison = compare(as_it_says, cut_list)
    if dialect or not comparison.changes:
        return comparison
    others = [d for d in DIALECTS.get(path.suffix.lower(), ()) if d != as_it_says.host]
    for other in others:
        otherwise = compare(read_timeline(path, replace(given, dialect=other)), cut_list)
        if otherwise.recognized > comparison.recognized:
            comparison = otherwise
    return comparison


def _of_the_link_target(timeline: EditedTimeline, media: Media) -> bool:
    """Whether it has the recording under the name that our link to it points to, and no other."""
    clips = [clip for track in timeline.tracks for clip in track]
    link, target = (
        any(clip.plays(path.name) for clip in clips) for path in (media.path, media.path.resolve())
    )
    return target and not link


def _refuse_another_programme(path: Path, timeline: EditedTimeline, cut_list: CutList) -> None:
    media, canvas = cut_list.media, timeline.canvas
    clips = [clip for track in timeline.tracks for clip in track]
    if not any(clip.plays(media.path.name) for clip in clips):
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
            f"{path}: its picture is {canvas[0]}x{canvas[1]}, the kept cut's "
            f"{cut_list.canvas[0]}x{cut_list.canvas[1]}; "
            f"cut again with --canvas {canvas[0]}x{canvas[1]}, or change it in the editor"
        )


def show(taken: ImportResult, console: Console) -> None:
    """Print a table of what the editor changed."""
    rate = taken.cut_list.media.rate
    table = Table("from", "to", "was", "is", "what", "kept as", title="Changes")
    for change in taken.comparison.changes:
        begin, end = (float(at / rate) for at in (change.range.start, change.range.end))
        as_ = "lock" if change.lock else ""
        words = map(escape, (change.was, change.now, change.what))
        table.add_row(f"{begin:.2f} s", f"{end:.2f} s", *words, as_)
    if table.row_count:
        console.print(table)
    notes = taken.comparison.notes
    more = [f"and {len(notes) - _NOTES} more like these"] if len(notes) > _NOTES else []
    for note in [*notes[:_NOTES], *more]:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    console.print(_summary(taken), markup=False, highlight=False, soft_wrap=True)


def _summary(taken: ImportResult) -> str:
    made, gone = len(taken.comparison.locks), len(taken.replaced)
    said = f"{taken.comparison.unchanged} shots unchanged, {made} kept as locks"
    return f"{said}; {gone} earlier locks replaced" if gone else said
