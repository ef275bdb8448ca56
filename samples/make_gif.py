"""Make the README's image: the sample beside its cut, as a GIF.

    make demo
    python samples/make_gif.py samples/two_talkers.mp4 out/two_talkers_cut.mp4 docs/two_talkers.gif

The same films give the same bytes.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

SPAN_S = (2.8, 14.8)
"""A speaks until 3.99 s, B until 7.69, A until 11.22, nobody until 14.20."""
FPS = 5
WIDTH, HEIGHT = 376, 212
"""Of each of the two films."""
GAP, CAPTION = 8, 26
TITLES = ("the recording", "the cut")
INK, PAPER = (70, 70, 70), 255


def main() -> None:
    """Write the GIF."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recording", type=Path)
    parser.add_argument("cut", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    pairs = zip(read(arguments.recording), read(arguments.cut), strict=True)
    encode((side_by_side(before, after) for before, after in pairs), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1000:.0f} kB")


def read(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the (H, W, 3) RGB frames of the span, `FPS` of them a second, scaled down."""
    start, end = SPAN_S
    due = start
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            if frame.time is not None and due <= frame.time < end:
                image = frame.to_ndarray(format="rgb24")
                small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
                yield small.astype(np.uint8)
                due += 1 / FPS


def side_by_side(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return both frames with their titles above them."""
    canvas = np.full((CAPTION + HEIGHT, 2 * WIDTH + GAP, 3), PAPER, np.uint8)
    for n, (frame, title) in enumerate(zip((before, after), TITLES, strict=True)):
        left = n * (WIDTH + GAP)
        canvas[CAPTION:, left : left + WIDTH] = frame
        place = (left + 2, CAPTION - 9)
        cv2.putText(canvas, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return canvas


def encode(frames: Iterator[NDArray[np.uint8]], path: Path) -> None:
    """Write the frames as a GIF that repeats, with a palette of its own."""
    palette = "split[a][b];[a]palettegen=max_colors=96[p];[b][p]paletteuse=dither=none"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{2 * WIDTH + GAP}x{CAPTION + HEIGHT}",
        "-r", str(FPS), "-i", "-", "-filter_complex", palette, "-loop", "0", str(path),
    ]  # fmt: skip
    film = b"".join(frame.tobytes() for frame in frames)
    subprocess.run(command, input=film, check=True)


if __name__ == "__main__":
    main()
