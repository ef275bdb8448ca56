"""What the networks eat: face crops at 25 Hz and MFCC at 100 Hz, and the way back to the source.

All published networks of this family were trained at exactly 25 pictures and 100 sound rows per
second. A tick is 1/25 s, counted from the source's first frame; tick k owns rows 4k to 4k + 4.
Source frames become ticks, and ticks source frames, by whole numbers only: a float rate drifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import median_filter

TICKS_PER_SECOND = 25
ROWS_PER_TICK = 4
CROP = 112
"""Side of a network's picture, in pixels."""

# The settings that TalkNet calls python_speech_features 0.6 with; the rest are its defaults.
SAMPLE_RATE = 16000
ROW_SAMPLES = 400  # 25 ms
STEP_SAMPLES = 160  # 10 ms
FFT = 512
FILTERS = 26
COEFFICIENTS = 13
PRE_EMPHASIS = 0.97
LIFTER = 22
BLOCK_ROWS = 6000  # 60 s of sound: about 60 MB of spectra at a time, however long the file


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stretch of one face, and what is heard meanwhile."""

    crops: NDArray[np.uint8]
    """(T, 112, 112) gray, one per tick."""
    mfcc: NDArray[np.float32]
    """(M, 4T, 13) MFCC rows of each of M microphones."""

    def __post_init__(self) -> None:
        ticks, rows = len(self.crops), ROWS_PER_TICK * len(self.crops)
        if not ticks or self.mfcc.shape[1:] != (rows, COEFFICIENTS):
            raise ValueError(
                f"{ticks} crops need (M, {rows}, {COEFFICIENTS}) rows and to be some, "
                f"got {self.mfcc.shape}"
            )


def mfcc(pcm: NDArray[np.int16], *, block_rows: int = BLOCK_ROWS) -> NDArray[np.float64]:
    """Return (n, 13) mel cepstra of `pcm`, (samples,) mono at 16 kHz, one row per 10 ms.

    The numbers of python_speech_features 0.6: amplitudes as stored (scaled to 1 they would shift
    coefficient 0 by 20.8, and the networks never saw that), no window, the logarithm of the row's
    energy in place of coefficient 0. The last row is filled up with zeros; no sound is one row of
    silence. Rows are made `block_rows` at a time, which changes memory and nothing else.
    """
    rows = 1 + max(0, -(-(len(pcm) - ROW_SAMPLES) // STEP_SAMPLES))
    filters = _mel_filters()
    made = np.empty((rows, COEFFICIENTS))
    for first in range(0, rows, block_rows):
        last = min(first + block_rows, rows)
        made[first:last] = _cepstra(_windows(pcm, first, last), filters)
    return made


def _windows(pcm: NDArray[np.int16], first: int, last: int) -> NDArray[np.float64]:
    """(last - first, 400) pre-emphasised samples of rows `first` up to `last`."""
    start = first * STEP_SAMPLES
    need = (last - first - 1) * STEP_SAMPLES + ROW_SAMPLES
    # One sample earlier than asked, because pre-emphasis looks back by one; before the first is 0.
    sound = pcm[max(start - 1, 0) : start + need].astype(np.float64)
    if start == 0:
        sound = np.concatenate([np.zeros(1), sound])
    sharp = sound[1:] - PRE_EMPHASIS * sound[:-1]
    # The zeros of the tail come after pre-emphasis, or the last sample would echo into them.
    sharp = np.pad(sharp, (0, need - len(sharp)))
    return np.lib.stride_tricks.sliding_window_view(sharp, ROW_SAMPLES)[::STEP_SAMPLES]


def _cepstra(windows: NDArray[np.float64], filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 13) liftered cepstra of (n, 400) samples."""
    tiny = np.finfo(np.float64).eps  # what a zero becomes before its logarithm is taken
    power = np.abs(np.fft.rfft(windows, FFT)) ** 2 / FFT  # (n, 257)
    energy = power.sum(axis=1)  # (n,)
    bands = power @ filters  # (n, 26)
    logs = np.log(np.where(bands == 0, tiny, bands))
    order = np.arange(COEFFICIENTS)
    cepstra = np.asarray(dct(logs, type=2, axis=1, norm="ortho"))[:, :COEFFICIENTS]
    cepstra = cepstra * (1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER))
    cepstra[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return cepstra


def _mel_filters() -> NDArray[np.float64]:
    """(257, 26) triangles, evenly spaced in mel (2595 log10(1 + f / 700)), each 1 at its peak."""
    mels = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), FILTERS + 2)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    corners = np.floor((FFT + 1) * hertz / SAMPLE_RATE)
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(FFT // 2 + 1)[:, None]
    return np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak)).clip(min=0)


def mfcc_rows(
    features: NDArray[np.float64] | NDArray[np.float32], frames: int, *, start: int = 0
) -> NDArray[np.float32]:
    """Return the (4 * frames, 13) rows of `frames` ticks from tick `start` on.

    `features` are the rows of the whole file: a slice of them also holds the last row that sound
    cut to the track's length would lack (T ticks give 4T - 1 rows), so no last score is lost.
    Beyond either end the outermost row is repeated. That is for the one row missing at the end of
    the file; sound that is much shorter than the picture should be filled with zeros before.
    """
    rows = np.arange(ROWS_PER_TICK * start, ROWS_PER_TICK * (start + frames))
    return features[rows.clip(0, len(features) - 1)].astype(np.float32)


@dataclass(frozen=True, slots=True)
class CropRecipe:
    """How the picture a network was trained on is cut from a face box."""

    scale: float
    """Size of the region: of the box's longer side where `square`, else of each side."""
    shift: float
    """How far the region's centre lies below the box's, in the box's longer side."""
    square: bool
    """Whether the region is a square; otherwise it is the box's shape, squeezed to a square."""
    border: int = 110
    """Gray of what lies outside the picture, 0 to 255; 110 is what TalkNet pads with."""


WHOLE_BOX = CropRecipe(scale=1.2, shift=0.0, square=False)
"""For weights trained on AVA, whose pictures are whole face boxes. A fifth wider than the box,
because detectors box more tightly than AVA does: picks the talker of two moving mouths 83 times in
100 where x1.0 does 81 and the lower face 71 (LR-ASD, 4 s windows, n = 126)."""

LOWER_FACE = CropRecipe(scale=0.7, shift=0.2, square=True)
"""For TalkNet's TalkSet weights: from above the nose to below the chin. The published demo pads the
box, resizes it to 224 and keeps the central 112, which comes to this square."""


def smooth_boxes(boxes: NDArray[np.float32], kernel: int = 13) -> NDArray[np.float32]:
    """Return (T, 4) boxes whose centre and size are running medians over `kernel` ticks.

    13 ticks as in TalkNet's demo. The ends repeat the outermost box. The demo's median puts zeros
    there, which pull the first and last six crops towards the smallest value in view, so that on a
    moving face those crops lag.
    """
    wide = boxes.astype(np.float64)
    centre, size = (wide[:, :2] + wide[:, 2:]) / 2, wide[:, 2:] - wide[:, :2]
    centre = np.asarray(median_filter(centre, size=(kernel, 1), mode="nearest"))
    size = np.asarray(median_filter(size, size=(kernel, 1), mode="nearest"))
    return np.hstack([centre - size / 2, centre + size / 2]).astype(np.float32)


def crop_face(
    picture: NDArray[np.uint8], box: NDArray[np.float32], recipe: CropRecipe
) -> NDArray[np.uint8]:
    """Return the (112, 112) gray crop of one face, cut from an (H, W) gray picture.

    `box` is left, top, right, bottom in pixels of that picture; it may reach outside. Where the
    region is larger than the crop it is sampled once per source pixel or so, then averaged: an
    affine warp alone skips pixels, and up to 1.3 % of the scores change sign by it.
    """
    left, top, width, height = _region(box, recipe)
    across, down = (max(1, round(side / CROP)) for side in (width, height))
    x_step, y_step = width / (CROP * across), height / (CROP * down)
    # OpenCV counts from the first pixel's centre, a box from its outer corner: hence the halves.
    back = np.array([[x_step, 0, left + (x_step - 1) / 2], [0, y_step, top + (y_step - 1) / 2]])
    sampled = cv2.warpAffine(
        picture,
        back,
        (CROP * across, CROP * down),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(recipe.border,),
    )
    cropped = cv2.resize(sampled, (CROP, CROP), interpolation=cv2.INTER_AREA)
    return np.asarray(cropped, dtype=np.uint8)


def _region(box: NDArray[np.float32], recipe: CropRecipe) -> tuple[float, float, float, float]:
    """Left, top, width and height of what `recipe` cuts around `box`, in pixels."""
    x0, y0, x1, y1 = (float(side) for side in box)
    longer = max(x1 - x0, y1 - y0)
    width, height = (longer, longer) if recipe.square else (x1 - x0, y1 - y0)
    width, height = recipe.scale * width, recipe.scale * height
    return (x0 + x1 - width) / 2, (y0 + y1 - height) / 2 + recipe.shift * longer, width, height


def grid_frames(frames: int, rate: Fraction) -> NDArray[np.int64]:
    """Return which source frame each tick shows, for a source of `frames` frames at `rate`.

    As many ticks as it takes to cover the source. Tick k shows the last frame that has begun by
    half a tick after k/25 s, so that rounding in the file's own times moves nothing.
    """
    ticks = -(-TICKS_PER_SECOND * frames * rate.denominator // rate.numerator)
    halves = 2 * np.arange(ticks, dtype=np.int64) + 1  # of a tick: (2k + 1) / 50 s
    shown = halves * rate.numerator // (2 * TICKS_PER_SECOND * rate.denominator)
    return np.minimum(shown, frames - 1)


def to_source_frames(
    scores: NDArray[np.float32], start_tick: int, start_frame: int, frames: int, rate: Fraction
) -> NDArray[np.float32]:
    """Return (frames,) scores, one per source frame from `start_frame` on.

    `scores` are (K,), one per tick from `start_tick` on. A source frame lies between two ticks and
    takes its share of both; beyond either end the outermost score holds.
    """
    if not len(scores):
        raise ValueError("need at least one score to spread over the source frames")
    number = np.arange(start_frame, start_frame + frames, dtype=np.int64)
    tick, rest = np.divmod(TICKS_PER_SECOND * number * rate.denominator, rate.numerator)
    share = rest / rate.numerator  # of the later tick, 0 to 1
    before = scores[(tick - start_tick).clip(0, len(scores) - 1)]
    after = scores[(tick - start_tick + 1).clip(0, len(scores) - 1)]
    return (before + share * (after - before)).astype(np.float32)
