"""Animated portraits: two panels on a backdrop, with moving mouths and swaying heads."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import skimage.data
from matplotlib import cbook
from numpy.typing import NDArray
from talkers import (
    CORNER_RADIUS,
    FPS,
    HEIGHT,
    PANEL_HEIGHT,
    PANEL_LEFTS,
    PANEL_TOP,
    PANEL_WIDTH,
    PEOPLE,
    SECONDS,
    WIDTH,
    Mouth,
    Person,
)


def film_frames(openings: dict[str, NDArray[np.float64]]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames, (H, W, 3) in RGB: both panels on the backdrop."""
    stage, frame_mask = backdrop(), panel_mask()
    photos = [portrait(p) for p in PEOPLE]
    for t in range(round(SECONDS * FPS)):
        frame = stage.copy()
        for i, person in enumerate(PEOPLE):
            talking = move_mouth(photos[i], person.mouth, float(openings[person.label][t]))
            panel = seat(talking, person, t / FPS, phase=2.1 * i)
            left = PANEL_LEFTS[i]
            area = frame[PANEL_TOP : PANEL_TOP + PANEL_HEIGHT, left : left + PANEL_WIDTH]
            area[:] = area + (panel - area) * frame_mask
        yield np.round(np.clip(frame, 0, 255)).astype(np.uint8)


def portrait(person: Person) -> NDArray[np.float32]:
    """Return a person's portrait as it comes in its package, (h, w, 3) in RGB."""
    if person.source.startswith("skimage"):
        return skimage.data.astronaut().astype(np.float32)
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(np.float32)


def backdrop() -> NDArray[np.float32]:
    """Return a calm slate wall, lighter in the middle, with half a level of grain.

    The grain keeps eight bits from showing the gradient as bands; it stands still.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    glow = np.exp(-(((x - WIDTH / 2) / 1200) ** 2) - ((y - HEIGHT / 2) / 720) ** 2)
    wall = np.array([40, 48, 58]) + glow[..., None] * np.array([26, 30, 34])
    return (wall + np.random.default_rng(2).uniform(-0.5, 0.5, wall.shape)).astype(np.float32)


def panel_mask() -> NDArray[np.float32]:
    """Return a panel's opacity, (h, w, 1): rounded corners with an edge one pixel soft."""
    y, x = np.mgrid[0:PANEL_HEIGHT, 0:PANEL_WIDTH] + 0.5
    half_x, half_y = PANEL_WIDTH / 2, PANEL_HEIGHT / 2
    dx = np.maximum(np.abs(x - half_x) - half_x + CORNER_RADIUS, 0)
    dy = np.maximum(np.abs(y - half_y) - half_y + CORNER_RADIUS, 0)
    return np.clip(CORNER_RADIUS + 0.5 - np.hypot(dx, dy), 0, 1).astype(np.float32)[..., None]


def move_mouth(photo: NDArray[np.float32], mouth: Mouth, amount: float) -> NDArray[np.float32]:
    """Return `photo` with the mouth open by `amount`, 0 shut to 1.

    The lower lip and the jaw are a second layer that slides over the portrait: down it leaves a
    gap, which is painted dark, up it covers the teeth.
    """
    fall = amount * (mouth.open + mouth.shut) - mouth.shut
    if fall == 0:
        return photo
    top, bottom = round(mouth.corner_y - 10), round(mouth.still_y)
    left, right = (round(mouth.x + s * (mouth.jaw_half_width + 2)) for s in (-1, 1))
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    across = np.clip(1 - ((x - mouth.x) / mouth.half_width) ** 2, 0, 1)
    lip = mouth.corner_y + mouth.sag * across
    from_y = y.copy()
    for _ in range(8):  # the fall depends on the pixel's origin: solve by iteration
        from_y = y - fall * share_of_fall(x, np.maximum(from_y, lip), lip, mouth)
    jaw = cv2.remap(photo, x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    base = photo[top:bottom, left:right]
    depth = np.maximum(fall * across, 0)
    gap = (np.clip(y - lip + 0.5, 0, 1) * np.minimum(depth, 1))[..., None]
    base = base + (inside(y, lip, depth) - base) * gap
    covered = np.clip(from_y - lip + 0.5, 0, 1)[..., None]
    out = photo.copy()
    out[top:bottom, left:right] = base + (jaw - base) * covered
    return out


def share_of_fall(
    x: NDArray[np.float32], y: NDArray[np.float32], lip: NDArray[np.float32], mouth: Mouth
) -> NDArray[np.float32]:
    """Return the share of the lower lip's fall by which each point of the portrait moves.

    All of it in the middle of the lip, none at the corners and from the neck down; in between it
    spreads from the width of the mouth to that of the jaw, so that cheeks stretch, not tear.
    """
    down = np.clip((y - lip) / (mouth.jaw_y - mouth.corner_y), 0, 1)
    half_width = mouth.half_width + (mouth.jaw_half_width - mouth.half_width) * down
    across = np.clip(1 - ((x - mouth.x) / half_width) ** 2, 0, 1) ** (1 + down)
    fade = np.clip((mouth.still_y - y) / (mouth.still_y - lip), 0, 1)
    return across * fade * fade * (3 - 2 * fade)


def inside(
    y: NDArray[np.float32], lip: NDArray[np.float32], depth: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the colour inside the mouth: dark above, the red of a tongue towards the lower lip."""
    low = np.clip((y - lip) / np.maximum(depth, 1.0), 0, 1)[..., None]
    return (np.array([34, 14, 14]) + low**2 * np.array([70, 24, 24])).astype(np.float32)


def seat(
    photo: NDArray[np.float32], person: Person, seconds: float, *, phase: float
) -> NDArray[np.float32]:
    """Return the panel that shows `photo` at `seconds`, the head swaying as heads do.

    Two slow sines a side, out of step, never repeat within the clip; the sway fades out around
    the head, so the shoulders and the wall stay.
    """
    y, x = np.mgrid[0:PANEL_HEIGHT, 0:PANEL_WIDTH].astype(np.float32) / person.scale
    x += person.left
    head_x, head_y, radius = person.head
    reach = np.hypot(x - head_x, (y - head_y) / 1.2) / radius
    hold = np.exp(-0.5 * np.maximum(reach - 0.8, 0) ** 2 / 0.3**2) / person.scale
    sway = 1.6 * np.sin(0.9 * seconds + phase) + 0.9 * np.sin(1.7 * seconds + 2 * phase)
    nod = 0.9 * np.sin(1.3 * seconds + 3 * phase) + 0.7 * np.sin(2.3 * seconds + phase)
    return cv2.remap(
        photo,
        (x - sway * hold).astype(np.float32),
        (y - nod * hold).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
