"""Which of several sequences in one file is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from otio_speakerzoom.interchange.read.edited_timeline import EditedTimeline, MediaHints
from otio_speakerzoom.interchange.read.values import FAULTS


def chosen(
    sequences: Sequence[tuple[str, Callable[[], EditedTimeline]]], given: MediaHints
) -> EditedTimeline:
    """Return the sequence that is asked for, or that the recording lies in, or the only one.

    Sequences are (name, what reads it). Raise LookupError with the names where it is none or
    several of them.
    """
    if given.sequence:
        return _named(sequences, given)
    if len(sequences) == 1:
        return sequences[0][1]()
    found: dict[int, tuple[str, EditedTimeline]] = {}
    for number, (name, read) in enumerate(sequences, 1):
        try:
            timeline = read()
        except FAULTS:
            continue
        clips = [clip for track in timeline.tracks for clip in track]
        if any(clip.plays(given.media_name) for clip in clips) if given.media_name else clips:
            found[number] = name, timeline
    if len(found) == 1:
        return next(timeline for _, timeline in found.values())
    if not found and sequences:
        return sequences[0][1]()  # as good as any to say what is wrong
    raise SequenceChoiceError(
        f"holds {len(found)} sequences: {_names({n: name for n, (name, _) in found.items()})}",
        "say which with --sequence, by name or number",
    )


class SequenceChoiceError(Exception):
    """A file holds several sequences, or not the one that is asked for.

    Its arguments are what is wrong and what to do.
    """


def _named(
    sequences: Sequence[tuple[str, Callable[[], EditedTimeline]]], given: MediaHints
) -> EditedTimeline:
    wanted = given.sequence
    fitting = [read for name, read in sequences if name == wanted]
    if not fitting and wanted.isdecimal() and 0 < int(wanted) <= len(sequences):
        fitting = [sequences[int(wanted) - 1][1]]
    if len(fitting) == 1:
        return fitting[0]()
    if fitting:
        which = f"holds {len(fitting)} sequences called {wanted!r}"
    else:
        names = {number: name for number, (name, _) in enumerate(sequences, 1)}
        which = f"holds no sequence {wanted!r}, but {_names(names)}"
    raise SequenceChoiceError(which, f"give --sequence a name, or a number up to {len(sequences)}")


def _names(names: Mapping[int, str]) -> str:
    """The first names with their numbers, and how many more; a line must hold them."""
    most = 12
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (
        ", ".join(f"{number} {name[:60]!r}" for number, name in list(names.items())[:most]) + more
    )
