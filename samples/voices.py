"""Voices of the sample: espeak-ng speaks, and its phonemes say how far a mouth opens."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator, Sequence

import espeakng_loader
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly
from talkers import FPS, PEOPLE, SAMPLE_RATE, SECONDS, TURNS, Person, Turn

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


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h: an event in the voice, with its time in milliseconds."""

    _fields_ = (
        ("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8),
    )  # fmt: skip


Sounds = list[tuple[float, str]]
"""When each sound begins, in seconds from the turn's first sample, and espeak-ng's name for it."""


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
