"""High dynamic range made to standard: what a film for any screen shows of HLG and PQ.

Code values become light as ITU-R BT.2100 says, BT.2020 primaries become those of BT.709, light
above what a standard screen can give is rolled off as in ITU-R BT.2390, and the rest becomes the
code values of BT.1886. All of it is one table of three dimensions, which libavfilter looks up.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Media
from otio_speakerzoom.source.filters import Filter

STEPS = 33
"""Of the table on each axis; between them is interpolated."""
PEAK = 1000.0
"""cd/m2 of the brightest light that is told apart: that of a nominal HLG screen (BT.2100)."""
WHITE = 203.0
"""cd/m2 of a sheet of paper in high dynamic range (BT.2408): a standard screen gets no brighter."""
TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
"""Linear BT.2020 to linear BT.709 (ITU-R BT.2087)."""

Values = NDArray[np.float64]


def tone_mapping_filters(media: Media) -> tuple[Filter, ...]:
    """Return the filters that make standard RGB of a source's pictures; none where they are."""
    if media.transfer == "sdr":
        return ()
    return (
        # the matrix that goes with both; some files name the transfer alone
        ("scale", {"in_color_matrix": "bt2020", "flags": "accurate_rnd"}),
        ("format", {"pix_fmts": "gbrp16le"}),
        ("lut3d", {"file": str(_cube(media.transfer)), "interp": "tetrahedral"}),
    )


@cache
def _cube(transfer: str) -> Path:
    """Return a file with the table, which is removed when the program ends."""
    folder = tempfile.mkdtemp(prefix="speakerzoom-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / f"{transfer}.cube"
    rows = "\n".join("{:.6f} {:.6f} {:.6f}".format(*row) for row in table(transfer))
    path.write_text(f"LUT_3D_SIZE {STEPS}\n{rows}\n", encoding="ascii")
    return path


def table(transfer: str) -> Values:
    """Return (STEPS**3, 3) standard R'G'B' from 0 to 1 of all code values, red changing fastest."""
    axis = np.linspace(0, 1, STEPS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    coded = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    light = pq_light(coded) if transfer == "pq" else hlg_light(coded)
    shown = np.maximum(light @ TO_709.T, 0)
    brightest = shown.max(axis=1, keepdims=True)
    # all three channels by one factor, so that no colour turns
    shown = shown * rolled_off(brightest) / np.maximum(brightest, 1e-9)
    return np.clip(shown / WHITE, 0, 1) ** (1 / 2.4)


def hlg_light(coded: Values) -> Values:
    """Return cd/m2 on a screen of 1000 cd/m2 for (N, 3) HLG code values from 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return PEAK * scene * np.maximum(luminance, 1e-9)[:, None] ** 0.2


_M1, _M2, _C1, _C2, _C3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875


def pq_light(coded: Values) -> Values:
    """Return cd/m2 for PQ code values from 0 to 1 (SMPTE ST 2084)."""
    root = coded ** (1 / _M2)
    return 10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def pq_code(light: Values) -> Values:
    """Return PQ code values for cd/m2."""
    power = (light / 10_000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def rolled_off(light: Values) -> Values:
    """Return cd/m2 up to `WHITE` for cd/m2 up to `PEAK`: the knee of BT.2390, above 93 cd/m2."""
    peak = float(pq_code(np.array(PEAK)))
    code, most = np.minimum(pq_code(light) / peak, 1), float(pq_code(np.array(WHITE))) / peak
    knee = 1.5 * most - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    bent = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * most
    )
    return pq_light(np.where(code < knee, code, bent) * peak)
