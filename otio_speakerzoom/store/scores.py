"""scores.npz: the active-speaker scores of all face tracks, concatenated, and the A/V offset."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from otio_speakerzoom.model import Speech, SpeechScores
from otio_speakerzoom.store.arrays import (
    ADVICE,
    check_same_length,
    column,
    read_arrays,
    scalar,
    spans,
    write_arrays,
)
from otio_speakerzoom.store.files import Cached, report_faults


def save_scores(folder: Path, speech: Speech, input_digest: str) -> None:
    """Save the scores, calibrated log odds, and the A/V offset in seconds, NaN if unknown."""
    scores, offset = speech.scores, speech.av_offset_s
    arrays = {
        "av_offset_s": np.array(np.nan if offset is None else offset),
        "track_ids": np.array([score.track_id for score in scores], np.int32),
        "starts": np.array([score.start for score in scores], np.int32),
        "lengths": np.array([len(score.logits) for score in scores], np.int32),
        "logits": np.concatenate([np.empty(0, np.float32), *(s.logits for s in scores)]),
    }
    write_arrays(folder / "scores.npz", "scores", input_digest, arrays)


def load_scores(folder: Path) -> Cached[Speech] | None:
    """Return the cached scores; None if there are none."""
    path = folder / "scores.npz"
    document = read_arrays(path, "scores")
    if document is None:
        return None
    with report_faults(path, ADVICE):
        arrays = document.value
        ids, starts = column(arrays, "track_ids", "i"), column(arrays, "starts", "i")
        check_same_length(track_ids=ids, starts=starts, lengths=arrays["lengths"])
        logits = column(arrays, "logits", "f")
        scores = tuple(
            SpeechScores(int(id_), int(start), logits[span])
            for id_, start, span in zip(ids, starts, spans(arrays, len(logits)), strict=True)
        )
        # older files of version 1 have none
        offset = scalar(arrays, "av_offset_s", "f") if "av_offset_s" in arrays else np.nan
    return Cached(Speech(scores, None if np.isnan(offset) else offset), document.input_digest)
