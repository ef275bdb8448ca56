"""What is wrong with a timeline before anyone imports it, and what its host will do with it.

Looks at the file as an editor would: is the media there, do ranges lie in it, do rates agree, does
every frame show something, and does the format's own bookkeeping hold. Nothing is changed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PureWindowsPath

from otio_speakerzoom.errors import MediaError, TimelineError
from otio_speakerzoom.interchange.lint_formats import faults
from otio_speakerzoom.interchange.read import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    read_timeline,
    text_of,
)
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.values import FAULTS, reason
from otio_speakerzoom.model import Media
from otio_speakerzoom.source import probe, start_from_label
from otio_speakerzoom.timeline.transform import fit

_HOSTS = {
    "resolve": "Resolve",
    "premiere": "Premiere",
    "fcp": "Final Cut",
    "shotcut": "Shotcut",
    "speakerzoom": "no editor (the framing is in our own notes): an editor",
}
_SAID = 10  # shots told in full: enough to see whether the framing is meant so


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    problems: tuple[str, ...]
    """A line each; none where the timeline can be imported as it is."""
    says: tuple[str, ...]
    """What the host will do with it, in plain words, and what could not be checked."""


def check(
    path: Path,
    dtd: Path | None = None,
    canvas: tuple[int, int] | None = None,
    sequence: str = "",
) -> Report:
    """Return what is found of the timeline at `path`.

    `dtd` is what an FCPXML is held against: a file, or None for one of Apple's name beside `path`.
    `canvas` is the picture's size for a format that does not carry it (Resolve's .otio). `sequence`
    is the name or number of one of several. Raises TimelineError where the file is no timeline that
    can be read, or holds several and none is named.
    """
    timeline = read_timeline(path, MediaHints(canvas=canvas, sequence=sequence))
    told = canvas or timeline.canvas
    found, problems = _media(path, timeline)
    if len(found) == 1:  # what the file leaves out is then known: the sizes
        (media,) = found.values()
        assumed = told or media.size
        given = MediaHints(media.size, assumed, media.rotation, sequence=sequence)
        timeline = read_timeline(path, given)
    problems += [*_timecodes(timeline, found), *_ranges(timeline, found)]
    problems += [*_order(timeline), *_faults(path)]
    problems += map(_told, timeline.notes)
    says = list(_plain_words(timeline))
    if len(found) == 1 and not told:
        says.append(
            "the project's size is not in this file: taken as the media's (--canvas sets another)"
        )
    if path.suffix.lower() in (".fcpxml", ".fcpxmld"):
        wrong, remark = _against_dtd(path, dtd)
        problems += wrong
        says.append(remark)
    return Report(tuple(dict.fromkeys(problems)), tuple(says))


def _media(path: Path, timeline: EditedTimeline) -> tuple[dict[str, Media], list[str]]:
    """The media that is there, by the path that the timeline gives; and what is wrong with it."""
    found: dict[str, Media] = {}
    problems: list[str] = []
    for name in dict.fromkeys(clip.media for clip in _clips(timeline) if clip.media):
        at = path.parent / name  # which an absolute path replaces
        if PureWindowsPath(name).drive or not at.is_file():
            problems.append(f"media is not at {name}: the editor will show it offline")
            continue
        try:
            found[name] = probe(at)
        except MediaError as error:
            problems.append(str(error))
            continue
        if found[name].rate != timeline.rate:
            problems.append(
                f"{name} runs at {found[name].rate} frames per second, the timeline at "
                f"{timeline.rate}: cuts will be on wrong frames"
            )
    return found, problems


def _timecodes(timeline: EditedTimeline, found: dict[str, Media]) -> Iterator[str]:
    """Media that starts at another timecode than the timeline has it: shown offline, or shifted."""
    for name, media in found.items():
        label = start_from_label(media)
        if label is not None and label != media.start:
            yield (
                f"{name} counts its timecode from frame {media.start}, but its label says "
                f"{label}: editors may use either"
            )
    for clip in _clips(timeline):
        media = found.get(clip.media)
        if clip.timecode is None or media is None or media.rate != timeline.rate:
            continue
        if clip.timecode != media.start:
            yield (
                f"{clip.media} starts at frame {media.start} of its timecode, but the timeline "
                f"says {clip.timecode}: the editor will not find the frames, or show others"
            )


def _ranges(timeline: EditedTimeline, found: dict[str, Media]) -> Iterator[str]:
    """Clips that show more than there is."""
    for clip in _clips(timeline):
        media = found.get(clip.media)
        if clip.unsupported:
            yield f"{_named(clip)} {clip.unsupported}"
        if clip.source is None:
            continue
        lengths = [clip.whole.end] if clip.whole else []
        lengths += [media.duration] if media and media.rate == timeline.rate else []
        if lengths and clip.source.end > min(lengths):
            yield (
                f"{_named(clip)} shows frames up to {clip.source.end} of media that has "
                f"{min(lengths)}"
            )


def _order(timeline: EditedTimeline) -> Iterator[str]:
    """Overlaps on a track, and frames of the programme that show nothing."""
    for number, track in enumerate(timeline.tracks, 1):
        for before, after in pairwise(track):
            if after.record.start < before.record.end:
                yield f"{_named(after)} overlaps the clip before it on track {number}"
    at = 0
    for clip in sorted(
        (clip for clip in _clips(timeline) if clip.enabled), key=lambda clip: clip.record.start
    ):
        if clip.record.start > at:
            yield f"frames {at} to {clip.record.start} of the programme show nothing"
        at = max(at, clip.record.end)


def _faults(path: Path) -> list[str]:
    """Faults of the format's own bookkeeping."""
    try:
        return list(faults(text_of(path), path.suffix))
    except FAULTS as error:
        return [f"a part of the file that not every editor reads is damaged ({reason(error)})"]


def _told(note: str) -> str:
    """A note as a problem: what lies between or over clips, an editor may drop."""
    lost = note.startswith(("a transition", "a filter"))
    return f"{note}: it may not survive the import" if lost else note


def _plain_words(timeline: EditedTimeline) -> Iterator[str]:
    """What the host will do."""
    host, canvas = _HOSTS[timeline.host], timeline.canvas
    clips = [clip for clip in _clips(timeline) if clip.enabled]
    size = _by(canvas) if canvas else "the project's own size"
    yield f"{host}: plays {len(clips)} clips at {timeline.rate} frames per second, in {size}"
    if timeline.host == "resolve":
        yield "Resolve: set the project's size and rate first, and tick 'use sizing information'"
    for clip in clips[:_SAID]:
        if clip.source is None and clip.unsupported:
            yield f"{_named(clip)}: cannot be described further"
            continue
        if clip.source is None or clip.move is None or canvas is None or clip.size is None:
            yield f"{_named(clip)}: its framing is unknown without the media and the canvas"
            continue
        base, begins = fit(clip.size, canvas), f"fits {_by(clip.size)} into {size}"
        if timeline.host == "premiere":  # which scales nothing by itself
            base, begins = 1.0, f"takes {_by(clip.size)} pixel for pixel"
        yield (
            f"{_named(clip)}: {host} {begins}, then zooms {clip.move.scale / base:.2f} and moves "
            f"{clip.move.dx:+.1f} right, {clip.move.dy:+.1f} down, in pixels of the canvas"
            f"{', moving on from there' if clip.keys else ''}"
        )
    if len(clips) > _SAID:
        yield f"and {len(clips) - _SAID} more clips"


def _against_dtd(path: Path, dtd: Path | None) -> tuple[list[str], str]:
    """What the document type definition does not allow, and a remark on whether it was asked."""
    document = path / "Info.fcpxml" if path.is_dir() else path
    version = _version(document)
    beside = path.parent / f"FCPXMLv{version.replace('.', '_')}.dtd"
    dtd = dtd or (beside if beside.is_file() else None)
    if dtd is None:
        return [], f"not validated with a DTD: none given, and no {beside.name} beside the file"
    if not dtd.is_file():
        raise TimelineError(f"{dtd}: no such file; give the DTD to validate the FCPXML with")
    tool = shutil.which("xmllint")
    try:
        from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  (has no types)
    except ImportError:
        if tool is None:
            return [], "not validated with a DTD: neither lxml nor xmllint is installed"
        return _by_xmllint(tool, document, dtd), f"validated with {dtd.name}"
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        rules = etree.DTD(str(dtd))
    except etree.DTDParseError as error:
        raise TimelineError(f"{dtd}: is not a DTD ({error}); give one of Apple's") from error
    tree = etree.parse(str(document), parser)
    wrong = [] if rules.validate(tree) else rules.error_log.filter_from_errors()
    return [f"line {e.line}: {e.message}" for e in wrong], f"validated with {dtd.name}"


def _by_xmllint(tool: str, document: Path, dtd: Path) -> list[str]:
    command = [tool, "--nonet", "--noout", "--dtdvalid", str(dtd), str(document)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stderr.splitlines() if run.returncode else []


def _version(document: Path) -> str:
    return parse_xml(text_of(document)).get("version", "1.10")


def _clips(timeline: EditedTimeline) -> Iterator[EditedClip]:
    for track in timeline.tracks:
        yield from track


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _named(clip: EditedClip) -> str:
    return f"the clip {clip.name!r} at frame {clip.record.start}"
