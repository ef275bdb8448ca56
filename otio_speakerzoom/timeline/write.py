"""Writes a cut list as the text of a timeline, with one of the OTIO adapters."""

from __future__ import annotations

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList


def timeline_text(
    cut_list: CutList,
    adapter: str,
    arguments: dict[str, str],
    *,
    media_root: tuple[str, str] | None = None,
) -> str:
    """Return the timeline of `cut_list` as written by the OTIO adapter of that name.

    `media_root` is a folder that contains the media, and its name on the machine that opens the
    timeline.
    """
    import opentimelineio as otio

    from otio_speakerzoom.timeline.build import to_otio
    from otio_speakerzoom.timeline.media_paths import relocate

    path = str(cut_list.media.path)
    timeline = to_otio(cut_list, path=relocate(path, *media_root) if media_root else path)
    try:
        return otio.adapters.write_to_string(timeline, adapter, **arguments)
    except otio.exceptions.NotSupportedError as error:
        raise SpeakerZoomError(
            f"OpenTimelineIO cannot find the adapter {adapter}; reinstall otio-speakerzoom"
        ) from error
