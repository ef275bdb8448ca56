"""Who takes part in the sample, what they say, and the size of everything."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT, FPS = 1920, 1080, 25
SECONDS = 22.4
SAMPLE_RATE = 48_000

PANEL_WIDTH, PANEL_HEIGHT, CORNER_RADIUS = 592, 640, 14
PANEL_TOP, PANEL_LEFTS = 220, (184, 1144)  # each in the middle of its half: room to punch in


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where a portrait's lips part, in its own pixels, and what moves with the lower lip.

    Read off an enlarged picture with a 10 px grid over it.
    """

    x: float
    """Column of the middle of the mouth."""
    half_width: float
    corner_y: float
    """Row of the corners, where the lips never part."""
    sag: float
    """How far the edge of the lower lip hangs below the corners in the middle."""
    shut: float
    """Rise of the lower lip that closes the mouth: none where it is closed in the portrait."""
    open: float
    """Fall of the lower lip at full voice: about a fifth of the width of the mouth."""
    jaw_y: float
    """Row of the chin's edge."""
    jaw_half_width: float
    still_y: float
    """Row on the neck below which nothing moves."""


@dataclass(frozen=True, slots=True)
class Person:
    """A portrait, its place in its panel, and its voice."""

    label: str
    name: str
    source: str
    left: float
    """Column of the portrait at the panel's left edge; its top is the panel's top."""
    scale: float
    head: tuple[float, float, float]
    """Middle (x, y) and radius of the head, in the portrait's pixels."""
    face: tuple[float, float, float, float]
    """Left, top, right, bottom in the portrait's pixels: the median over the finished clip of what
    OpenCV's YuNet finds."""
    mouth: Mouth
    voice: str
    pitch: int
    """espeak-ng's 0 to 100."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Words one person says from `start_s` on; the end is where the voice ends."""

    label: str
    start_s: float
    words: str


PEOPLE = (
    Person(
        label="A",
        name="Eileen Collins",
        source="skimage.data.astronaut() (NASA, public domain)",
        left=72.0,
        scale=1.95,
        head=(226.0, 95.0, 80.0),
        face=(179.7, 63.6, 270.5, 174.4),
        mouth=Mouth(224.5, 22.0, 140.0, 9.7, 6.5, 8.5, 178.0, 42.0, 205.0),
        voice="en-us+f3",
        pitch=50,
    ),
    Person(
        label="B",
        name="Grace Hopper",
        source="matplotlib mpl-data/sample_data/grace_hopper.jpg (US Navy, public domain)",
        left=10.0,
        scale=1.18,
        head=(264.0, 190.0, 130.0),
        face=(180.3, 125.4, 353.2, 334.7),
        mouth=Mouth(267.0, 38.0, 279.0, 0.8, 0.0, 16.0, 332.0, 66.0, 385.0),
        voice="en+f2",
        pitch=20,
    ),
)

# Counting on from turn to turn; A interrupts B, which is the overlap.
TURNS = (
    Turn("A", 0.8, "one, two, three, four, five."),
    Turn("B", 4.4, "six, seven, eight, nine, ten."),
    Turn("A", 8.12, "eleven, twelve, thirteen, fourteen."),
    Turn("B", 14.2, "fifteen, sixteen, seventeen, eighteen, nineteen, twenty."),
    Turn("A", 17.24, "twenty one, twenty two, twenty three, twenty four."),
)
