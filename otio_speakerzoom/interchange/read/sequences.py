"""Chooses one of several sequences in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from otio_speakerzoom.interchange.read.edited_timeline import EditedTimeline, MediaHints
from otio_speakerzoom.interchange.read.values import READ_ERRORS

NamedSequence = tuple[str, Callable[[], EditedTimeline]]
"""The name of a sequence, and a function that reads it."""
_MAX_LISTED = 12
"""Names of sequences in an error message, which is one line."""


class SequenceChoiceError(Exception):
    """A file holds several sequences, or not the requested one.

    Its arguments are what is wrong and what to do.
    """


def choose_sequence(sequences: Sequence[NamedSequence], hints: MediaHints) -> EditedTimeline:
    """Return the requested sequence, or the only one, or the only one that shows the recording.

    Raise SequenceChoiceError with the names where none of them is meant, or several.
    """
    if hints.sequence:
        return _by_name(sequences, hints.sequence)
    if len(sequences) == 1:
        return sequences[0][1]()
    candidates: dict[int, tuple[str, EditedTimeline]] = {}
    for number, (name, read) in enumerate(sequences, 1):
        try:
            timeline = read()
        except READ_ERRORS:
            continue
        clips = timeline.clips
        if any(clip.plays(hints.media_name) for clip in clips) if hints.media_name else clips:
            candidates[number] = name, timeline
    if len(candidates) == 1:
        return next(timeline for _, timeline in candidates.values())
    if not candidates and sequences:
        return sequences[0][1]()  # as good as any to report what is wrong
    names = {number: name for number, (name, _) in candidates.items()}
    raise SequenceChoiceError(
        f"holds {len(names)} sequences: {_list_names(names)}",
        "choose one with --sequence, by name or number",
    )


def _by_name(sequences: Sequence[NamedSequence], requested: str) -> EditedTimeline:
    """The sequence of that name, or else of that number."""
    matches = [read for name, read in sequences if name == requested]
    if not matches and requested.isdecimal() and 0 < int(requested) <= len(sequences):
        matches = [sequences[int(requested) - 1][1]]
    if len(matches) == 1:
        return matches[0]()
    if matches:
        problem = f"holds {len(matches)} sequences called {requested!r}"
    else:
        names = {number: name for number, (name, _) in enumerate(sequences, 1)}
        problem = f"holds no sequence {requested!r}, but {_list_names(names)}"
    raise SequenceChoiceError(
        problem, f"give --sequence a name, or a number up to {len(sequences)}"
    )


def _list_names(names: Mapping[int, str]) -> str:
    """The first names with their numbers, and how many more."""
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    listed = [f"{number} {name[:60]!r}" for number, name in list(names.items())[:_MAX_LISTED]]
    return ", ".join(listed) + more
