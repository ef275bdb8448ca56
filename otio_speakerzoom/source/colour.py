"""What colours a film has that is made of a source."""

from __future__ import annotations

import av

from otio_speakerzoom.model import Media

BT709, BT601 = 1, 6
"""Matrices by the numbers of ITU-T H.273: of high definition, and of what is smaller."""
UNSAID = 2


def film_colour(media: Media, picture: av.VideoFrame) -> tuple[int, int, int]:
    """Return primaries, transfer and matrix (ITU-T H.273) of the film of such pictures.

    High dynamic range is made to BT.709. Else nothing is converted, so they are the source's own;
    where it does not say, players take BT.601 for what is smaller than 720 lines, and so it is
    marked.
    """
    if media.transfer != "sdr":
        return BT709, BT709, BT709
    primaries, transfer, _ = media.colour
    matrix = int(picture.colorspace)
    if picture.format.is_rgb:
        return primaries, transfer, BT709
    if matrix == UNSAID:
        matrix = BT601 if min(media.size) < 720 else BT709
    return primaries, transfer, matrix
