"""A generated person who talks."""

import corpus
import numpy as np


def talker(number):
    """A generated person whose mouth, a dark bar, opens as loud as the voice is; one pause."""
    rng = np.random.default_rng(number)
    level = np.abs(np.sin(np.arange(80) / rng.uniform(1.5, 4) + number))
    level[30:50] = 0
    frames = np.full((80, 192, 192), 150, np.uint8)
    frames[:, :60] = rng.integers(0, 255, (60, 192))
    for frame, opening in zip(frames, level, strict=True):
        frame[100 : 100 + int(25 * opening), 70:120] = 20
    pcm = np.repeat(6000 * level, 640) * rng.normal(size=51200)
    voice = (level > 0).astype(np.float32)
    sure = 4 * voice - 2
    taught = np.tile(level[:, None], 256).astype(np.float16)
    return corpus.Track(
        f"t{number}", f"p{number}", "ok", frames, pcm.astype(np.int16), voice, sure, sure,
        taught, taught,
    )  # fmt: skip
