"""How Resolve counts positions, measured on stills that it exported of the test chart.

Each still is compared with what each known law would show; a still that no law explains fits none.
What was measured is stored in the mailbox and used for the next recipes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, Shot
from otio_speakerzoom.plugins.recipe import FRAME, SCALED
from otio_speakerzoom.store.atomic import write_text
from otio_speakerzoom.store.bounded import read_bytes
from otio_speakerzoom.store.json_values import parse_json
from otio_speakerzoom.timeline.resolve_framing import framings
from otio_speakerzoom.timeline.transform import Transform, transform_of

FILE = "calibration.json"
MIN_AGREEMENT = 0.9
"""Correlation of a still with what its law shows. On the chart a shift by 2 pixels of the canvas
leaves .94, one by 5 leaves .8, and a size wrong by 1 % less than .7; the other law gives less than
.1; JPEG and other gray values cost .002."""
BLUR_PX = 2.0
"""Blurs a still before it is compared, so that scalers do not matter."""
NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured in one version of Resolve."""

    product: str
    version: str
    law: str
    """`scaled`, `frame`, or `neither`."""
    agreements: tuple[tuple[float, float], ...]
    """Correlation of each still with what the two laws show: 1 for the same, 0 for unrelated."""


def measure(
    stills: Sequence[Path], cut_list: CutList, chart: NDArray[np.uint8], product: str, version: str
) -> Calibration:
    """Return which law explains all stills; `chart` is the (height, width, 3) RGB picture.

    A still of a framing for which both laws agree does not decide. SpeakerZoomError if a still is
    missing or no picture.
    """
    rows = tuple(
        (
            _agreement(still, chart, _view(shot, cut_list, SCALED), cut_list.canvas),
            _agreement(still, chart, _view(shot, cut_list, FRAME), cut_list.canvas),
        )
        for still, shot in zip(map(_read, stills), cut_list.shots, strict=True)
    )
    laws = enumerate((SCALED, FRAME))
    fits = [law for n, law in laws if min(row[n] for row in rows) >= MIN_AGREEMENT]
    return Calibration(product, version, fits[0] if fits else NEITHER, rows)


def save(calibration: Calibration, folder: Path) -> None:
    """Store a calibration in the mailbox."""
    fields = {name: getattr(calibration, name) for name in Calibration.__slots__}
    write_text(folder / FILE, json.dumps(fields, indent=2) + "\n")


def load(folder: Path) -> Calibration | None:
    """Return the stored calibration; None if there is none that we can read."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        fields = parse_json(read_bytes(folder / FILE))
        if fields["law"] in (SCALED, FRAME, NEITHER):
            rows = tuple((float(a), float(b)) for a, b in fields["agreements"])
            return Calibration(str(fields["product"]), str(fields["version"]), fields["law"], rows)
    return None


def describe(calibration: Calibration) -> str:
    """Return in one sentence what was measured."""
    where = " ".join(f"{calibration.product} {calibration.version}".split())
    texts = {
        SCALED: f"{where} counts positions as we do",
        FRAME: f"{where} counts positions in pixels of the timeline; `send` does so from now on",
        NEITHER: f"{where} shows the chart elsewhere than we expect; compare its pictures, and set "
                 "the project's settings as docs/resolve.md says",
    }  # fmt: skip
    return texts[calibration.law]


def _view(shot: Shot, cut_list: CutList, law: str) -> Transform:
    """Return what a host of that law shows for the numbers that our recipe has for a shot."""
    size, canvas = cut_list.media.size, cut_list.canvas
    meant = transform_of(shot.crop, size, canvas)
    if law == SCALED:
        return meant
    _, (framing,) = framings([meant], size, canvas, "fit", str(cut_list.media.path))
    return Transform(meant.scale, framing.pan * canvas[0], -framing.tilt * canvas[1])


def picture_of(
    chart: NDArray[np.uint8], transform: Transform, canvas: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the (height, width, 3) picture of a chart that a transform shows on a canvas."""
    import cv2

    height, width = chart.shape[:2]
    matrix = np.array([
        [transform.scale, 0, canvas[0] / 2 + transform.dx - width / 2 * transform.scale],
        [0, transform.scale, canvas[1] / 2 + transform.dy - height / 2 * transform.scale],
    ])  # fmt: skip
    return cv2.warpAffine(chart, matrix, canvas, flags=cv2.INTER_LINEAR).astype(np.uint8)


def _agreement(
    still: NDArray[np.uint8],
    chart: NDArray[np.uint8],
    transform: Transform,
    canvas: tuple[int, int],
) -> float:
    """Return the correlation of a still, (height, width) gray, with what a transform shows.

    Two pictures that show nothing, because the chart is beyond the canvas, agree.
    """
    import cv2

    expected = cv2.cvtColor(picture_of(chart, transform, canvas), cv2.COLOR_RGB2GRAY)
    if still.shape != expected.shape:  # a project of another size
        expected = cv2.resize(expected, still.shape[::-1], interpolation=cv2.INTER_AREA)
    images = [
        cv2.GaussianBlur(image, (0, 0), BLUR_PX).astype(np.float64) for image in (still, expected)
    ]
    a, b = (image - image.mean() for image in images)
    norms = float(np.sqrt((a * a).mean())), float(np.sqrt((b * b).mean()))
    if max(norms) < 1:  # gray value of 255: noise of a codec
        return 1.0
    return round(float((a * b).mean()) / (norms[0] * norms[1]), 4) if min(norms) > 0 else 0.0


def _read(path: Path) -> NDArray[np.uint8]:
    """Return a still in gray, (height, width)."""
    import cv2

    image = None
    with suppress(OSError, cv2.error):  # which refuses pictures of over 2^30 pixels
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SpeakerZoomError(
            f"{path}: Resolve did not export this still; compare the clips with the pictures of "
            "the pack by eye"
        )
    return image.astype(np.uint8)
