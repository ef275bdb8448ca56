"""The words of a transcript that lies beside the source: SubRip (.srt) or WebVTT (.vtt)."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import Media
from otio_speakerzoom.store.bounded import fault_of, read_bytes

log = logging.getLogger(__name__)

SUFFIXES = (".srt", ".vtt")
MAX_BYTES = 20 << 20
"""Of a transcript: 24 hours of talk with a time for each word take half of it."""
FALLBACK_ENCODING = "cp1252"
"""Of transcripts that are not UTF-8: old programs on Windows wrote them so."""

_TIME = r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
_CUE = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_WORD_TIME = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|\{\\[^{}]*\}")


def find_transcript(source: Path) -> Path | None:
    """Return the transcript beside a source, `talk.srt` or `talk.mp4.vtt`; None without one."""
    for suffix in SUFFIXES:
        for path in (source.with_suffix(suffix), source.with_name(source.name + suffix)):
            if path != source and path.is_file():
                return path
    return None


def read_words(path: Path, media: Media) -> list[dict[str, Any]]:
    """Return cues, or single words where they have times, in order; times in source frames.

    What is no cue is left out. A file that cannot be read gives none, which is only said.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
    except OSError as error:
        log.warning("%s: %s and is left out", path, fault_of(error))
        return []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode(FALLBACK_ENCODING, "replace")
    words = [
        {"start": start, "end": end, "text": words}
        for begin, until, line in _cues(text)
        for start_s, end_s, words in _timed_parts(begin, until, line)
        for start, end in [(_frame(start_s, media), _frame(end_s, media))]
        if words and 0 <= start < end
    ]
    return sorted(words, key=lambda word: word["start"])


def _cues(text: str) -> Iterator[tuple[Fraction, Fraction, str]]:
    """Yield begin, end and text of each cue."""
    for block in re.split(r"\r?\n[ \t]*\r?\n|\r\r", text):
        lines = block.splitlines()
        for number, line in enumerate(lines[:3]):  # an identifier may come first
            if match := _CUE.match(line):
                begin, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
                yield begin, end, " ".join(lines[number + 1 :])
                break


def _timed_parts(
    begin: Fraction, end: Fraction, line: str
) -> Iterator[tuple[Fraction, Fraction, str]]:
    """Yield the parts of a cue between the times in it; without any, all of it."""
    starts, parts, position = [begin], [], 0
    for match in _WORD_TIME.finditer(line):
        parts.append(line[position : match.start()])
        starts.append(_seconds(match.groups()))
        position = match.end()
    parts.append(line[position:])
    for start, until, part in zip(starts, [*starts[1:], end], parts, strict=True):
        yield start, until, " ".join(html.unescape(_TAG.sub("", part)).split())


def _seconds(parts: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, fraction = parts
    whole = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
    return whole + Fraction(int((fraction or "0").ljust(3, "0")), 1000)


def _frame(seconds: Fraction, media: Media) -> int:
    """Return the source frame at a time of the file, within the source."""
    frame = int((seconds - media.video_offset) * media.rate // 1)
    return min(max(0, frame), media.duration)
