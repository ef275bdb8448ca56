"""Reads a generated recording in every way, and compares with what its generator knows."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from clips import BEGIN_S, DARK, END_S, MIN_CORNER_PX, Clip, level, tone_hz, write_clip
from commands import command
from remedies import COMMAND
from tables import PAGE

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Microphone
from otio_speakerzoom.source import SPEECH_SAMPLE_RATE, probe, read_audio, read_frames

MAX_LEVEL_ERROR = 5
"""Of the luma after lossy codecs and conversions; frames up to 12 apart differ by 8 or more."""
MAX_SHIFT_S = 0.045
"""Of a sound: a packet of AAC is 21 ms long, and lips forgive a frame."""
MAX_READ_PX = 2048
"""Of a side; larger pictures are scaled down to it as they are read."""


@dataclass(frozen=True)
class Facts:
    """What is right of a recording."""

    rate: Fraction
    levels: tuple[float, ...]
    """Of each frame on the grid."""
    size: tuple[int, int]
    """As shown."""
    sounds: tuple[tuple[int, int], ...] = ()
    """Sample rate and channels of each."""
    corner: str = "top left"
    """Where the dark quarter is."""
    onset: float = BEGIN_S
    """When the tone begins, in seconds from frame 0."""
    warns: str = ""
    """Part of a warning."""
    fields: str = "progressive"
    transfer: str = "sdr"
    """Of high dynamic range only the order of the levels is checked here."""


@dataclass(frozen=True)
class Case:
    """A recording with what is right of it."""

    file: str
    make: Clip | Callable[[Path], object]
    facts: Facts | None
    """None if it must be refused."""
    quick: bool = False
    """Whether the default run has it."""
    remedy: bool = True
    """Of a refusal: whether it names a command, which then must give a recording."""


def parameters(cases):
    """The cases for pytest; `make test` leaves out those that are not quick."""
    slow = pytest.mark.slow
    return [pytest.param(name, marks=() if case.quick else slow) for name, case in cases.items()]


def case_of(file, clip, *, quick=False, **facts):
    """A clip that is right as it is stored, but for `facts`."""
    return Case(file, clip, facts_of(clip, **facts), quick)


def made(case, folder):
    """Make a case's file."""
    path = folder / case.file
    if isinstance(case.make, Clip):
        write_clip(path, case.make)
    else:
        case.make(path)
    return path


def outcome(case, folder):
    """Read a case's file in every way; return the outcome in words."""
    path = made(case, folder)
    before = digests(folder)
    text = f"`{refusal(path)}`" if case.facts is None else read(path, case.facts)
    assert digests(folder) == before
    return text


def facts_of(clip, **others):
    """What is right of a clip that is stored as it is."""
    return Facts(
        **{
            "rate": Fraction(clip.rate),
            "levels": tuple(level(n) for n in range(clip.frames)),
            "size": clip.size,
            "sounds": tuple((sound.rate, sound.channels) for sound in clip.sounds),
            **others,
        }
    )


def read(path, facts):
    """Read everything of a recording and check it; return the outcome in words."""
    media = probe(path)
    assert media.rate == facts.rate
    assert media.duration == len(facts.levels)
    assert (media.size, media.field_order, media.transfer) == (
        facts.size,
        facts.fields,
        facts.transfer,
    )
    assert tuple((s.rate, s.channels) for s in media.audio_streams) == facts.sounds
    _check_pictures(media, facts)
    _check_sounds(media, facts)
    warnings = [shown(w, path) for w in media.warnings]
    assert bool(warnings) == bool(facts.warns), warnings
    assert all(facts.warns in w for w in warnings), warnings
    return "; ".join((_sentence(media), *(f"warns: `{w}`" for w in warnings)))


def _sentence(media):
    count = len(media.audio_streams)
    sounds = ", ".join(sorted({f"{s.channels} x {s.rate}" for s in media.audio_streams}))
    sound = f"{count} audio ({sounds} Hz)" if count else "no audio"
    width, height = media.size
    others = [
        *([f"{media.field_order} field first"] if media.field_order != "progressive" else []),
        *([media.transfer.upper()] if media.transfer != "sdr" else []),
        *([f"turned by {media.rotation} degrees"] if media.rotation else []),
    ]
    picture = f"{media.duration} frames at {media.rate}, {width}x{height}"
    return f"right: {', '.join((picture, *others, sound))}"


def _check_pictures(media, facts):
    size = facts.size if facts.size[0] <= MAX_READ_PX else (MAX_READ_PX, MAX_READ_PX)
    means: list[dict[str, float]] = []
    for number, frame in read_frames(media, gray=True, size=size):
        assert number == len(means)
        assert frame.shape == (size[1], size[0])
        means.append(_quarters(frame))
    assert len(means) == media.duration
    darks = [quarters.pop(facts.corner) for quarters in means if facts.corner in quarters]
    bright = np.array([[*quarters.values()] for quarters in means])
    meant = np.array(facts.levels)[:, np.newaxis]
    if facts.transfer == "sdr":
        assert all(abs(dark - DARK) <= MAX_LEVEL_ERROR for dark in darks), darks
        wrong = np.abs(bright - meant).max(axis=1) > MAX_LEVEL_ERROR
        assert not wrong.any(), (np.flatnonzero(wrong), bright[wrong], meant[wrong])
    else:
        assert max(darks) < bright.min()
        order = np.argsort(facts.levels, kind="stable")
        assert (np.diff(bright[order], axis=0) > -1).all()


def _quarters(frame):
    """Return the mean luma inside each quarter of a frame."""
    height, width = frame.shape
    if min(height, width) < MIN_CORNER_PX:
        return {"all": frame.mean()}
    columns = {"left": slice(2, width // 2 - 4), "right": slice(width // 2 + 4, width - 2)}
    rows = {"top": slice(2, height // 2 - 4), "bottom": slice(height // 2 + 4, height - 2)}
    return {
        f"{r} {c}": frame[rows[r], columns[c]].astype(float).mean() for r in rows for c in columns
    }


def _check_sounds(media, facts):
    length = -int(-media.duration * SPEECH_SAMPLE_RATE // media.rate)
    for number in range(len(media.audio_streams)):
        samples = np.concatenate([*read_audio(media, microphone=Microphone(number))])
        assert len(samples) == length
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 1000) / SPEECH_SAMPLE_RATE
        end = min(facts.onset + END_S - BEGIN_S, length / SPEECH_SAMPLE_RATE)
        assert loud[0] == pytest.approx(max(facts.onset, 0), abs=MAX_SHIFT_S), (number, loud[0])
        assert loud[-1] == pytest.approx(end, abs=MAX_SHIFT_S), (number, loud[-1])
        tone = samples[int(loud[0] * SPEECH_SAMPLE_RATE) : int(loud[-1] * SPEECH_SAMPLE_RATE)]
        peak = np.argmax(np.abs(np.fft.rfft(tone))) * SPEECH_SAMPLE_RATE / len(tone)
        assert abs(peak - tone_hz(number)) < 20, (number, peak)


def refusal(path):
    """Return the message of a source that cannot be read, which must be one line."""
    try:
        probe(path)
    except SpeakerZoomError as error:
        return shown(str(error), path)
    raise AssertionError(f"{path} was not refused")


def shown(message, path):
    """Return a message without the folder, and without the rest of a command of ffmpeg.

    Which ffmpeg it is depends on the machine.
    """
    assert "\n" not in message
    assert "Traceback" not in message
    message = COMMAND.sub("ffmpeg …", message)
    return message.replace(f"{path.parent}/", "")


EXPORTS = ("talk.fcpxml", "talk.xml", "talk.mlt", "talk.edl")


def cut_and_render(case, folder):
    """Cut a case on the command line, export and render it, and check what is there afterwards."""
    source, work = folder / "source", folder / "work"
    source.mkdir()
    work.mkdir()
    path, facts = made(case, source), case.facts
    before = digests(source)
    cut = command("cut", path, "--work", work, "--scorer", "motion", "-o", work / "talk.otio")
    assert (cut.returncode, cut.stdout) == (0, f"{work / 'talk.otio'}\n"), cut.stderr
    timeline = otio.adapters.read_from_file(str(work / "talk.otio"))
    assert isinstance(timeline, otio.schema.Timeline)
    (video,) = timeline.video_tracks()
    length = video.duration().rescaled_to(float(facts.rate)).value
    assert length == pytest.approx(len(facts.levels), abs=0.01)
    for name in EXPORTS:
        export = command("export", path, "--work", work, "-o", work / name)
        if name.endswith((".xml", ".edl")) and not _is_whole_or_ntsc(facts.rate):
            (line,) = [line for line in export.stderr.splitlines() if line.startswith("error: ")]
            assert f"cannot express {facts.rate} frames per second" in line
            assert (export.returncode, (work / name).exists()) == (1, False)
        else:
            assert (export.returncode, export.stdout) == (0, f"{work / name}\n"), export.stderr
    film = work / "film.mp4"
    render = command("render", path, "--work", work, "--draft", "-o", film)
    assert (render.returncode, render.stdout) == (0, f"{film}\n"), render.stderr
    _check_film(film, facts)
    assert digests(source) == before
    assert not leftovers(work)


def _is_whole_or_ntsc(rate):
    return 1 in (rate.denominator, (rate * Fraction(1001, 1000)).denominator)


def _check_film(film, facts):
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == facts.rate
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        assert len(frames) == len(facts.levels)
        assert bool(container.streams.audio) == bool(facts.sounds)


def digests(folder):
    """Return the content of every file in a folder, by a digest."""
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in Path(folder).iterdir()
        if p.is_file()
    }


def leftovers(folder):
    """Return what no finished run leaves: temporary files."""
    return [p for p in Path(folder).rglob("*") if ".part" in p.name]


def check_whole(table):
    """Check that the page has every case of a table, and states above it how many there are."""
    table.check_cases()
    above = f"{len(table.cases)} cases, 0 failures.\n\n<!-- {table.name} -->"
    assert above in PAGE.read_text("utf-8"), above
