"""Which of several sequences in one file is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from otio_speakerzoom.readers.edited import EditedTimeline, Given
from otio_speakerzoom.readers.values import FAULTS


def chosen(
    sequences: Sequence[tuple[str, Callable[[], EditedTimeline]]], given: Given
) -> EditedTimeline:
    """Return the sequence that is asked for, or that the recording lies in, or the only one.

    Sequences are (name, what reads it). Raise LookupError with the names where it is none or
    several of them.
    """
    if given.sequence:
        return _named(sequences, given)
    if len(sequences) == 1:
        return sequences[0][1]()
    found = []
    for name, read in sequences:
        try:
            timeline = read()
        except FAULTS:
            continue
        clips = [clip for track in timeline.tracks for clip in track]
        if any(clip.plays(given.media_name) for clip in clips) if given.media_name else clips:
            found.append((name, timeline))
    if len(found) == 1:
        return found[0][1]
    if not found and sequences:
        return sequences[0][1]()  # as good as any to say what is wrong
    raise SequenceChoiceError(
        f"holds {len(found)} sequences: {_names(found)}", "say which with --sequence NAME"
    )


class SequenceChoiceError(Exception):
    """A file holds several sequences, or not the one that is asked for.

    Its arguments are what is wrong and what to do.
    """


def _named(
    sequences: Sequence[tuple[str, Callable[[], EditedTimeline]]], given: Given
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
        which = f"holds no sequence {wanted!r}, but {_names(sequences)}"
    raise SequenceChoiceError(which, f"give --sequence a name, or a number up to {len(sequences)}")


def _names(sequences: Sequence[tuple[str, object]]) -> str:
    """The first names, and how many more; a line must hold them."""
    most = 12
    more = f" and {len(sequences) - most} more" if len(sequences) > most else ""
    return ", ".join(repr(name[:60]) for name, _ in sequences[:most]) + more
