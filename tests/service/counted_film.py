"""A film whose pixels tell the frame number and the side of the picture, and its analysis.

The left half is red, the right half blue; a row of black and white squares along the bottom of the
frame is the frame number in binary, the lowest bit first.
"""

from fractions import Fraction

import av
import generated_store
import numpy as np

SIZE = (640, 360)
BITS, SQUARE = 12, 20
"""Squares of the number, and their edge in pixels: large enough to survive the encoder."""


ENCODERS = {
    "libx264": ("yuv420p", {"preset": "ultrafast"}),
    "prores_ks": ("yuv422p10le", {}),
}


def make_counted_film(path, rate=Fraction(25), seconds=20, encoder="libx264"):
    """Write the film with a tone of 440 Hz."""
    pixels, options = ENCODERS[encoder]
    with av.open(str(path), "w") as container:
        video = container.add_stream(encoder, rate=rate, options=options)
        video.width, video.height, video.pix_fmt = *SIZE, pixels
        audio = container.add_stream("aac", rate=48000, layout="mono")
        for n in range(int(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(counted_picture(n), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        time = np.arange(int(seconds * 48000)) / 48000
        tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
        for start in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            block.sample_rate, block.pts = 48000, start
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    return path


def counted_picture(n):
    """Return frame `n` as RGB."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    picture[:, : SIZE[0] // 2] = (200, 30, 30)
    picture[:, SIZE[0] // 2 :] = (30, 30, 200)
    for bit in range(BITS):
        colour = 255 if n >> bit & 1 else 0
        picture[-SQUARE:, bit * SQUARE : (bit + 1) * SQUARE] = colour
    return picture


def analyse_counted_film(path, people=2, monkeypatch=None):
    """Save an analysis with that many people side by side who take turns."""
    if monkeypatch:
        monkeypatch.setattr(generated_store, "FACE_PX", 190 * SIZE[1] / 1080)
    return generated_store.generate_analysis(path, people)
