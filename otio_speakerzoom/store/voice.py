"""voice.npz: voice activity, and the microphones of the source."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from otio_speakerzoom.model import Microphone, VoiceActivity
from otio_speakerzoom.store.arrays import ADVICE, column, read_arrays, scalar, write_arrays
from otio_speakerzoom.store.files import Cached, report_faults


def save_voice(folder: Path, voice: VoiceActivity, input_digest: str) -> None:
    """Save the voice activity."""
    microphones = [(m.stream, -1 if m.channel is None else m.channel) for m in voice.microphones]
    arrays = {
        "start": np.array(voice.start, np.int32),
        "probability": voice.probability,
        "microphones": np.array(microphones, np.int32).reshape(-1, 2),
    }
    write_arrays(folder / "voice.npz", "voice", input_digest, arrays)


def load_voice(folder: Path) -> Cached[VoiceActivity] | None:
    """Return the cached voice activity; None if there is none."""
    path = folder / "voice.npz"
    document = read_arrays(path, "voice")
    if document is None:
        return None
    with report_faults(path, ADVICE):
        arrays = document.value
        rows = column(arrays, "microphones", "i", 2, minimum=-1).tolist()
        microphones = tuple(Microphone(s, None if c < 0 else c) for s, c in rows)
        probability = column(arrays, "probability", "f")
        if not len(probability):
            raise ValueError("probability has no value")
        value = VoiceActivity(int(scalar(arrays, "start", "i")), probability, microphones)
    return Cached(value, document.input_digest)
