"""Detects soft transitions of the source: dissolves, and fades through black or white.

Every picture of a dissolve is a mix of the one before it and the one after it, whose share grows
(Yu, Bozdagi and Harrington, "Feature-based hierarchical video segmentation", ICIP 1997, compare the
middle with the mean of both ends). A pan, a zoom, or somebody who walks through the picture shows
something else in between; light that changes leaves what is in the picture. All is calculated from
the sums of tiny pictures, which are whole numbers, so it is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.store.detection_journal import THUMBNAIL_BYTES

SAMPLES_PER_S = Fraction(25, 2)
"""Pictures a second to compare: the shortest transition that editors use, a third of a second, has
four."""

THUMBNAIL_PX = 8
"""Side of the pictures to compare. Larger ones differ by what moves in both of them."""

MAX_TRANSITION_S = 2
"""Longest transition that is compared as a whole. Of a longer one a part is found, as its ends move
little."""

STILL_SAMPLES = 2
"""Samples before and after a transition in which the picture hardly changes."""

# The limits below have round values. They were tried on 301 tracks of training people and 20 shots
# of other clips, joined by 300 transitions, on these 54 minutes as they are, and on 340 generated
# pans, zooms, flashes, lamps, walkers and the like; benchmarks/RESULTS.md has the figures.
MIN_CHANGE = 12.0
"""Root mean square of the whole change, of 255."""
MIN_CONTRAST = 6.0
"""Standard deviation of a picture, of 255: below it nothing is in it, as in black."""
MAX_STRUCTURE = 0.5
"""Largest correlation of the pictures before and after."""
MIN_STRUCTURE = -0.95
"""Smallest one: of a picture and its own negative, any share of one is a share of the other."""
MAX_RESIDUAL = 0.16
"""What no mix of both explains of a picture between them, as a share of the change."""
MAX_END_CHANGE = 0.25
"""Change in the still samples at either end, as a share of the whole."""
MAX_STILL_CHANGE = 0.05
"""The same, below which the picture stands still for sure: in a transition of 3 s it is 0.1."""
MAX_RETURN = 0.12
"""By how much the share of the picture after may fall, or that of the one before rise."""
MAX_MIDDLE_STRUCTURE = 0.9
"""Largest correlation of the picture before with the one in the middle; so where nothing moves, it
is known at once that no transition is under way."""
MAX_MIDDLE_RETURN = 0.05
"""By how much that correlation may rise after the middle."""
MIN_MIXED_SAMPLES = 2
"""With at least a tenth of both: a hard cut has none, and a damaged frame one."""


def sample_step(rate: Fraction) -> int:
    """Return the frames from one sample to the next."""
    return max(1, round(rate / SAMPLES_PER_S))


def thumbnail(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (`THUMBNAIL_BYTES`,) of an (h, w, 3) picture, for comparison."""
    side = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.asarray(cv2.resize(small, side, interpolation=cv2.INTER_AREA), np.uint8).reshape(
        THUMBNAIL_BYTES
    )


class SoftCuts:
    """Finds the middle of each soft transition in a stream of samples."""

    def __init__(self, rate: Fraction) -> None:
        self._max_samples = int(MAX_TRANSITION_S * rate / sample_step(rate))
        self._numbers: list[int] = []
        self._samples = _Samples.none()
        self.open_from: int | None = None
        """The first frame that may still prove to be a cut; None if there is none."""

    def push(self, number: int, picture: NDArray[np.uint8]) -> int | None:
        """Take the `thumbnail` of a frame; return the frame of a cut that has become known.

        That is the first sample in which the picture after prevails.
        """
        longest = self._max_samples + 2 * STILL_SAMPLES
        self._numbers = [*self._numbers[-longest:], number]
        self._samples = self._samples.since(-longest).and_next(picture)
        middles = _possible_middles(self._samples)
        transition = _find_transition(self._samples, middles, self._max_samples)
        if transition:
            middle, end = transition
            cut = self._numbers[middle]
            self.drop_before(self._numbers[end])
            return cut
        self._set_open(middles)
        return None

    def drop_before(self, number: int) -> None:
        """Find no transition that begins before a frame: one of the source's cuts."""
        count = sum(own < number for own in self._numbers)
        self._numbers, self._samples = self._numbers[count:], self._samples.since(count)
        self._set_open(_possible_middles(self._samples))

    def _set_open(self, middles: NDArray[np.bool_]) -> None:
        possible = np.flatnonzero(middles.any(axis=0))
        self.open_from = self._numbers[possible[0]] if len(possible) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """How alike W pictures are. Each new one is compared with those before it, once."""

    pictures: NDArray[np.float64]
    """(W, `THUMBNAIL_BYTES`)"""
    covariances: NDArray[np.float64]
    """(W, W)"""
    contrasts: NDArray[np.float64]
    """(W,) standard deviations."""
    correlations: NDArray[np.float64]
    """(W, W); 1 where one of both has no contrast."""
    changes: NDArray[np.float64]
    """(W, W) root mean squares of the differences."""

    @classmethod
    def none(cls) -> _Samples:
        """Return no samples."""
        square = np.empty((0, 0))
        return cls(np.empty((0, THUMBNAIL_BYTES)), square, np.empty(0), square, square)

    def since(self, first: int) -> _Samples:
        """Return the samples from `first` on, which counts as in a slice."""
        return _Samples(
            self.pictures[first:],
            self.covariances[first:, first:],
            self.contrasts[first:],
            self.correlations[first:, first:],
            self.changes[first:, first:],
        )

    def and_next(self, picture: NDArray[np.uint8]) -> _Samples:
        """Return these samples and one more, (`THUMBNAIL_BYTES`,)."""
        new = picture.astype(np.float64)
        pictures = np.concatenate([self.pictures, new[None]])
        size = len(new)
        # sums of whole numbers, so their order changes nothing
        products, sums = pictures @ new, pictures.sum(axis=1)
        covariances = (size * products - sums * sums[-1]) / size**2
        contrasts = np.append(self.contrasts, np.sqrt(covariances[-1]))
        has_contrast = contrasts >= MIN_CONTRAST
        scale = np.where(has_contrast, contrasts, 1.0)
        correlations = np.where(
            has_contrast & has_contrast[-1], covariances / (scale * scale[-1]), 1.0
        )
        squares = np.einsum("ij,ij->i", pictures, pictures)
        changes = np.sqrt((squares + squares[-1] - 2 * products) / size)
        return _Samples(
            pictures,
            _with_row(self.covariances, covariances),
            contrasts,
            _with_row(self.correlations, correlations),
            _with_row(self.changes, changes),
        )


def _with_row(square: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a symmetrical (W, W) array with one more row and column, both (W + 1,)."""
    larger = np.empty((len(row), len(row)))
    larger[:-1, :-1] = square
    larger[-1] = larger[:, -1] = row
    return larger


def _possible_middles(samples: _Samples) -> NDArray[np.bool_]:
    """Return (W, W) whether row a may be the picture before a transition with its middle in m.

    What is not possible now is not later either.
    """
    count = len(samples.contrasts)
    order = np.arange(count)
    has_contrast = samples.contrasts >= MIN_CONTRAST
    structure = np.where(has_contrast, samples.correlations, 0.0)
    possible = (order[:, None] >= STILL_SAMPLES) & (order[:, None] < order) & has_contrast[:, None]
    possible &= samples.changes >= MIN_CHANGE / 3
    possible &= structure <= MAX_MIDDLE_STRUCTURE
    if not possible.any():  # as it is most of the time: nothing moves, or a little
        return possible
    # the highest correlation of a with any sample after m
    after = np.maximum.accumulate(structure[:, ::-1], axis=1)[:, ::-1]
    after = np.column_stack([after[:, 1:], np.full(count, -1.0)])
    possible &= ~has_contrast | (after <= structure + MAX_MIDDLE_RETURN)
    possible &= ~_are_over(samples)
    before, middle = np.nonzero(possible)
    possible[before, middle] = ~_are_no_mixes(samples, before, middle)
    return possible


def _are_over(samples: _Samples) -> NDArray[np.bool_]:
    """Return (W, W) whether the picture stands still since m, so that all has been compared.

    Black may stand still in the middle.
    """
    count = len(samples.contrasts)
    is_end = np.zeros((count, count), bool)
    last = count - 1 - STILL_SAMPLES  # which is compared now
    if last > 0:
        still = np.diag(samples.changes, STILL_SAMPLES)[:last]
        is_end[:, :last] = still <= MAX_STILL_CHANGE * samples.changes[:, :last]
        is_end[:, :last] &= samples.contrasts[:last] >= MIN_CONTRAST
    return np.logical_or.accumulate(is_end[:, ::-1], axis=1)[:, ::-1]


def _are_no_mixes(
    samples: _Samples, before: NDArray[np.intp], middle: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return (P,) whether each middle is no mix of the sample before it and of some after it.

    In a transition it is one of the sample before and of all that follow, which are at least half
    the picture after. So a pan is known after a few samples.
    """
    own = samples.covariances
    squares = np.diag(own)
    # axes: the pair, after
    one, other, both = squares[before][:, None], squares, own[before]
    with_one, with_other = own[before, middle][:, None], own[middle]
    scale = one * other - both**2
    is_apart = scale > (1 - MAX_MIDDLE_STRUCTURE**2) * one * other
    scale = np.where(is_apart, scale, 1.0)
    explained = with_one**2 * other + with_other**2 * one - 2 * with_one * with_other * both
    residual = squares[middle][:, None] - explained / scale
    is_no_mix = residual > (2 * MAX_RESIDUAL) ** 2 * (one + other - 2 * both)
    is_after = middle[:, None] < np.arange(len(squares))
    return np.any(is_apart & is_no_mix & is_after, axis=1)


def _find_transition(
    samples: _Samples, middles: NDArray[np.bool_], max_samples: int
) -> tuple[int, int] | None:
    """Return the middle and the end of the shortest transition that is over since still samples."""
    end = len(samples.contrasts) - 1 - STILL_SAMPLES
    if not middles.any():
        return None
    if end < 2 * STILL_SAMPLES or samples.contrasts[end] < MIN_CONTRAST:
        return None
    change = samples.changes[:, end]
    still = MAX_END_CHANGE * change
    from_still = np.full(len(change), np.inf)
    from_still[STILL_SAMPLES:] = np.diag(samples.changes, -STILL_SAMPLES)
    starts = (change >= MIN_CHANGE) & middles.any(axis=1) & (from_still <= still)
    structure = samples.correlations[:, end]
    starts &= (structure >= MIN_STRUCTURE) & (structure <= MAX_STRUCTURE)
    starts &= from_still[-1] <= still
    starts[: max(0, end - max_samples)] = starts[end - MIN_MIXED_SAMPLES :] = False
    for start in np.flatnonzero(starts)[::-1].tolist():
        middle = _middle_of_mix(samples, start, end)
        if middle is not None and middles[start, middle]:
            return middle, end
    return None


def _middle_of_mix(samples: _Samples, start: int, end: int) -> int | None:
    """Return the first sample in which the picture of `end` prevails over that of `start`.

    None if those between are no mixes of both, of which the first one fades while the second grows.
    A uniform colour may be a part of each, as in a fade through black or white.
    """
    covariances = samples.covariances
    one, other, both = covariances[start, start], covariances[end, end], covariances[start, end]
    with_one, with_other = covariances[start : end + 1, start], covariances[start : end + 1, end]
    scale = one * other - both**2  # above 0, since neither is a multiple of the other
    before = (with_one * other - with_other * both) / scale
    after = (with_other * one - with_one * both) / scale
    own = np.diag(covariances)[start : end + 1]
    residual = np.sqrt(np.maximum(0, own - before * with_one - after * with_other))
    if residual.max() > MAX_RESIDUAL * np.sqrt(one + other - 2 * both):
        return None
    if max(np.diff(before).max(), -np.diff(after).min()) > MAX_RETURN:
        return None
    is_mixed = ((before > 0.1) & (before < 0.9)) | ((after > 0.1) & (after < 0.9))
    if np.count_nonzero(is_mixed) < MIN_MIXED_SAMPLES:
        return None
    return start + int(np.argmax(after >= before))
