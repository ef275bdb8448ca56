"""All tracks end to end in a device's memory, and plans of scenes cut out of them.

A plan says which ticks of which takes a scene consists of, and which ones its wrong voices come
from. Plans are made once; `device_scenes.py` makes a different scene of a plan each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from corpus import QUIET, Track
from mixing import TICK
from numpy.typing import NDArray
from pieces import Piece, random_pieces
from resting import longest_pause
from scenes import WRONG, Scenes
from torch import Tensor

VOICES = 2 + WRONG
"""Of a plan: the face's own, those that are surely wrong, and one that answers or is mixed in."""
JOINT_TICKS = 3
"""Ticks on either side of the joint of two pieces that do not count."""


class Footage:
    """N ticks of tracks on a device, end to end."""

    def __init__(self, tracks: Sequence[Track], device: str) -> None:
        lengths = np.array([len(track.frames) for track in tracks])

        def joined(parts: Sequence[NDArray]) -> Tensor:
            return torch.tensor(np.concatenate(parts)).to(device)

        self.first = torch.tensor(np.cumsum(lengths) - lengths).to(device)
        """(tracks,) the first tick of each."""
        self.length = torch.tensor(lengths).to(device)
        self.frames = joined([track.frames for track in tracks])
        """(N, 192, 192) of 0 to 255."""
        self.pcm = joined([track.pcm for track in tracks])
        """(640 N,)"""
        self.voice = joined([track.voice for track in tracks])
        self.talking = joined(
            [track.talking * np.float32(track.sync != "not_speaking") for track in tracks]
        )
        doubt = [0.3 if track.sync == "sync_doubtful" else 1.0 for track in tracks]
        self.trust = torch.tensor(doubt).to(device)
        """(tracks,) factor of the weight of a track's ticks."""
        self.visual_features = joined([track.visual_features for track in tracks])
        self.audio_features = joined([track.audio_features for track in tracks])
        pauses = [longest_pause(np.flatnonzero((t.voice < QUIET) | t.listens)) for t in tracks]
        rests = [(n, pause) for n, pause in enumerate(pauses) if pause is not None]
        rows = np.full(len(tracks), -1)
        rows[[n for n, _ in rests]] = np.arange(len(rests))
        self.rest_of = torch.tensor(rows).to(device)
        """(tracks,) the row of `rests` with the track's resting face; -1 if it has none."""
        ticks = [np.sum(lengths[:n]) + pause for n, pause in rests]
        self.rests = torch.tensor(np.stack(ticks)).to(device)
        """(rests, 150) ticks of resting faces."""


@dataclass(frozen=True, eq=False)
class Plans:
    """P plans of T ticks with `VOICES` voices, the face's own first, on a device."""

    take: Tensor
    """(P, VOICES, T) number of the track that is played."""
    position: Tensor
    """(P, VOICES, T) tick of the track, before its beginning and after its end too."""
    speed: Tensor
    """(P, VOICES, T)"""
    joint: Tensor
    """(P, T) whether two pieces meet there."""

    def window(self, chosen: Tensor, start: Tensor, ticks: int) -> Plans:
        """Return these plans' `ticks` from tick `start` on; both are (B,)."""
        span = start[:, None] + torch.arange(ticks, device=start.device)
        rows = chosen[:, None, None]
        voices = torch.arange(VOICES, device=start.device)[:, None]
        there = (rows, voices, span[:, None])
        joint = self.joint[chosen[:, None], span]
        return Plans(self.take[there].long(), self.position[there], self.speed[there], joint)


def make_plans(
    scenes: Scenes, tracks: Sequence[Track], count: int, seed: int, device: str
) -> Plans:
    """Return `count` plans of random people, chosen as `scenes` chooses them."""
    rng, number = np.random.default_rng(seed), {track.name: n for n, track in enumerate(tracks)}
    shape = (count, VOICES, scenes.ticks)
    take, position = np.empty(shape, np.int16), np.empty(shape, np.float32)
    speed, joint = np.empty(shape, np.float32), np.zeros((count, scenes.ticks), bool)
    for n, person in enumerate(rng.choice(len(scenes.people), count, p=scenes.chance)):
        own = random_pieces(scenes.people[person], scenes.ticks, rng)
        voices = [own, *(scenes.wrong_pieces(own, person, rng) for _ in range(VOICES - 1))]
        for voice, pieces in enumerate(voices):
            take[n, voice] = _each(pieces, [number[piece.take.name] for piece in pieces])
            steps = [p.start + p.speed * np.arange(p.ticks) for p in pieces]
            position[n, voice] = np.concatenate(steps)
            speed[n, voice] = _each(pieces, [piece.speed for piece in pieces])
        if len(own) > 1:
            left = np.concatenate([np.arange(piece.ticks) for piece in own])
            right = np.concatenate([np.arange(piece.ticks)[::-1] for piece in own])
            joint[n] = np.minimum(left, right) < JOINT_TICKS
    arrays = (take, position, speed, joint)
    return Plans(*(torch.tensor(array).to(device) for array in arrays))


def _each(pieces: Sequence[Piece], values: Sequence[float]) -> NDArray:
    """(T,) the value of the piece that each tick belongs to."""
    return np.repeat(values, [piece.ticks for piece in pieces])


def ticks_of(footage: Footage, take: Tensor, position: Tensor) -> Tensor:
    """Return the ticks of `footage` for positions in takes, held within them."""
    inside = position.floor().long().clamp(min=0)
    return footage.first[take] + torch.minimum(inside, footage.length[take] - 1)


def within(footage: Footage, take: Tensor, position: Tensor) -> Tensor:
    """Return where positions lie within their takes."""
    return (position >= 0) & (position.floor() < footage.length[take])


def audio_of(footage: Footage, plans: Plans, shift: Tensor) -> Tensor:
    """Return (B, V, 640 T) the planned audio, (B, V) `shift` ticks late; 0 outside the takes."""
    part = torch.arange(TICK, device=shift.device) / TICK
    position = (plans.position - shift[..., None])[..., None] + plans.speed[..., None] * part
    samples = TICK * position
    low = samples.floor()
    last = TICK * footage.length[plans.take][..., None] - 1
    there = (samples >= 0) & (samples <= last)
    place = TICK * footage.first[plans.take][..., None] + low.long().clamp(min=0).minimum(last - 1)
    before, after = footage.pcm[place].float(), footage.pcm[place + 1].float()
    return torch.lerp(before, after, samples - low).mul(there).flatten(2)
