"""Training scenes made on the device where the network trains, a whole batch at a time.

`scenes.py` does the same on processors, a scene at a time; its comments say why scenes are as they
are. This one turns heads, moves the light, and adds babble besides.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from corpus import QUIET
from device_audio import (
    BABBLE_VOICES,
    Cepstra,
    Degrading,
    chance,
    decibels,
    delay_unevenly,
    loudness,
    replace_voice,
    smooth_paths,
    uniform,
)
from device_crops import Cameras, cut_crops, display_ticks
from device_footage import Footage, Plans, audio_of, ticks_of, within
from mixing import TICK
from pieces import PAUSE_WEIGHT
from resting import FADE_TICKS, REST_TICKS
from scenes import ANSWER_CHANCE, DUB_CHANCE, LISTEN_CHANCE, LOOSE_CHANCE, SHORTER, WRONG
from torch import Tensor
from torch.nn import functional as fn

TALKS, LISTENS, RESTS, FREEZES = range(4)
FACES = (0.54, 0.18, 0.2, 0.08)
"""How often a face talks on, listens for a while, rests, or freezes."""
ANSWERED, OWN, MIXED, SWAPPED, MUTED = range(5)
VOICES_IN = (0.5, 0.25, 0.17, 0.08)
"""How often the own voice is alone, mixed, replaced or missing, where none answers it."""


class DeviceScenes:
    """Batches of `batch` scenes, or of more and shorter ones, for ever; see `scenes.Scene`."""

    def __init__(
        self, footage: Footage, plans: Plans, *, batch: int, seed: int, stretches: int = 48
    ) -> None:
        """Make batches with noise and music out of so many stretches."""
        device = str(footage.frames.device)
        self.footage, self.plans, self.batch, self.seed = footage, plans, batch, seed
        self.degrading, self.cameras = Degrading(seed, device, stretches), Cameras(device)
        self.cepstra = Cepstra(device)

    def __iter__(self) -> Iterator[list[Tensor]]:
        torch.manual_seed(self.seed)
        rng, whole = np.random.default_rng(self.seed), self.plans.position.shape[2]
        while True:
            parts = int(rng.choice([1, 2, 4], p=SHORTER))
            with torch.no_grad():
                scenes = self.scenes(self.batch * parts, whole // parts)
            yield scenes

    def scenes(self, batch: int, ticks: int) -> list[Tensor]:
        """Return a batch of scenes of so many ticks, in the order of the fields of `Scene`."""
        plans, whole = self.plans, self.plans.position.shape[2]
        device = plans.position.device
        chosen = torch.randint(len(plans.joint), (batch,), device=device)
        start = torch.randint(whole - ticks + 1, (batch,), device=device)
        plan = plans.window(chosen, start, ticks)
        shift = uniform(-3, 3, batch, device=device) * chance(0.6, batch, device=device)
        face = _Faces(self.footage, plan, shift)
        audio, own_features = face.audio, face.audio_features[:, 0]
        loose = chance(LOOSE_CHANCE, batch, 1, device=device)
        delay = loose * uniform(0.5, 3, batch, 1, device=device)
        delay = delay * smooth_paths(batch, ticks, 25, device)
        time = torch.arange(ticks, device=device)
        source = (time - delay).round().long().clamp(0, ticks - 1)
        own = torch.where(loose, delay_unevenly(audio[:, 0], delay), audio[:, 0])
        rows = torch.arange(batch, device=device)[:, None]
        own_features, quiet = own_features[rows, source], face.quiet[rows, source]
        speaks = face.speaks[rows, source]
        listens = face.change()
        turns = torch.where(face.listening, listens, quiet)
        first, voiced, instead = mix_voices(own, audio[:, 1], turns, face.listening)
        changed = (first != own).unflatten(1, (-1, TICK)).any(-1)
        features = face.audio_features.clone()
        features[:, 0] = own_features.masked_fill(changed[..., None], torch.nan)
        features = torch.cat([features[:, :1], features[:, 2:]], 1)
        voices = torch.cat([(instead * face.voice[:, 1])[:, None], face.voice[:, 2:]], 1)
        labels = DUB_CHANCE * face.mouths[:, None] * voices
        labels[:, 0] += speaks.masked_fill(face.silent, 0) * voiced
        clips = torch.cat([first[:, None], audio[:, 2:]], 1)
        mfcc = self._cepstra_of(clips)
        crops = self.cameras(cut_crops(face.frames(), display_ticks(batch, ticks, device)))
        return [crops, mfcc, labels, face.mouths, face.weight, face.features, features]

    def _cepstra_of(self, clips: Tensor) -> Tensor:
        """Return (B, 1 + WRONG, 4 T, 13) MFCC rows of (B, 1 + WRONG, 640 T) degraded audio."""
        audio = clips.flatten(0, 1)
        even = audio / loudness(audio)
        others = torch.randint(len(audio), (BABBLE_VOICES, len(audio)), device=audio.device)
        babble = 1000 * even[others].mean(0)
        rows = self.cepstra(self.degrading(audio, babble))
        spread = uniform(0, 6, len(rows), 1, 1, device=audio.device)
        rows[..., 1:] += spread * torch.randn(len(rows), 1, 12, device=audio.device)
        return rows.unflatten(0, (-1, 1 + WRONG))


def random_spans(batch: int, ticks: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (B, 1) starts and ends, as `mixing.random_span` chooses them."""
    start = (torch.rand(batch, 1, device=device) * (ticks * 4 // 5)).long()
    shortest = start + ticks // 5
    free = torch.rand(batch, 1, device=device) * (ticks + 1 - shortest)
    end = torch.where(chance(0.5, batch, 1, device=device), ticks, shortest + free.long())
    return start, end


def mix_voices(
    own: Tensor, other: Tensor, turns: Tensor, listening: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (B, 640 T) audio, and (B, T) whether the own voice is in it, or the other instead."""
    (batch, ticks), device = turns.shape, own.device
    share = torch.where(listening[:, 0], LISTEN_CHANCE, ANSWER_CHANCE)
    answers = torch.rand(batch, device=device) < share
    kinds = 1 + torch.multinomial(torch.tensor(VOICES_IN, device=device), batch, replacement=True)
    kind = torch.where(answers, ANSWERED, kinds)[:, None]
    start, end = random_spans(batch, ticks, device)
    throughout = (kind == MIXED) & chance(0.5, batch, 1, device=device)
    time = torch.arange(ticks, device=device)
    there = throughout | ((time >= start) & (time < end))
    answered = replace_voice(own, other, turns, decibels(-6, 6, batch, device=device))
    there_samples = there.repeat_interleave(TICK, 1)
    level = other * loudness(own) / loudness(other)
    mixed = own + there_samples * level * decibels(-10, 10, batch, 1, device=device)
    audio = torch.where(kind == ANSWERED, answered, own)
    audio = torch.where(kind == MIXED, mixed, audio)
    audio = torch.where((kind == SWAPPED) & there_samples, level, audio)
    audio = torch.where((kind == MUTED) & there_samples, 0, audio)
    instead = ((kind == ANSWERED) & turns) | ((kind == SWAPPED) & there)
    absent = instead | ((kind == MUTED) & there)
    return audio, (~absent).float(), instead.float()


class _Faces:
    """The faces of a batch, and what their takes have, while they are changed."""

    def __init__(self, footage: Footage, plan: Plans, shift: Tensor) -> None:
        self._footage, self._take = footage, plan.take[:, 0, 0]
        own, place = plan.take[:, 0], plan.position[:, 0]
        self.ticks = ticks_of(footage, own, place)
        """(B, T) of the footage."""
        self.fade = torch.zeros_like(place)
        """(B, T) share of `rest_ticks` in the frame."""
        self.rest_ticks = self.ticks.clone()
        self.features = footage.visual_features[self.ticks]
        self.mouths = footage.talking[self.ticks]
        late = ticks_of(footage, own, place - shift[:, None])
        self.speaks = footage.talking[late]
        self.quiet = footage.voice[late] < QUIET
        self.weight = torch.where(self.quiet, PAUSE_WEIGHT, 1.0) * footage.trust[own]
        self.weight = self.weight.masked_fill(plan.joint, 0)
        self.silent = torch.zeros_like(self.quiet)
        """(B, T) where the mouth is silent whatever its take says."""
        self.audio = audio_of(footage, plan, _only_own(shift, plan))
        moved = plan.position - _only_own(shift, plan)[..., None]
        there = within(footage, plan.take, moved)
        audio_ticks = ticks_of(footage, plan.take, moved)
        features = footage.audio_features[audio_ticks]
        self.audio_features = features.masked_fill(~there[..., None], torch.nan)
        self.voice = footage.voice[audio_ticks] * there
        """(B, VOICES, T)"""
        self.listening = torch.zeros_like(self.quiet[:, :1])
        """(B, 1) whether the face listens for a while."""

    def change(self) -> Tensor:
        """Let faces talk on, listen a while, rest or freeze; return (B, T) where they listen."""
        (batch, ticks), device = self.ticks.shape, self.ticks.device
        shares = torch.tensor(FACES, device=device)
        kind = torch.multinomial(shares, batch, replacement=True)[:, None]
        start, end = random_spans(batch, ticks, device)
        time = torch.arange(ticks, device=device)
        there = (time >= start) & (time < end)
        own_rest = self._footage.rest_of[self._take][:, None]
        self.listening = (kind == LISTENS) & (own_rest >= 0)
        listens = self.listening & there
        edge = torch.minimum(time - start + 1, end - time) / (FADE_TICKS + 1)
        self.fade = torch.where(listens, edge.clamp(0, 1), self.fade)
        any_rest = torch.randint(len(self._footage.rests), (batch, 1), device=device)
        rests = (kind == RESTS).expand(-1, ticks)
        self.fade = torch.where(rests, 1.0, self.fade)
        row = torch.where(rests, any_rest, own_rest.clamp(min=0))
        first = torch.where(rests, 0, start)
        length = torch.where(rests, ticks, end - start)
        self.rest_ticks = self._slow_rest(row, time - first, length)
        frozen = (kind == FREEZES) & there
        self.ticks = torch.where(frozen, self.ticks.gather(1, start), self.ticks)
        self.weight = self.weight.masked_fill(listens & (edge < 1), 0)
        self.weight = torch.where(rests, 1.0, self.weight)
        self.silent = listens | rests | frozen
        self.mouths = self.mouths.masked_fill(self.silent, 0)
        self.features = self.features.masked_fill(self.silent[..., None], torch.nan)
        return listens

    def _slow_rest(self, row: Tensor, time: Tensor, length: Tensor) -> Tensor:
        """(B, T) ticks of resting faces, slowed, from a random one on."""
        device = row.device
        first = torch.rand(len(row), 1, device=device) * (REST_TICKS - length[:, :1] + 1)
        pace = uniform(0.4, 1, len(row), 1, device=device)
        place = first.long() + (pace * time.clamp(min=0)).long()
        return self._footage.rests[row, place.clamp(0, REST_TICKS - 1)]

    def frames(self) -> Tensor:
        """(B, T, 192, 192) as half-precision numbers from 0 to 255."""
        frames = self._footage.frames[torch.where(self.fade == 1, self.rest_ticks, self.ticks)]
        frames = frames.half()
        partly = (self.fade > 0) & (self.fade < 1)
        rest = self._footage.frames[self.rest_ticks[partly]].half()
        frames[partly] = torch.lerp(frames[partly], rest, self.fade[partly][:, None, None].half())
        return frames


def _only_own(shift: Tensor, plan: Plans) -> Tensor:
    """(B, VOICES) by how many ticks each voice is late: only the own one is."""
    return fn.pad(shift[:, None], (0, plan.take.shape[1] - 1))
