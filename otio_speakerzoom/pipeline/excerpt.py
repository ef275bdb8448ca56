"""A film to look at: one shot or one stretch of it, and smaller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FrameRange, Media


def shot_range(cut_list: CutList, number: int) -> FrameRange:
    """Return the source frames of a shot, by its number from 1."""
    shots = cut_list.shots
    if number > len(shots):
        raise SpeakerZoomError(
            f"{cut_list.media.path}: --shot {number}: the film has {len(shots)} "
            f"shot{'' if len(shots) == 1 else 's'}; choose one of them"
        )
    return shots[number - 1].range


def film_range(
    cut_list: CutList,
    begin: Callable[[Media], int] | None,
    end: Callable[[Media], int] | None,
) -> FrameRange:
    """Return the source frames of a stretch of the film, from its times in the film."""
    media, whole = replace(cut_list.media, start=0), cut_list.range
    first = begin(media) if begin else 0
    last = end(media) if end else whole.duration
    if not 0 <= first < last <= whole.duration:
        raise SpeakerZoomError(
            f"{media.path}: --from and --to give frames {first} to {last} of the film, "
            f"but it has frames 0 to {whole.duration}; choose a part of it"
        )
    return FrameRange(whole.start + first, whole.start + last)


def at_height(cut_list: CutList, height: int) -> CutList:
    """Return the cut for a smaller film of the same shape, its sides even."""
    width, full = cut_list.canvas
    if height > full:
        raise SpeakerZoomError(
            f"{cut_list.media.path}: --height {height}: the film has {full} lines; choose fewer, "
            "or a larger --canvas"
        )
    return replace(cut_list, canvas=(max(2, 2 * round(width * height / full / 2)), height))
