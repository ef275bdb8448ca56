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
from mixing import TICK, delay_unevenly, mix_voices, random_span, uneven_delay
from numpy.typing import NDArray
from pieces import Piece, join_audio, join_voice, random_pieces, scene_weight
from resting import FADE_TICKS, fade_to_rest, resting_frames, slow_rest
from torch.utils.data import IterableDataset, get_worker_info

WRONG = 2
"""Wrong audio that comes with each scene besides its own."""
SHORTER = (0.5, 0.3, 0.2)
"""Shares of batches of whole, half and quarter scenes: tracks begin and end, and scores are needed
there too."""
ANSWER_CHANCE, LISTEN_CHANCE = 0.35, 0.7
"""How often another voice fills a talker's pauses; and how often it is what is heard while the face
comes to rest, which otherwise rests under its own voice."""
DUB_CHANCE = 0.1
"""How probable it is that a mouth is the source of a voice that does not fit its motion: films are
dubbed, and lips cannot always be read. So a face that talks to no fitting voice still scores above
a face that is silent, and below one that fits."""
LOOSE_CHANCE = 0.12
"""How often the own voice wanders against the lips, as in a dubbed film."""
CONVERSATION_SHARE = 0.45
"""Of the scenes; conversations are a quarter of the tracks' time."""

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
    """(1 + WRONG, T) probability that the visible face is heard speaking in each audio."""
    mouths: NDArray[np.float32]
    """(T,) probability that it speaks, heard or not."""
    weight: NDArray[np.float32]
    """(T,) 0 where two takes meet."""
    visual_features: NDArray[np.float16]
    """(T, 256) the teachers' features of the frames before they were degraded; NaN where none."""
    audio_features: NDArray[np.float16]
    """(1 + WRONG, T, 256) the teachers' features of the audio; NaN likewise."""


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
        chance = seconds**0.7
        converse = np.array([takes[0].converses for takes in self.people])
        for group, share in ((converse, CONVERSATION_SHARE), (~converse, 1 - CONVERSATION_SHARE)):
            chance[group] *= share / max(chance[group].sum(), 1e-9)
        self.chance = chance / chance.sum()
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
        turns = np.concatenate([piece.quiet(shift) for piece in pieces])
        own = join_audio(pieces, shift)
        if rng.random() < LOOSE_CHANCE:
            delay = uneven_delay(ticks, rng)
            source = (np.arange(ticks) - delay).round().astype(int).clip(0, ticks - 1)
            own = delay_unevenly(own[0], delay), own[1][source]
            face.speaks, turns = face.speaks[source], turns[source]
        wrong = [self.wrong_pieces(pieces, person, rng) for _ in range(WRONG + 1)]
        listening = self.change_face(face, pieces[0].take.name, rng)
        answering = ANSWER_CHANCE if listening is None else LISTEN_CHANCE
        turns = turns if listening is None else listening
        other = wrong.pop()
        first, voiced, instead = mix_voices(own, join_audio(other)[0], turns, answering, rng)
        voices = [instead * join_voice(other), *(join_voice(pieces) for pieces in wrong)]
        speaks = DUB_CHANCE * face.mouths * np.stack(voices)
        speaks[0] += face.speaks * voiced
        choices = [first, *(join_audio(pieces) for pieces in wrong)]
        rows = [degrade_mfcc(degrade_audio(audio, rng), ticks, rng) for audio, _ in choices]
        return Scene(
            degrade_crops(crop_as_tracked(face.frames, rng), rng), np.stack(rows),
            speaks.astype(np.float32), face.mouths, face.weight, face.features,
            np.stack([features for _, features in choices]),
        )  # fmt: skip

    def change_face(self, face: _Face, take: str, rng: Random) -> NDArray[np.bool_] | None:
        """Let `face` talk on, listen for a while, rest or freeze, in place.

        Return (T,) where it listens, if it does: the turns of another voice.
        """
        ticks = len(face.frames)
        kind = rng.choice(["talks", "listens", "rests", "freezes"], p=[0.54, 0.18, 0.2, 0.08])
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
    """The visible half of a scene, while it is changed; the fields are those of `Scene`.

    Of `speaks` it is what the own audio has.
    """

    frames: Frames
    """(T, 192, 192)"""
    features: NDArray[np.float16]
    mouths: NDArray[np.float32]
    speaks: NDArray[np.float32]
    weight: NDArray[np.float32]

    def label_silent(self, there: slice) -> None:
        """Label these ticks as a mouth that does not speak and that no teacher has encoded."""
        self.mouths[there], self.speaks[there], self.features[there] = 0, 0, np.nan
