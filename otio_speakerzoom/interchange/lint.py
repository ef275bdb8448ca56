"""Checks a timeline before anyone imports it: its problems, and what its host will do with it.

Checks the file as an editor would: is the media there, do ranges lie in it, do rates agree, does
every frame show something, and does the file keep the rules of its format. Nothing is changed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PureWindowsPath

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.interchange.lint_dtd import validate
from otio_speakerzoom.interchange.lint_formats import format_problems
from otio_speakerzoom.interchange.read import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    read_timeline,
    text_of,
)
from otio_speakerzoom.interchange.read.messages import CROP_EFFECT
from otio_speakerzoom.interchange.read.open import HOST_NAMES
from otio_speakerzoom.interchange.read.values import READ_ERRORS, in_line, reason
from otio_speakerzoom.model import Media
from otio_speakerzoom.source import probe, start_from_label
from otio_speakerzoom.timeline.transform import fit

_MAX_DESCRIBED_CLIPS = 10
"""Clips described one by one: enough to see whether the framing is meant so."""


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a check."""

    problems: tuple[str, ...]
    """A line each; none where the timeline can be imported as it is."""
    remarks: tuple[str, ...]
    """What the host will do with it, in plain words, and what could not be checked."""


def check(
    path: Path,
    dtd: Path | None = None,
    canvas: tuple[int, int] | None = None,
    sequence: str = "",
) -> Report:
    """Return the findings for the timeline at `path`.

    `dtd` is a file with which to validate an FCPXML; without it none is read. `canvas` is the size
    of the delivered video for a format that does not carry it (Resolve's .otio).
    `sequence` is the name or number of one of several. Raise TimelineError where the file is not a
    timeline that can be read, or holds several and none is named.
    """
    timeline = read_timeline(path, MediaHints(canvas=canvas, sequence=sequence))
    known_canvas = canvas or timeline.canvas
    sources, problems = _probe_media(path, timeline)
    if len(sources) == 1:  # then its sizes are known where the file leaves them out
        (media,) = sources.values()
        assumed = known_canvas or media.size
        hints = MediaHints(media.size, assumed, media.rotation, sequence=sequence)
        timeline = read_timeline(path, hints)
    problems += [*_timecode_problems(timeline, sources), *_range_problems(timeline, sources)]
    problems += [*_order_problems(timeline), *_format_problems(path)]
    problems += map(_warning_as_problem, timeline.warnings)
    remarks = list(_describe_import(timeline))
    if len(sources) == 1 and not known_canvas:
        remarks.append(
            "the project's size is not in this file: taken as the media's (--canvas sets another)"
        )
    if path.suffix.lower() in (".fcpxml", ".fcpxmld"):
        violations, remark = validate(text_of(path), dtd)
        problems += violations
        remarks.append(remark)
    return Report(tuple(dict.fromkeys(map(in_line, problems))), tuple(map(in_line, remarks)))


def _probe_media(path: Path, timeline: EditedTimeline) -> tuple[dict[str, Media], list[str]]:
    """The media that exists, by its path in the timeline, and the problems with it."""
    sources: dict[str, Media] = {}
    problems: list[str] = []
    for name in dict.fromkeys(clip.media for clip in timeline.clips if clip.media):
        file = path.parent / name  # which an absolute path replaces
        if PureWindowsPath(name).drive or not os.path.isfile(file):  # noqa: PTH113
            problems.append(f"no media at {name}: the editor will show it offline")
            continue
        try:
            sources[name] = probe(file)
        except MediaError as error:
            problems.append(str(error))
            continue
        if sources[name].rate != timeline.rate:
            problems.append(
                f"{name} runs at {sources[name].rate} frames per second, the timeline at "
                f"{timeline.rate}: cuts will be on wrong frames"
            )
    return sources, problems


def _timecode_problems(timeline: EditedTimeline, sources: Mapping[str, Media]) -> Iterator[str]:
    """Media whose timecode differs from the timeline's: it is shown offline, or shifted."""
    for name, media in sources.items():
        label = start_from_label(media)
        if label is not None and label != media.start:
            yield (
                f"{name} counts its timecode from frame {media.start}, but its label says "
                f"{label}: editors may use either"
            )
    for clip in timeline.clips:
        media = sources.get(clip.media)
        if clip.timecode is None or media is None or media.rate != timeline.rate:
            continue
        if clip.timecode != media.start:
            yield (
                f"{clip.media} starts at frame {media.start} of its timecode, but the timeline "
                f"says {clip.timecode}: the editor will not find the frames, or show others"
            )


def _range_problems(timeline: EditedTimeline, sources: Mapping[str, Media]) -> Iterator[str]:
    """Clips that are not supported, or show more frames than there are."""
    places = Counter((clip.record, clip.source) for clip in timeline.clips if clip.enabled)
    for clip in timeline.clips:
        media = sources.get(clip.media)
        # a clip that is cropped over another one of the same frames is half of a two-up
        is_half = clip.rest and clip.enabled and places[clip.record, clip.source] > 1
        if clip.unsupported and not (is_half and clip.unsupported == CROP_EFFECT):
            yield f"{clip.label} {clip.unsupported}"
        if clip.source is None:
            continue
        lengths = [clip.available_range.end] if clip.available_range else []
        lengths += [media.duration] if media and media.rate == timeline.rate else []
        if lengths and clip.source.end > min(lengths):
            yield (
                f"{clip.label} shows frames up to {clip.source.end} of media that has "
                f"{min(lengths)}"
            )


def _order_problems(timeline: EditedTimeline) -> Iterator[str]:
    """Overlaps on a track, and frames of the programme that show nothing."""
    for number, track in enumerate(timeline.tracks, 1):
        for before, after in pairwise(track):
            if after.record.start < before.record.end:
                yield f"{after.label} overlaps the clip before it on track {number}"
    at = 0
    for clip in sorted(
        (clip for clip in timeline.clips if clip.enabled), key=lambda clip: clip.record.start
    ):
        if clip.record.start > at:
            yield f"frames {at} to {clip.record.start} of the programme show nothing"
        at = max(at, clip.record.end)


def _format_problems(path: Path) -> list[str]:
    try:
        return list(format_problems(text_of(path), path.suffix))
    except READ_ERRORS as error:
        return [f"a part of the file that not every editor reads is damaged ({reason(error)})"]


def _warning_as_problem(warning: str) -> str:
    """A reader's warning; an editor may drop what lies between or over clips."""
    droppable = warning.startswith(("a transition", "a filter"))
    return f"{warning}: it may not survive the import" if droppable else warning


def _describe_import(timeline: EditedTimeline) -> Iterator[str]:
    """What the host will do with the timeline."""
    host, canvas = HOST_NAMES[timeline.host], timeline.canvas
    clips = [clip for clip in timeline.clips if clip.enabled]
    size = _size_text(canvas) if canvas else "the project's own size"
    yield f"{host}: plays {len(clips)} clips at {timeline.rate} frames per second, in {size}"
    if timeline.host == "resolve":
        yield "Resolve: set the project's size and rate first, and tick 'use sizing information'"
    for clip in clips[:_MAX_DESCRIBED_CLIPS]:
        if clip.source is None and clip.unsupported:
            yield f"{clip.label}: cannot be described further"
            continue
        transform = clip.transform
        if clip.source is None or transform is None or canvas is None or clip.size is None:
            yield f"{clip.label}: its framing is unknown without the media and the canvas"
            continue
        base, begins = fit(clip.size, canvas), f"fits {_size_text(clip.size)} into {size}"
        if timeline.host == "premiere":  # which scales nothing by itself
            base, begins = 1.0, f"takes {_size_text(clip.size)} pixel for pixel"
        yield (
            f"{clip.label}: {host} {begins}, then zooms {transform.scale / base:.2f} and moves "
            f"{transform.dx:+.1f} right, {transform.dy:+.1f} down, in pixels of the canvas"
            f"{', and moves from there' if clip.keys else ''}{_crop_text(clip)}"
        )
    if len(clips) > _MAX_DESCRIBED_CLIPS:
        yield f"and {len(clips) - _MAX_DESCRIBED_CLIPS} more clips"


def _crop_text(clip: EditedClip) -> str:
    if clip.rest is None:
        return ""
    left, top, right, bottom = clip.rest.edges
    return f", and cuts off all but {left:.1f}, {top:.1f} to {right:.1f}, {bottom:.1f} of its media"


def _size_text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
