"""Make two_talkers.mp4, two animated portraits that take turns counting, and its labels.

A demonstration needs material that belongs to nobody. Two public-domain portraits come inside
Python packages (scikit-image, matplotlib) and espeak-ng speaks the numbers. The speaker's mouth
opens as far as each sound needs, a moment ahead of it, as lips do.
Needs the `samples` extra; run as `python samples/make_two_talkers.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import espeakng_loader
import imageio_ffmpeg
import numpy as np
import skimage.data
from matplotlib import cbook
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

HERE = Path(__file__).parent
NAME = "two_talkers"
WIDTH, HEIGHT, FPS = 1920, 1080, 25
SECONDS = 22.4
SAMPLE_RATE = 48_000

PANEL_WIDTH, PANEL_HEIGHT, CORNER_RADIUS = 592, 640, 14
PANEL_TOP, PANEL_LEFTS = 220, (184, 1144)  # each in the middle of its half: room to punch in

# From espeak-ng's speak_lib.h: AUDIO_OUTPUT_RETRIEVAL, espeakRATE, espeakPITCH, POS_CHARACTER,
# espeakCHARS_UTF8, espeakINITIALIZE_PHONEME_EVENTS, espeakEVENT_PHONEME.
RETRIEVAL, PARAMETER_RATE, PARAMETER_PITCH, POSITION_CHARACTER, CHARS_UTF8 = 1, 1, 3, 1, 1
PHONEME_EVENTS, EVENT_PHONEME = 1, 7
WORDS_A_MINUTE = 140  # a calm count, with pauses short enough to belong to the turn

SPEECH_DBFS = -20.0  # the usual level of dialogue in a camera file, with 18 dB of headroom

OPENINGS = {
    **dict.fromkeys("aAV0&", 1.0), **dict.fromkeys("EeO3", 0.75), **dict.fromkeys("o@", 0.55),
    **dict.fromkeys("iI", 0.4), **dict.fromkeys("uU", 0.3), **dict.fromkeys("w", 0.12),
    **dict.fromkeys("fv", 0.06), **dict.fromkeys("pbm", 0.0), **dict.fromkeys("_", 0.0),
}  # fmt: skip
"""How far the lips part for a sound, by the first letter of espeak-ng's name for it: wide for open
vowels, little for close ones, not at all for those that the lips themselves form."""
BEHIND_THE_LIPS = 0.22
"""The same for all other sounds, which the tongue forms."""
JAW_S = 0.035
"""Width of the smoothing of its motion (standard deviation): a jaw has weight."""
AHEAD_S = 0.06
"""How long before its sound the mouth has its shape: a frame and a half."""
SHAPES_A_SECOND = 500
ROOM_DBFS = -60.0  # a quiet room; digital silence would be a giveaway no microphone has
OVERLAP_CEILING = 0.97  # where two voices add up; the sum peaks at 0.962, so nothing clips

EDGE_S = 0.5  # a cut may fall this far from the start or end of a turn without being wrong
HOLD_S = 1.0  # after the last word the picture may stay on its speaker this long
NOTES = (
    "Animated photographs with a synthetic voice. Times in must_cut leave half a second on each "
    "side out of judgement, and a silence one more for the hold on the last speaker. 'A or B': "
    "either of them, or the wide picture, which holds both. Elsewhere anything may be shown."
)


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


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h: an event in the voice, with its time in milliseconds."""

    _fields_ = (
        ("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8),
    )  # fmt: skip


Sounds = list[tuple[float, str]]
"""When each sound begins, in seconds from the turn's first sample, and espeak-ng's name for it."""


def main() -> None:
    """Write the film and its labels beside this script."""
    spoken = list(speak(TURNS))
    voices = [at_level(voice) for voice, _ in spoken]
    tracks = {p.label: track(p.label, voices) for p in PEOPLE}
    frames = film_frames({p.label: opening(p.label, spoken) for p in PEOPLE})
    video = HERE / f"{NAME}.mp4"
    encode(frames, mix(tracks), video)
    labels = HERE / f"{NAME}.json"
    labels.write_text(json.dumps(ground_truth(voices), indent=1) + "\n", encoding="utf-8")
    for path in (video, labels):
        print(f"{path.name}: {path.stat().st_size / 1e6:.3f} MB")


# --- audio ----------------------------------------------------------------------------------------


def speak(turns: Sequence[Turn]) -> Iterator[tuple[NDArray[np.float32], Sounds]]:
    """Yield each turn's voice at 48 kHz from its first to its last audible sample, and its sounds.

    Calls go to the shared library inside espeakng-loader (espeak-ng's speak_lib.h). Its noise is
    seeded once, so the same turns in the same order sound the same.
    """
    espeak = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(espeakng_loader.get_data_path()).encode()
    native_rate = espeak.espeak_Initialize(RETRIEVAL, 0, data, PHONEME_EVENTS)
    if native_rate < 0:
        raise RuntimeError("espeak-ng does not start from the data of espeakng-loader")
    chunks: list[NDArray[np.int16]] = []
    sounds: Sounds = []

    @ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
    )
    def collect(wave, count, events):
        if wave and count:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        for event in itertools.takewhile(lambda event: event.type, events):  # 0 ends the list
            if event.type == EVENT_PHONEME:
                sounds.append((event.audio_ms / 1000, event.name.decode()))
        return 0

    espeak.espeak_SetSynthCallback(collect)
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))
    people = {p.label: p for p in PEOPLE}
    for turn in turns:
        chunks.clear()
        sounds.clear()
        utter(espeak, people[turn.label], turn.words)
        wave = np.concatenate(chunks) / 32768.0
        voice, skipped = audible(resample_poly(wave, SAMPLE_RATE, native_rate))
        yield voice, [(at - skipped / SAMPLE_RATE, name) for at, name in sounds]


def utter(espeak: ctypes.CDLL, person: Person, words: str) -> None:
    """Let espeak-ng speak `words` in a person's voice; the samples go to its callback."""
    if espeak.espeak_SetVoiceByName(person.voice.encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice {person.voice}")
    espeak.espeak_SetParameter(PARAMETER_PITCH, person.pitch, 0)
    espeak.espeak_SetParameter(PARAMETER_RATE, WORDS_A_MINUTE, 0)
    text = words.encode() + b"\0"
    espeak.espeak_Synth(text, len(text), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None)
    espeak.espeak_Synchronize()


def audible(wave: NDArray[np.float64], floor_db: float = -40.0) -> tuple[NDArray[np.float32], int]:
    """Return `wave` without the parts more than 40 dB below its peak at its start and end.

    The second value is the number of samples removed at the start.
    """
    loud = np.flatnonzero(np.abs(wave) > np.abs(wave).max() * 10 ** (floor_db / 20))
    return wave[loud[0] : loud[-1] + 1].astype(np.float32), int(loud[0])


def at_level(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `voice` at the level of dialogue, measured over the whole turn."""
    return voice * np.float32(10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(voice**2)))


def track(label: str, voices: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return one person's turns over the whole length, silent between them."""
    out = np.zeros(round(SECONDS * SAMPLE_RATE), np.float32)
    for turn, voice in zip(TURNS, voices, strict=True):
        if turn.label == label:
            start = round(turn.start_s * SAMPLE_RATE)
            out[start : start + len(voice)] += voice
    return out


def mix(tracks: dict[str, NDArray[np.float32]]) -> NDArray[np.int16]:
    """Return the sum of the tracks over a faint room, as 16 bit samples."""
    voices = np.sum(list(tracks.values()), axis=0)
    total = voices + pink_noise(len(voices))
    return np.round(np.clip(total, -OVERLAP_CEILING, OVERLAP_CEILING) * 32767).astype(np.int16)


def pink_noise(count: int) -> NDArray[np.float32]:
    """Return noise whose power falls by 3 dB an octave, at the level of the room."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum /= np.sqrt(np.maximum(frequency, 20.0))  # flat below hearing: no rumble
    noise = np.fft.irfft(spectrum, count)
    return (noise * 10 ** (ROOM_DBFS / 20) / noise.std()).astype(np.float32)


def opening(
    label: str, spoken: Sequence[tuple[NDArray[np.float32], Sounds]]
) -> NDArray[np.float64]:
    """Return how far a person's mouth stands open in each frame, (T,) between 0 and 1.

    Each sound has its shape from its beginning to the next one's, and the jaw glides between them.
    """
    shapes = np.zeros(round(SECONDS * SHAPES_A_SECOND))
    for turn, (voice, sounds) in zip(TURNS, spoken, strict=True):
        if turn.label != label:
            continue
        end = len(voice) / SAMPLE_RATE
        for (at, name), (until, _) in itertools.pairwise([*sounds, (end, "_")]):
            first, last = (
                round((turn.start_s + min(max(0.0, t), end) - AHEAD_S) * SHAPES_A_SECOND)
                for t in (at, until)
            )
            letter = name.lstrip("',%=")[:1] or "_"  # without the marks of stress
            shapes[first:last] = OPENINGS.get(letter, BEHIND_THE_LIPS)
    smooth = gaussian_filter1d(shapes, JAW_S * SHAPES_A_SECOND)
    out = smooth[np.arange(round(SECONDS * FPS)) * SHAPES_A_SECOND // FPS]
    out[out < 0.02] = 0
    return out


# --- frames ---------------------------------------------------------------------------------------


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


def encode(frames: Iterable[NDArray[np.uint8]], sound: NDArray[np.int16], path: Path) -> None:
    """Write H.264 and AAC to `path`."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        wavfile.write(wav, SAMPLE_RATE, sound)
        command = ffmpeg_command(wav, path)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            with contextlib.suppress(BrokenPipeError):  # ffmpeg reports why it stopped
                for frame in frames:
                    process.stdin.write(frame.tobytes())
                process.stdin.close()
            message = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise RuntimeError(f"{path.name}: ffmpeg failed: {message}")


def ffmpeg_command(wav: Path, path: Path) -> list[str]:
    """Return the command that encodes raw frames from standard input and audio from `wav`.

    One thread and no version tags, so that the bytes repeat; BT.709, converted and tagged.
    """
    colour = "bt709"
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS),
        "-i", "-", "-i", str(wav),
        "-vf", f"scale=out_color_matrix={colour}:out_range=tv", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "slow", "-crf", "24", "-threads", "1",
        "-colorspace", colour, "-color_primaries", colour, "-color_trc", colour,
        "-c:a", "aac", "-b:a", "96k",
        "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
        "-movflags", "+faststart", str(path),
    ]  # fmt: skip


# --- labels ---------------------------------------------------------------------------------------


def ground_truth(voices: Sequence[NDArray[np.float32]]) -> dict[str, object]:
    """Return who is visible where, who speaks when, and what a cut has to show."""
    speech = [
        {
            "person": turn.label,
            "from_s": turn.start_s,
            "to_s": round(turn.start_s + len(voice) / SAMPLE_RATE, 2),
        }
        for turn, voice in zip(TURNS, voices, strict=True)
    ]
    return {
        "file": f"{NAME}.mp4",
        "rate": [FPS, 1],
        "width": WIDTH,
        "height": HEIGHT,
        "people": {p.label: {"name": p.name, "source": p.source} for p in PEOPLE},
        "faces": [
            {"person": p.label, "from_s": 0.0, "to_s": SECONDS, "box": face_box(i, p)}
            for i, p in enumerate(PEOPLE)
        ],
        "speech": speech,
        "cuts_s": [],
        "must_cut": must_cut(speech),
        "notes": NOTES,
    }


def must_cut(speech: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Return what has to be on screen when, transitions left out.

    Between the first word and the last, whoever speaks alone is shown, an overlap leaves the
    choice, and a silence is wide after a hold; what is too short to judge is left out.
    """
    edges = sorted({float(s[side]) for s in speech for side in ("from_s", "to_s")})
    out: list[dict[str, object]] = []
    for start, end in itertools.pairwise(edges):
        speakers = [s["person"] for s in speech if s["from_s"] <= start and end <= s["to_s"]]
        first = start + EDGE_S + (0.0 if speakers else HOLD_S)
        if end - EDGE_S > first:
            show = " or ".join(sorted(speakers)) or "wide"
            out.append({"from_s": round(first, 2), "to_s": round(end - EDGE_S, 2), "show": show})
    return out


def face_box(seat_number: int, person: Person) -> list[int]:
    """Return left, top, right, bottom of a face in the picture, in pixels."""
    left, top, right, bottom = person.face
    panel_left = PANEL_LEFTS[seat_number]
    across = [round(panel_left + (x - person.left) * person.scale) for x in (left, right)]
    along = [round(PANEL_TOP + y * person.scale) for y in (top, bottom)]
    return [across[0], along[0], across[1], along[1]]


if __name__ == "__main__":
    main()
