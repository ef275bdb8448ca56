"""What the source or the chosen format cannot do, said before the first frame is looked at."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from otio_speakerzoom.errors import MediaError

if TYPE_CHECKING:
    from otio_speakerzoom.model import AudioSelection, Media
    from otio_speakerzoom.pipeline import Job


def check_plan(arguments: argparse.Namespace, job: Job) -> None:
    """Raise SpeakerZoomError, in one line, where what is asked for cannot come of this source.

    The part, the audio stream and the channels must be in it; the canvas and the rate must be ones
    that the timeline's format can carry, and its path one that can be named elsewhere.
    """
    from otio_speakerzoom.pipeline import open_session, requested_canvas

    session = open_session(job)
    _check_listening(session.media, session.audio_selection)
    if hasattr(arguments, "adapter"):
        _write_a_wide(arguments, session.media, requested_canvas(session))


def _check_listening(media: Media, wanted: AudioSelection) -> None:
    from otio_speakerzoom.speech.audio_channels import check_listening

    if media.audio_streams:
        check_listening(media, wanted)
    elif wanted.stream or wanted.channel:
        raise MediaError(
            f"{media.path}: has no sound to choose from; leave out --audio-stream and --channels"
        )


def _write_a_wide(arguments: argparse.Namespace, media: Media, canvas: tuple[int, int]) -> None:
    """Write the timeline of a cut that is one wide shot, and throw it away."""
    from otio_speakerzoom.director.framing import widest
    from otio_speakerzoom.model import CutList, Shot
    from otio_speakerzoom.pipeline import timeline_text

    wide = widest(media.size, canvas)
    cut_list = CutList(media, canvas, (Shot(media.range, (), wide, ""),))
    timeline_text(cut_list, *arguments.adapter, media_root=arguments.media_root)
