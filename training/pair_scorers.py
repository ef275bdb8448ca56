"""Scorers in steps, so that a face is encoded once and then scored with many audio clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus import FACE
from numpy.typing import NDArray

from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import CropRecipe, crop_face
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion, lip_sync
from otio_speakerzoom.speech.networks.face_channels import face_channels
from otio_speakerzoom.speech.networks.folded import FoldedScorer
from otio_speakerzoom.speech.networks.sync_asd import (
    RECIPE,
    Member,
    SyncAsd,
    SyncAsdScorer,
)
from otio_speakerzoom.speech.scorer import Scorer, score_clip
from otio_speakerzoom.speech.scorers import NETWORKS
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import MOTION_SCORER

Scores = NDArray[np.floating]


@dataclass(frozen=True)
class PairScorer:
    """A scorer in three steps: encode the face, encode the audio, score the pair."""

    encode_face: Callable[[NDArray[np.uint8]], Any]
    """From (T, 192, 192) frames."""
    encode_audio: Callable[[NDArray[np.float32]], Any]
    """From (4T, 13) MFCC rows."""
    score_pair: Callable[[Any, Any], Scores]
    """(T,) logits from both."""
    first_ticks: Callable[[Any, int], Any]
    """So many ticks of an encoded face."""

    def score(self, face: Any, rows: NDArray[np.float32]) -> Scores:
        """Return (T,) logits of the first T ticks of an encoded face with (4T, 13) rows."""
        return self.score_pair(self.first_ticks(face, len(rows) // 4), self.encode_audio(rows))


def load_scorer(name: str, weights: Path | None = None) -> PairScorer:
    """Return the scorer called `name` with the weights that the project finds, or with these.

    `cue` is the correlation of mouth and audio alone, as `motion` measures it over 2 s and 4 s.
    """
    if name == "cue":
        return scorer_of_crops(MouthMotion.recipe, lip_sync)
    if name == MOTION_SCORER:
        return whole_scorer(MouthMotion())
    scorer = NETWORKS[name](weights or fetch.need(name))
    if isinstance(scorer, SyncAsdScorer):
        return sync_asd_scorer(scorer.network)
    if isinstance(scorer, FoldedScorer):
        return folded_scorer(scorer)
    return whole_scorer(scorer)


def folded_scorer(asd: FoldedScorer) -> PairScorer:
    """Return LR-ASD or Light-ASD in steps."""
    return PairScorer(
        lambda frames: asd.visual(torch.tensor(crop_faces(frames, asd.recipe)))[None],
        lambda rows: asd.network.encode_audio(torch.tensor(rows)[None]),
        lambda visual, audio: asd.network.combine(audio, visual)[0].numpy(),
        lambda visual, n: visual[:, :n],
    )


def sync_asd_scorer(network: SyncAsd | Member) -> PairScorer:
    """Return our own network, or a member of it, in steps."""
    return PairScorer(
        lambda frames: network.visual(
            face_channels(torch.tensor(crop_faces(frames, RECIPE))[None])
        ),
        lambda rows: network.audio(torch.tensor(rows)[None]),
        lambda visual, audio: network.joint(visual, audio)[0].numpy(),
        lambda visual, n: visual[..., :n],
    )


def whole_scorer(scorer: Scorer) -> PairScorer:
    """Return any scorer; each pair is scored from the crops, so every face is encoded again."""
    return scorer_of_crops(
        scorer.recipe, lambda crops, rows: score_clip(scorer, Clip(crops, rows[None]))[0]
    )


def scorer_of_crops(
    recipe: CropRecipe, score: Callable[[NDArray[np.uint8], NDArray[np.float32]], Scores]
) -> PairScorer:
    """Return a scorer whose encodings are the crops and the MFCC rows themselves."""
    crop = partial(crop_faces, recipe=recipe)
    return PairScorer(crop, lambda rows: rows, score, lambda crops, n: crops[:n])


def crop_faces(frames: NDArray[np.uint8], recipe: CropRecipe) -> NDArray[np.uint8]:
    """Return (T, 112, 112) crops of (T, 192, 192) frames, as a perfect tracker would cut them."""
    return np.stack([crop_face(frame, FACE, recipe) for frame in frames])
