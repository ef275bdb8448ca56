"""Training scenes: faces with audio, and ground truth per tick, known by construction.

A scene is a few seconds of one person with audio that may be the person's own, somebody else's,
a mixture, noise or nothing. Frames and audio are then degraded as they are in the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from augment import crop_as_tracked, degrade_audio, degrade_crops, degrade_mfcc
from corpus import Track
from mixing import TICK, Audio, AudioWithFeatures, mix_voices, random_span
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

WRONG = 2
"""Wrong audio that comes with each scene besides its own."""
SHORTER = (0.5, 0.3, 0.2)
"""Shares of batches of whole, half and quarter scenes: tracks begin and end, and scores are needed
there too."""
PAUSE_WEIGHT = 3
"""Weight of a tick in a pause: they are few, and cuts are timed by them."""
QUIET = 0.15
"""Below this probability of voice activity surely nobody is heard."""
REST_TICKS = 150
"""Length of a resting face: a pause played back and forth."""
ANSWER_CHANCE, LISTEN_CHANCE = 0.35, 0.7
"""How often another voice fills a talker's pauses; and how often it is what is heard while the face
comes to rest, which otherwise rests under its own voice."""
FADE_TICKS = 3
"""Ticks in which a frame turns into that of the same face at rest, and back."""

Random = np.random.Generator
Frames = NDArray[np.uint8]


@dataclass
class Scene:
    """One sample; T ticks."""

    crops: Frames
    """(T, 112, 112)"""
    mfcc: NDArray[np.float32]
    """(1 + WRONG, 4T, 13): the scene's audio, and audio that is surely wrong."""
    speaks: NDArray[np.float32]
    """(T,) probability that the visible face is heard speaking in the first audio."""
    mouths: NDArray[np.float32]
    """(T,) probability that it speaks, heard or not."""
    weight: NDArray[np.float32]
    """(T,) 0 where two takes meet."""
    visual_features: NDArray[np.float16]
    """(T, 256) the teachers' features of the frames before they were degraded; NaN where none."""
    audio_features: NDArray[np.float16]
    """(1 + WRONG, T, 256) the teachers' features of the audio; NaN likewise."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a take, played at a speed."""

    take: Track
    start: float
    """In ticks of the take."""
    ticks: int
    """As played."""
    speed: float

    def take_ticks(self, shift: int = 0) -> NDArray[np.int64]:
        """(ticks,) the tick of the take that each one plays, with `shift` samples of delay."""
        ticks = self.start + self.speed * np.arange(self.ticks) - shift / TICK
        return np.floor(ticks).astype(int)

    def audio(self, shift: int = 0) -> Audio:
        """(640 ticks,) the take's audio, `shift` samples late."""
        samples = TICK * self.start + self.speed * np.arange(TICK * self.ticks) - shift
        pcm = self.take.pcm
        return np.interp(samples, np.arange(len(pcm)), pcm, left=0, right=0).astype(np.float32)

    def audio_features(self, shift: int = 0) -> NDArray[np.float16]:
        """(ticks, 256) the teachers' features of that audio; NaN before the take and after."""
        features, ticks = self.take.audio_features, self.take_ticks(shift)
        there = (ticks >= 0) & (ticks < len(features))
        return np.where(
            there[:, None], features[ticks.clip(0, len(features) - 1)], np.float16(np.nan)
        )

    def quiet(self, shift: int = 0) -> NDArray[np.bool_]:
        """(ticks,) where nobody is heard, `shift` samples late."""
        return self.take.voice[self.take_ticks(shift).clip(0, len(self.take.voice) - 1)] < QUIET

    def talking(self, shift: int = 0) -> NDArray[np.float32]:
        """(ticks,) probability that the face speaks; with `shift`, as its late audio has it."""
        talking = self.take.talking * np.float32(self.take.sync != "not_speaking")
        return talking[self.take_ticks(shift).clip(0, len(talking) - 1)]

    def weight(self, shift: int = 0) -> NDArray[np.float32]:
        """(ticks,) the weight of each tick in the loss: more in a pause."""
        weight = np.where(self.quiet(shift), PAUSE_WEIGHT, 1).astype(np.float32)
        if self.take.sync == "sync_doubtful":
            weight *= 0.3
        return weight


class Scenes(IterableDataset):
    """Batches of scenes without end, each of different people as far as possible."""

    def __init__(self, tracks: Sequence[Track], *, batch: int, ticks: int, seed: int) -> None:
        """Make batches of `batch` scenes of `ticks`, or of more and shorter ones.

        If the audio is late, the labels follow the audio.
        """
        self.batch, self.ticks, self.seed = batch, ticks, seed
        people: dict[str, list[Track]] = {}
        for track in tracks:
            people.setdefault(track.person, []).append(track)
        self.people = list(people.values())
        seconds = np.array([sum(len(t.frames) for t in takes) / 25 for takes in self.people])
        # People with more footage are chosen more often, but less than in proportion.
        self.chance = seconds**0.7 / (seconds**0.7).sum()
        rests = ((track.name, resting_frames(track)) for track in tracks)
        self.rests = {name: rest for name, rest in rests if rest is not None}

    def __iter__(self) -> Iterator[list[NDArray]]:
        worker = get_worker_info()
        cv2.setNumThreads(1)  # the other cores work on the network
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            parts = int(rng.choice([1, 2, 4], p=SHORTER))
            size = min(self.batch * parts, len(self.people))
            chosen = rng.choice(len(self.people), size, replace=False, p=self.chance)
            scenes = [self.scene(n, self.ticks // parts, rng) for n in chosen]
            yield [np.stack(part) for part in zip(*(vars(s).values() for s in scenes), strict=True)]

    def scene(self, person: int, ticks: int, rng: Random) -> Scene:
        """Return one scene of the person of that number."""
        pieces = random_pieces(self.people[person], ticks, rng)
        # what cameras and encoders do: up to 3 ticks off
        shift = int(rng.integers(-3 * TICK, 3 * TICK + 1)) if rng.random() < 0.6 else 0
        face = _Face(
            np.concatenate([piece.take.frames[piece.take_ticks()] for piece in pieces]),
            np.concatenate([piece.take.visual_features[piece.take_ticks()] for piece in pieces]),
            np.concatenate([piece.talking() for piece in pieces]),
            np.concatenate([piece.talking(shift) for piece in pieces]),
            scene_weight(pieces, shift),
        )
        own = join_audio(pieces, shift)
        wrong = [join_audio(self.wrong_pieces(pieces, person, rng)) for _ in range(WRONG + 1)]
        listening = self.change_face(face, pieces[0].take.name, rng)
        if listening is None:
            turns, chance = np.concatenate([piece.quiet(shift) for piece in pieces]), ANSWER_CHANCE
        else:
            turns, chance = listening, LISTEN_CHANCE
        first, voiced = mix_voices(own, wrong.pop()[0], turns, chance, rng)
        choices = [first, *wrong]
        rows = [degrade_mfcc(degrade_audio(audio, rng), ticks, rng) for audio, _ in choices]
        return Scene(
            degrade_crops(crop_as_tracked(face.frames, rng), rng), np.stack(rows),
            face.speaks * voiced, face.mouths, face.weight, face.features,
            np.stack([features for _, features in choices]),
        )  # fmt: skip

    def change_face(self, face: _Face, take: str, rng: Random) -> NDArray[np.bool_] | None:
        """Let `face` talk on, listen for a while, rest or freeze, in place.

        Return (T,) where it listens, if it does: the turns of another voice.
        """
        ticks = len(face.frames)
        kind = rng.choice(["talks", "listens", "rests", "freezes"], p=[0.6, 0.16, 0.14, 0.1])
        rest = self.rests.get(take)
        start, end = random_span(ticks, rng)
        there = slice(start, end)
        if kind == "listens" and rest is not None:  # and talks before or after
            fade_to_rest(face.frames[there], slow_rest(rest, end - start, rng))
            face.weight[start : start + FADE_TICKS] = face.weight[end - FADE_TICKS : end] = 0
            face.label_silent(there)
            turns = np.zeros(ticks, bool)
            turns[there] = True
            return turns
        if kind == "rests":
            rests = list(self.rests.values())
            face.frames = slow_rest(rests[rng.integers(len(rests))], ticks, rng)
            face.label_silent(slice(None))
            face.weight[:] = 1
        elif kind == "freezes":
            face.frames[there] = face.frames[start]
            face.label_silent(there)
        return None

    def wrong_pieces(self, pieces: Sequence[Piece], person: int, rng: Random) -> list[Piece]:
        """Return pieces that are surely wrong: of the person at another time, or of another person.

        They are as long as `pieces` and cut at the same moments, or the cuts would give them away.
        """
        return [self._wrong_piece(piece, person, rng) for piece in pieces]

    def _wrong_piece(self, piece: Piece, person: int, rng: Random) -> Piece:
        same = rng.random() < 0.7
        takes = self.people[person if same else rng.integers(len(self.people))]
        take, start = piece.take, piece.start
        for _ in range(10):
            take = takes[rng.integers(len(takes))]
            room = len(take.frames) - piece.speed * piece.ticks
            start = rng.uniform(min(room, 0), max(room, 0))  # short takes have silence around
            if take is not piece.take or abs(start - piece.start) > 15:
                break
            takes = self.people[rng.integers(len(self.people))]
        return Piece(take, start, piece.ticks, piece.speed)


@dataclass
class _Face:
    """The visible half of a scene, while it is changed; the fields are those of `Scene`."""

    frames: Frames
    """(T, 192, 192)"""
    features: NDArray[np.float16]
    mouths: NDArray[np.float32]
    speaks: NDArray[np.float32]
    weight: NDArray[np.float32]

    def label_silent(self, there: slice) -> None:
        """Label these ticks as a mouth that does not speak and that no teacher has encoded."""
        self.mouths[there], self.speaks[there], self.features[there] = 0, 0, np.nan


def join_audio(pieces: Sequence[Piece], shift: int = 0) -> AudioWithFeatures:
    """Return the pieces' audio end to end, `shift` samples late."""
    audio = np.concatenate([piece.audio(shift) for piece in pieces])
    return audio, np.concatenate([piece.audio_features(shift) for piece in pieces])


def random_pieces(takes: Sequence[Track], ticks: int, rng: Random) -> list[Piece]:
    """Return `ticks` of a person in one piece, or in several where the takes are short."""
    lengths = np.array([len(take.frames) for take in takes])
    speed = rng.uniform(0.9, 1.1) if rng.random() < 0.5 else 1.0
    pieces: list[Piece] = []
    while ticks:
        take = takes[rng.choice(len(takes), p=lengths / lengths.sum())]
        length = min(ticks, int(len(take.frames) / speed))
        start = rng.uniform(0, len(take.frames) - speed * length)
        pieces.append(Piece(take, start, length, speed))
        ticks -= length
    return pieces


def scene_weight(pieces: Sequence[Piece], shift: int) -> NDArray[np.float32]:
    """(T,) the weight of each tick of a scene: none where two pieces meet."""
    weights = [piece.weight(shift) for piece in pieces]
    if len(pieces) > 1:
        for weight in weights:
            weight[:3] = weight[-3:] = 0
    return np.concatenate(weights)


def longest_pause(ticks: NDArray[np.intp], shortest: int = 8) -> NDArray[np.intp] | None:
    """Return 150 ticks back and forth through the longest run of `ticks`, without its edges.

    None if fewer than `shortest` are left of it; with its edges, 8 are half a second.
    """
    if not len(ticks):
        return None
    run = max(np.split(ticks, np.flatnonzero(np.diff(ticks) > 1) + 1), key=len)[3:-3]
    if len(run) < shortest:
        return None
    return np.resize(np.concatenate([run, run[::-1]]), REST_TICKS)


def resting_frames(track: Track) -> Frames | None:
    """(150, 192, 192) the track's longest pause back and forth, if one lasts half a second."""
    quiet = (track.voice < QUIET) | (track.sync == "not_speaking")
    ticks = longest_pause(np.flatnonzero(quiet))
    return None if ticks is None else track.frames[ticks]


def slow_rest(rest: Frames, ticks: int, rng: Random) -> Frames:
    """(ticks, 192, 192) of a resting face, slowed: at full speed a short pause repeats too soon."""
    start, pace = rng.integers(REST_TICKS - ticks + 1), rng.uniform(0.4, 1)
    return rest[start + (pace * np.arange(ticks)).astype(int)]


def fade_to_rest(frames: Frames, rest: Frames) -> None:
    """Turn `frames`, in place, into those of `rest`, and back at the end."""
    frames[FADE_TICKS:-FADE_TICKS] = rest[FADE_TICKS:-FADE_TICKS]
    for n in range(FADE_TICKS):
        share = (n + 1) / (FADE_TICKS + 1)
        for at in (n, len(rest) - 1 - n):
            frames[at] = cv2.addWeighted(rest[at], share, frames[at], 1 - share, 0)
