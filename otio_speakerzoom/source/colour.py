"""Colour of a film: primaries, transfer and matrix that its file declares."""

from __future__ import annotations

import av

from otio_speakerzoom.model import Media

BT709, BT601 = 1, 6
"""Matrices of high and of standard definition, by the numbers of ITU-T H.273."""
UNSPECIFIED = 2


def film_colour(media: Media, frame: av.VideoFrame) -> tuple[int, int, int]:
    """Return primaries, transfer and matrix (ITU-T H.273) of a film rendered from such frames.

    High dynamic range is converted to BT.709. Everything else is not converted and keeps the colour
    of the source; a missing matrix becomes BT.601 below 720 lines, as players assume, else BT.709.
    """
    if media.transfer != "sdr":
        return BT709, BT709, BT709
    primaries, transfer, _ = media.colour
    matrix = int(frame.colorspace)
    if frame.format.is_rgb:
        return primaries, transfer, BT709
    if matrix == UNSPECIFIED:
        matrix = BT601 if min(media.size) < 720 else BT709
    return primaries, transfer, matrix
