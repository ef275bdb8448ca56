"""What the network is shown: faces with a sound, and what is true of every tick by construction.

A scene is a few seconds of one person with a sound that may be the person's own, somebody else's,
a mixture, noise or nothing. Pictures and sound are then treated as the field will treat them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from corpus import FACE, Track
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import butter, fftconvolve, sosfilt
from torch.utils.data import IterableDataset, get_worker_info

from otio_speakerzoom.speech.features import CROP, mfcc, mfcc_rows
from otio_speakerzoom.speech.networks.sync_asd import RECIPE

TICK = 640
"""Samples of a tick of 1/25 s."""
WRONG = 2
"""Wrong sounds that come with each scene besides its own."""
SHORTER = (0.5, 0.3, 0.2)
"""Shares of batches of whole, half and quarter scenes: tracks begin and end, and scores are wanted
there too."""
PAUSE = 3
"""What a tick of a pause counts: they are few, and cuts are timed by them."""
QUIET = 0.15
"""Below this the voice detector is sure that nobody is heard."""
REST = 150
"""Ticks of a resting face: a pause played back and forth."""
ANSWERED, LISTENS = 0.35, 0.7
"""How often another voice fills a talker's pauses; and how often it is what is heard while the face
comes to rest, which else rests under its own voice."""
FADE = 3
"""Ticks in which a picture turns into that of the same face at rest, and back."""

Random = np.random.Generator
Pictures = NDArray[np.uint8]
AudioStream = NDArray[np.float32]


@dataclass
class Scene:
    """One sample; T ticks."""

    crops: Pictures
    """(T, 112, 112)"""
    mfcc: NDArray[np.float32]
    """(1 + WRONG, 4T, 13): the sound, and sounds that are surely wrong."""
    speaks: NDArray[np.float32]
    """(T,) how surely the face seen is heard speaking in the first sound."""
    mouths: NDArray[np.float32]
    """(T,) how surely it speaks, heard or not."""
    weight: NDArray[np.float32]
    """(T,) 0 where two takes meet."""
    seen: NDArray[np.float16]
    """(T, 256) what the teachers make of the picture as it was before; NaN where they saw none."""
    heard: NDArray[np.float16]
    """(1 + WRONG, T, 256) what they make of the sounds; NaN likewise."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a take, played at a speed."""

    take: Track
    start: float
    """In ticks of the take."""
    ticks: int
    """As shown."""
    speed: float

    def at(self, shift: int = 0) -> NDArray[np.int64]:
        """(ticks,) which tick of the take each shows, or sounds with `shift` samples of delay."""
        ticks = self.start + self.speed * np.arange(self.ticks) - shift / TICK
        return np.floor(ticks).astype(int)

    def sound(self, shift: int = 0) -> AudioStream:
        """(640 ticks,) as heard, `shift` samples late."""
        samples = TICK * self.start + self.speed * np.arange(TICK * self.ticks) - shift
        pcm = self.take.pcm
        return np.interp(samples, np.arange(len(pcm)), pcm, left=0, right=0).astype(np.float32)

    def heard(self, shift: int = 0) -> NDArray[np.float16]:
        """(ticks, 256) what the teachers make of that sound; NaN before the take and after."""
        at, count = self.at(shift), len(self.take.heard)
        there = (at >= 0) & (at < count)
        return np.where(there[:, None], self.take.heard[at.clip(0, count - 1)], np.float16(np.nan))

    def no_progress(self, shift: int = 0) -> NDArray[np.bool_]:
        """(ticks,) where nobody is heard, `shift` samples late."""
        return self.take.voice[self.at(shift).clip(0, len(self.take.voice) - 1)] < QUIET

    def talking(self, shift: int = 0) -> NDArray[np.float32]:
        """(ticks,) how surely the face speaks; with `shift`, as its late sound has it."""
        talking = self.take.talking * np.float32(self.take.sync != "not_speaking")
        return talking[self.at(shift).clip(0, len(talking) - 1)]


class Scenes(IterableDataset):
    """Batches of scenes without end, each of different people as far as possible."""

    def __init__(self, tracks: Sequence[Track], *, batch: int, ticks: int, seed: int) -> None:
        """Make batches of `batch` scenes of `ticks`, or of more and shorter ones.

        Where the sound comes late, what is true goes with the sound.
        """
        self.batch, self.ticks, self.seed = batch, ticks, seed
        people: dict[str, list[Track]] = {}
        for track in tracks:
            people.setdefault(track.person, []).append(track)
        self.people = list(people.values())
        seconds = np.array([sum(len(t.pictures) for t in takes) / 25 for takes in self.people])
        # Those of whom there is more are seen more often, yet less than in proportion.
        self.chance = seconds**0.7 / (seconds**0.7).sum()
        rests = ((track.name, resting(track)) for track in tracks)
        self.rests = {name: rest for name, rest in rests if rest is not None}

    def __iter__(self) -> Iterator[list[NDArray]]:
        worker = get_worker_info()
        cv2.setNumThreads(1)  # the others are at work on the network
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            parts = int(rng.choice([1, 2, 4], p=SHORTER))
            size = min(self.batch * parts, len(self.people))
            chosen = rng.choice(len(self.people), size, replace=False, p=self.chance)
            scenes = [self.scene(n, self.ticks // parts, rng) for n in chosen]
            yield [np.stack(part) for part in zip(*(vars(s).values() for s in scenes), strict=True)]

    def scene(self, person: int, ticks: int, rng: Random) -> Scene:
        """Return one scene of the person of that number."""
        pieces = filmed(self.people[person], ticks, rng)
        # what cameras and encoders do: up to 3 ticks off
        shift = int(rng.integers(-3 * TICK, 3 * TICK + 1)) if rng.random() < 0.6 else 0
        pictures = np.concatenate([piece.take.pictures[piece.at()] for piece in pieces])
        seen = np.concatenate([piece.take.seen[piece.at()] for piece in pieces])
        mouths = np.concatenate([piece.talking() for piece in pieces])
        speaks = np.concatenate([piece.talking(shift) for piece in pieces])
        weight = np.concatenate([piece_weight(piece, len(pieces), shift) for piece in pieces])
        own = joined(pieces, shift)
        wrong = [joined(self.elsewhere(pieces, person, rng)) for _ in range(WRONG + 1)]
        turns, answers = np.concatenate([piece.no_progress(shift) for piece in pieces]), ANSWERED
        kind = rng.choice(["talks", "listens", "rests", "freezes"], p=[0.6, 0.16, 0.14, 0.1])
        rest = self.rests.get(pieces[0].take.name)
        start, end = span(ticks, rng)
        there = slice(start, end)
        if kind == "listens" and rest is not None:  # and talks before or after
            fade_in(pictures[there], slowly(rest, end - start, rng))
            turns, answers = np.zeros(ticks, bool), LISTENS
            turns[there] = True
            weight[start : start + FADE] = weight[end - FADE : end] = 0
            mouths[there], speaks[there], seen[there] = 0, 0, np.nan
        elif kind == "rests":
            rests = list(self.rests.values())
            pictures = slowly(rests[rng.integers(len(rests))], ticks, rng)
            mouths[:], speaks[:], weight[:], seen[:] = 0, 0, 1, np.nan
        elif kind == "freezes":
            pictures[there] = pictures[start]
            mouths[there], speaks[there], seen[there] = 0, 0, np.nan
        first, voiced = sounding(own, wrong.pop()[0], turns, answers, rng)
        sounds = [first, *wrong]
        rows = [cepstra(recorded(sound, rng), ticks, rng) for sound, _ in sounds]
        crops = filmed_badly(framed(pictures, rng), rng)
        heard = np.stack([features for _, features in sounds])
        return Scene(crops, np.stack(rows), speaks * voiced, mouths, weight, seen, heard)

    def elsewhere(self, pieces: Sequence[Piece], person: int, rng: Random) -> list[Piece]:
        """Return what is surely wrong: as long pieces, of the person at another time or of another.

        Cut at the same moments as the picture, or the cuts would give it away.
        """
        parts = []
        for piece in pieces:
            same = rng.random() < 0.7
            takes = self.people[person if same else rng.integers(len(self.people))]
            for _ in range(10):
                take = takes[rng.integers(len(takes))]
                room = len(take.pictures) - piece.speed * piece.ticks
                start = rng.uniform(min(room, 0), max(room, 0))  # short takes have silence around
                if take is not piece.take or abs(start - piece.start) > 15:
                    break
                takes = self.people[rng.integers(len(self.people))]
            parts.append(Piece(take, start, piece.ticks, piece.speed))
        return parts


Heard = tuple[AudioStream, NDArray[np.float16]]
"""(640 T,) a sound, and (T, 256) what the teachers make of it; NaN where they were not asked."""


def joined(pieces: Sequence[Piece], shift: int = 0) -> Heard:
    """Return what is heard of the pieces, `shift` samples late."""
    sound = np.concatenate([piece.sound(shift) for piece in pieces])
    return sound, np.concatenate([piece.heard(shift) for piece in pieces])


def cepstra(pcm: NDArray[np.int16], ticks: int, rng: Random) -> NDArray[np.float32]:
    """(4 ticks, 13) rows, as of another microphone and another throat."""
    rows = mfcc_rows(mfcc(pcm), ticks)
    rows[:, 1:] += rng.normal(0, rng.uniform(0, 6), 12)
    return rows


def span(ticks: int, rng: Random) -> tuple[int, int]:
    """A stretch of at least a fifth of the scene; in half of all cases to its end."""
    start = int(rng.integers(0, ticks * 4 // 5))
    end = ticks if rng.random() < 0.5 else int(rng.integers(start + ticks // 5, ticks + 1))
    return start, end


def filmed(takes: Sequence[Track], ticks: int, rng: Random) -> list[Piece]:
    """Return `ticks` of a person in one piece, or in several where the takes are short."""
    lengths = np.array([len(take.pictures) for take in takes])
    speed = rng.uniform(0.9, 1.1) if rng.random() < 0.5 else 1.0
    pieces: list[Piece] = []
    while ticks:
        take = takes[rng.choice(len(takes), p=lengths / lengths.sum())]
        length = min(ticks, int(len(take.pictures) / speed))
        start = rng.uniform(0, len(take.pictures) - speed * length)
        pieces.append(Piece(take, start, length, speed))
        ticks -= length
    return pieces


def piece_weight(piece: Piece, pieces: int, shift: int) -> NDArray[np.float32]:
    """(T,) what its ticks count: nothing where it meets another, much in a pause."""
    weight = np.where(piece.no_progress(shift), PAUSE, 1).astype(np.float32)
    if piece.take.sync == "sync_doubtful":
        weight *= 0.3
    if pieces > 1:
        weight[:3] = weight[-3:] = 0
    return weight


def resting(track: Track) -> Pictures | None:
    """(150, 192, 192) the track's longest pause back and forth, if one lasts half a second."""
    no_progress = np.flatnonzero(track.voice < QUIET)
    if track.sync == "not_speaking":
        no_progress = np.arange(len(track.voice))
    if not len(no_progress):
        return None
    longest = max(np.split(no_progress, np.flatnonzero(np.diff(no_progress) > 1) + 1), key=len)[
        3:-3
    ]
    if len(longest) < 8:
        return None
    return track.pictures[np.resize(np.concatenate([longest, longest[::-1]]), REST)]


def slowly(rest: Pictures, ticks: int, rng: Random) -> Pictures:
    """(ticks, 192, 192) of a resting face; at its own pace a short pause comes round too often."""
    start, pace = rng.integers(REST - ticks + 1), rng.uniform(0.4, 1)
    return rest[start + (pace * np.arange(ticks)).astype(int)]


def fade_in(pictures: Pictures, rest: Pictures) -> None:
    """Turn `pictures`, in place, into those of `rest`, and back at the end."""
    pictures[FADE:-FADE] = rest[FADE:-FADE]
    for n in range(FADE):
        share = (n + 1) / (FADE + 1)
        for at in (n, len(rest) - 1 - n):
            pictures[at] = cv2.addWeighted(rest[at], share, pictures[at], 1 - share, 0)


def sounding(
    own: Heard, other: AudioStream, turns: NDArray[np.bool_], answers: float, rng: Random
) -> tuple[Heard, NDArray[np.float32]]:
    """Return a sound and, per tick, whether the face's own voice (with all its words) is in it.

    With the chance `answers` the other voice is heard where it is its turn, and nowhere else.
    """
    sound, features = own
    ticks = len(features)
    voiced = np.ones(ticks, np.float32)
    if rng.random() < answers:
        gain = 10 ** (rng.uniform(-6, 6) / 20)
        made = answered(sound, other, turns, gain)
        changed = (made != sound).reshape(ticks, -1).any(axis=1)
        return (made, np.where(changed[:, None], np.float16(np.nan), features)), voiced * ~turns
    kind = rng.choice(["own", "mixed", "swapped", "muted"], p=[0.5, 0.25, 0.17, 0.08])
    if kind == "own":
        return own, voiced
    start, end = span(ticks, rng)
    if kind == "mixed" and rng.random() < 0.5:
        start, end = 0, ticks
    sound, features, there = sound.copy(), features.copy(), slice(TICK * start, TICK * end)
    features[start:end] = np.nan
    other = other * loudness(sound) / loudness(other)
    if kind == "mixed":
        sound[there] += 10 ** (rng.uniform(-10, 10) / 20) * other[there]
    else:
        sound[there] = 0 if kind == "muted" else other[there]
        voiced[start:end] = 0
    return (sound, features), voiced


def answered(
    sound: AudioStream, other: AudioStream, turns: NDArray[np.bool_], gain: float = 1
) -> AudioStream:
    """Return `sound` with the other in its place in those of the (T,) ticks, faded over 20 ms.

    It is as loud as what it replaces a part of, times `gain`.
    """
    share = uniform_filter1d(np.repeat(turns, TICK).astype(np.float32), 320)
    return sound + share * (other * gain * loudness(sound) / loudness(other) - sound)


def loudness(sound: NDArray) -> float:
    """Root mean square, of an amplitude of 1 at the least."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)) + 1))


def recorded(sound: AudioStream, rng: Random) -> NDArray[np.int16]:
    """Return `sound` as a room, a noise and a level of -25 to 6 dB would have it."""
    if rng.random() < 0.25:
        tail = np.exp(-np.arange(6400) / 16000 * 6.9 / rng.uniform(0.1, 0.6))  # -60 dB in so long
        echo = rng.normal(size=6400) * tail * rng.uniform(0.05, 0.3) / np.sqrt((tail**2).sum())
        echo[0] = 1
        sound = fftconvolve(sound, echo)[: len(sound)]
    if rng.random() < 0.4:
        bed = music(len(sound), rng) if rng.random() < 0.35 else noise(len(sound), rng)
        sound = sound + bed * loudness(sound) / loudness(bed) * 10 ** (-rng.uniform(3, 30) / 20)
    if rng.random() < 0.15:  # a telephone, a cheap microphone
        band = butter(
            2, [rng.uniform(50, 300), rng.uniform(3000, 7000)], "band", fs=16000, output="sos"
        )
        sound = sosfilt(band, sound)
    level = 10 ** (rng.uniform(-25, 6) / 20)
    hiss = rng.normal(size=len(sound)) * 10 ** rng.uniform(-1, 1.5)
    return np.clip(level * sound + hiss, -32768, 32767).astype(np.int16)


def noise(samples: int, rng: Random) -> AudioStream:
    """White, pink or brown noise, swelling now and then."""
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** rng.choice([0, 0.5, 1])
    swell = gaussian_filter1d(rng.normal(size=samples // 1600 + 1), 4).repeat(1600)[:samples]
    return (1000 * np.fft.irfft(spectrum, samples) * np.exp(4 * swell)).astype(np.float32)


def music(samples: int, rng: Random) -> AudioStream:
    """Chords of plucked or held notes, a new one every 0.2 to 1 s."""
    sound = np.zeros(samples)
    start = 0
    held = rng.uniform(0.5, 8)
    while start < samples:
        length = int(rng.uniform(0.2, 1) * 16000)
        time = np.arange(min(length, samples - start), dtype=np.float32) / 16000
        fading = np.exp(-held * time)
        for pitch in 110 * 2 ** (rng.integers(0, 36, 3) / 12):
            for harmonic in range(1, 5):
                wave = np.sin(np.float32(6.2832 * harmonic * pitch) * time + rng.uniform(0, 6.3))
                sound[start : start + len(time)] += wave * fading / harmonic
        start += length
    return (1000 * sound).astype(np.float32)


def framed(pictures: Pictures, rng: Random) -> Pictures:
    """(T, 112, 112) as trackers cut faces: off by some, trembling, tilted, mirrored."""
    count, face = len(pictures), float(FACE[2] - FACE[0])
    slow = gaussian_filter1d(rng.normal(size=(count + 60, 3)), 8, axis=0)[30:-30]
    fast = gaussian_filter1d(rng.normal(size=(count, 3)), 1, axis=0)
    unrest = rng.choice([0, 0.3, 1, 1.5])
    path = unrest * (0.012 * slow / slow.std(axis=0) + 0.004 * fast / fast.std(axis=0))
    centre = (FACE[:2] + FACE[2:]) / 2 + face * (rng.normal(0, 0.04, 2) + path[:, :2])
    centre[:, 1] += face * RECIPE.shift
    size = face * RECIPE.scale * rng.uniform(0.9, 1.35) * (1 + path[:, 2])  # (T,)
    tilt = np.radians(rng.normal(0, 6))
    squeeze = np.exp(rng.normal(0, 0.04))
    mirror = rng.choice([-1, 1])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    turn = turn @ np.diag([mirror * squeeze, 1 / squeeze])
    crops = np.empty((count, CROP, CROP), np.uint8)
    for picture, crop, middle, side in zip(pictures, crops, centre, size, strict=True):
        back = turn * side / CROP
        corner = middle - 0.5 - back @ np.full(2, (CROP - 1) / 2)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        matrix = np.column_stack([back, corner])
        cv2.warpAffine(picture, matrix, (CROP, CROP), crop, flags, cv2.BORDER_CONSTANT, (110,))
    return crops


def filmed_badly(crops: Pictures, rng: Random) -> Pictures:
    """Dark, flat, small, soft, compressed, noisy, or at another rate: each only sometimes."""
    if rng.random() < 0.15:  # 24 pictures a second at 25, or fewer: some are shown twice
        rate = rng.choice([24, 20, 15, 12.5], p=[0.5, 0.2, 0.2, 0.1]) / 25
        crops = crops[
            (np.floor(np.arange(len(crops)) * rate + rng.random()) / rate)
            .astype(int)
            .clip(0, len(crops) - 1)
        ]
    elif rng.random() < 0.15:  # a call over a bad line: some are lost, and the last one stays
        lost = rng.random(len(crops)) < rng.uniform(0.03, 0.3)
        crops = crops[np.maximum.accumulate(np.where(lost, 0, np.arange(len(crops))))]
    if rng.random() < 0.4:  # a far face
        side = int(rng.integers(24, 90)) * 4 // 5  # of the crop, four fifths of the face
        way = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
        crops = each(
            crops,
            lambda c: cv2.resize(
                cv2.resize(c, (side, side), interpolation=cv2.INTER_AREA),
                (CROP, CROP),
                interpolation=way,
            ),
        )
    if rng.random() < 0.15:
        blur = rng.uniform(0.5, 2.5)
        crops = each(crops, lambda c: cv2.GaussianBlur(c, (0, 0), blur))
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 50))]
        crops = each(crops, lambda c: cv2.imdecode(cv2.imencode(".jpg", c, quality)[1], 0))
    if rng.random() < 0.6:
        gain, gamma = rng.uniform(0.15, 1.2), np.exp(rng.normal(0, 0.3))
        levels = 255 * gain * (np.arange(256) / 255) ** gamma + rng.uniform(0, 30)
        crops = np.clip(levels, 0, 255).astype(np.uint8)[crops]
    if rng.random() < 0.4:
        grain = rng.normal(0, rng.uniform(1, 8), (8, *crops.shape[1:]))[
            rng.integers(0, 8, len(crops))
        ]
        crops = np.clip(crops + grain, 0, 255).astype(np.uint8)
    return crops


def each(crops: Pictures, do: Callable[[Pictures], NDArray]) -> Pictures:
    """Return every picture after `do`."""
    return np.stack([do(crop) for crop in crops]).astype(np.uint8)
