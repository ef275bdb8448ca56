"""Tone mapping: converts HLG and PQ to standard dynamic range, for films on any screen.

Code values become light (ITU-R BT.2100), BT.2020 primaries become BT.709, highlights beyond a
standard screen roll off (ITU-R BT.2390), and the result becomes code values (BT.1886). All of it is
a single three-dimensional look-up table for libavfilter.
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

TABLE_STEPS = 33
"""Entries of the table per axis; values in between are interpolated."""
PEAK = 1000.0
"""cd/m2 at which highlights clip: the peak of a nominal HLG screen (BT.2100)."""
WHITE = 203.0
"""cd/m2 of reference white in high dynamic range (BT.2408), the peak of a standard screen."""
TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
"""Linear BT.2020 to linear BT.709 (ITU-R BT.2087)."""

Values = NDArray[np.float64]


def tone_mapping_filters(media: Media) -> tuple[Filter, ...]:
    """Return the filters that convert a source's frames to standard RGB; none for SDR."""
    if media.transfer == "sdr":
        return ()
    return (
        # the matrix of both HLG and PQ, because some files declare the transfer only
        ("scale", {"in_color_matrix": "bt2020", "flags": "accurate_rnd"}),
        ("format", {"pix_fmts": "gbrp16le"}),
        ("lut3d", {"file": str(_table_file(media.transfer)), "interp": "tetrahedral"}),
    )


@cache
def _table_file(transfer: str) -> Path:
    """Return a .cube file with the table, which is deleted when the program ends."""
    folder = tempfile.mkdtemp(prefix="speakerzoom-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / f"{transfer}.cube"
    rows = "\n".join("{:.6f} {:.6f} {:.6f}".format(*row) for row in tone_mapping_table(transfer))
    path.write_text(f"LUT_3D_SIZE {TABLE_STEPS}\n{rows}\n", encoding="ascii")
    return path


def tone_mapping_table(transfer: str) -> Values:
    """Return standard R'G'B', 0 to 1, for all code values: (TABLE_STEPS**3, 3), red fastest."""
    axis = np.linspace(0, 1, TABLE_STEPS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    codes = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    light = np.maximum((_pq_light if transfer == "pq" else _hlg_light)(codes) @ TO_709.T, 0)
    brightest = light.max(axis=1, keepdims=True)
    # the same factor for all three channels, so that hues do not shift
    light = light * _roll_off(brightest) / np.maximum(brightest, 1e-9)
    return np.clip(light / WHITE, 0, 1) ** (1 / 2.4)


def _hlg_light(codes: Values) -> Values:
    """Return cd/m2 on a screen of 1000 cd/m2 for (N, 3) HLG code values, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return PEAK * scene * np.maximum(luminance, 1e-9)[:, None] ** 0.2


_M1, _M2, _C1, _C2, _C3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875


def _pq_light(codes: Values) -> Values:
    """Return cd/m2 for PQ code values, 0 to 1 (SMPTE ST 2084)."""
    root = codes ** (1 / _M2)
    return 10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def _pq_code(light: Values) -> Values:
    """Return PQ code values for cd/m2."""
    power = (light / 10_000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _roll_off(light: Values) -> Values:
    """Map cd/m2 up to `PEAK` to cd/m2 up to `WHITE`: the knee of BT.2390, above 93 cd/m2."""
    peak = float(_pq_code(np.array(PEAK)))
    code, limit = np.minimum(_pq_code(light) / peak, 1), float(_pq_code(np.array(WHITE))) / peak
    knee = 1.5 * limit - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * limit
    )
    return _pq_light(np.where(code < knee, code, curve) * peak)
