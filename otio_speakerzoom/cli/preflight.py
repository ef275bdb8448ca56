"""Checks that the source and the format can do what is requested, before any frame is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otio_speakerzoom.errors import MediaError

if TYPE_CHECKING:
    from otio_speakerzoom.cli.request import Request
    from otio_speakerzoom.model import AudioSelection, Media
    from otio_speakerzoom.pipeline import Job


def check_plan(request: Request, job: Job) -> None:
    """Raise SpeakerZoomError, in one line, where the source does not allow what is requested.

    It must contain the part, the audio stream and the channels; the format of the timeline must
    be able to carry the canvas, the rate, and the path under its name elsewhere.
    """
    from otio_speakerzoom.pipeline import open_session, requested_canvas

    session = open_session(job)
    _check_audio(session.media, session.audio_selection)
    if request.adapter:
        _try_timeline(request, session.media, requested_canvas(session))


def _check_audio(media: Media, selection: AudioSelection) -> None:
    from otio_speakerzoom.speech.audio_channels import check_audio_selection

    if media.audio_streams:
        check_audio_selection(media, selection)
    elif selection.stream or selection.channel:
        raise MediaError(
            f"{media.path}: has no audio to choose from; leave out --audio-stream and --channels"
        )


def _try_timeline(request: Request, media: Media, canvas: tuple[int, int]) -> None:
    """Write the timeline of a cut with a single wide shot, and discard it."""
    from otio_speakerzoom.director.crop_geometry import widest_crop
    from otio_speakerzoom.model import CutList, Shot
    from otio_speakerzoom.pipeline import timeline_text

    wide = widest_crop(media.size, canvas)
    cut_list = CutList(media, canvas, (Shot(media.range, (), wide, ""),))
    timeline_text(
        cut_list, request.adapter, dict(request.adapter_options), media_root=request.media_root
    )
