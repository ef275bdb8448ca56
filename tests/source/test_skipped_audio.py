"""Audio before a range is not resampled, and the samples in the range are the same."""

from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.source import audio_stream, probe, read_audio
from otio_speakerzoom.source.audio_decode import AudioClock, DecodedAudio
from otio_speakerzoom.source.audio_stream import AlignedStream, JumpDetector
from otio_speakerzoom.source.skipped_audio import SkippedAudio


class NothingSkipped(SkippedAudio):
    """As if everything were resampled."""

    def skip(self, frame, begin):
        return False


class Counted(SkippedAudio):
    """Counts the samples that are skipped."""

    total = 0

    def skip(self, frame, begin):
        is_skipped = super().skip(frame, begin)
        Counted.total += frame.samples if is_skipped else 0
        return is_skipped


def frame_of(rng, count, rate, kind, layout):
    """A frame of noise."""
    channels = len(av.AudioLayout(layout).channels)
    dtype = {"s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64,
             "u8": np.uint8}[kind.removesuffix("p")]  # fmt: skip
    noise = rng.uniform(-0.3, 0.3, (channels, count))
    if np.issubdtype(dtype, np.integer):
        span = np.iinfo(dtype)
        noise = span.min + (noise + 1) / 2 * (int(span.max) - int(span.min))
    array = noise.astype(dtype)
    packed = array if kind.endswith("p") else array.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), kind, layout)
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    return frame


def pieces_of(parts, *, seed=1):
    """Pieces of audio that follow each other; a part is seconds, rate, format, layout, size."""
    rng, time, pieces = np.random.default_rng(seed), Fraction(0), []
    for seconds, rate, kind, layout, size in parts:
        clock, end = AudioClock(Fraction(1, 14_112_000), Fraction(0)), time + seconds
        while time < end:
            count = int(rng.integers(1, size)) if seed > 1 else size
            frame = frame_of(rng, count, rate, kind, layout)
            pts = round(time / clock.time_base)
            pieces.append(DecodedAudio(frame, count, rate, pts, clock, has_layout=True))
            time += Fraction(count, rate)
    return pieces


def aligned(pieces, start, stream_rate=16_000, layout="mono"):
    jumps = JumpDetector()
    stream = AlignedStream(Fraction(start), stream_rate, layout, is_mix=True)
    out = [s for piece in pieces for s in stream.push(jumps.push(piece))]
    out += [*stream.push(jumps.finish()), *stream.finish()]
    return out


def compare(pieces, start, monkeypatch, **options):
    """Check that skipping changes no sample; return how many are skipped."""
    monkeypatch.setattr(audio_stream, "SkippedAudio", NothingSkipped)
    expected = np.concatenate(aligned(pieces, start, **options), axis=1)
    monkeypatch.setattr(audio_stream, "SkippedAudio", Counted)
    Counted.total = 0
    result = np.concatenate(aligned(pieces, start, **options), axis=1)
    assert result.shape == expected.shape
    assert np.array_equal(result, expected)
    return Counted.total


@pytest.mark.parametrize(
    ("rate", "kind", "layout"),
    [(48000, "fltp", "stereo"), (44100, "fltp", "mono"), (44100, "s16", "stereo"),
     (22050, "s16p", "5.1"), (11025, "u8", "mono"), (8000, "s16", "mono"),
     (16000, "s32", "stereo"),
     (96000, "s32", "7.1"), (44056, "dbl", "stereo"), (44099, "dblp", "mono"),
     (192000, "flt", "mono"), (44100, "s16", "3 channels")],
)  # fmt: skip
@pytest.mark.parametrize("seed", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_what_is_skipped_changes_no_sample(rate, kind, layout, seed, monkeypatch):
    """With frames of one size, and of any size."""
    pieces = pieces_of([(7, rate, kind, layout, rate // 40)], seed=seed)

    for start in (Fraction(1), Fraction(4671, 1000), Fraction(6)):
        skipped = compare(pieces, start, monkeypatch)
        assert (skipped > 0) == (start > 4), (start, skipped)
        assert skipped / rate < start
    assert compare(pieces, 6, monkeypatch, stream_rate=48_000, layout="stereo") > rate


def test_audio_that_changes_before_the_range_keeps_its_place(monkeypatch):
    """The rest of a resampler that never was is counted, as the next one follows it."""
    parts = [
        (Fraction(1, 7), 44100, "fltp", "stereo", 1024),
        (2, 44100, "fltp", "mono", 1152),
        (Fraction(13, 10), 48000, "fltp", "mono", 1024),
        (3, 22050, "s16", "stereo", 700),
        (6, 44100, "fltp", "stereo", 1024),
    ]
    pieces = pieces_of(parts)

    for start in (2, 5, Fraction(67, 10), 9, 11):
        assert compare(pieces, start, monkeypatch) > 0 or start == 2


def test_a_gap_before_the_range_keeps_its_place(monkeypatch):
    pieces = pieces_of([(10, 44100, "fltp", "stereo", 1024)])
    del pieces[40:130], pieces[150:155]

    for start in (1, 4, Fraction(81, 10), 9):
        compare(pieces, start, monkeypatch)
    assert compare(pieces, 9, monkeypatch) > 44100 * 4


def test_what_cannot_be_cut_is_resampled_from_its_beginning(monkeypatch):
    pieces = pieces_of([(6, 44100, "flt", "hexadecagonal", 1024)])

    assert compare(pieces, 5, monkeypatch) == 0


CODECS = {
    "aac.mp4": ("aac", "44100"), "mp3.mp4": ("libmp3lame", "44100"), "alac.mov": ("alac", "48000"),
    "pcm.mov": ("pcm_s24le", "48000"), "opus.mkv": ("libopus", "48000"),
    "vorbis.mkv": ("libvorbis", "44100"), "flac.mkv": ("flac", "96000"), "ac3.ts": ("ac3", "48000"),
    "mp2.mpg": ("mp2", "44100"), "adpcm.avi": ("adpcm_ms", "22050"),
    "pcm.mxf": ("pcm_s16le", "48000"),
}  # fmt: skip


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(
    "late", ["0.7", *(pytest.param(late, marks=pytest.mark.slow) for late in ("0", "-0.7"))]
)
def test_the_sound_of_a_part_is_that_of_the_whole_decoded(name, late, tmp_path, monkeypatch):
    """With sound that begins late or early, and priming."""
    codec, rate = CODECS[name]
    path = tmp_path / name
    tone = f"aevalsrc=0.4*sin(2*PI*(200+40*t)*t)+0.1*random(0)|0.3*sin(2*PI*500*t):s={rate}:d=8"
    video = ("-c:v", "mpeg2video", "-q:v", "5")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=8", "-itsoffset", late, "-f", "lavfi",
           "-i", tone, *video, "-c:a", codec, str(path))  # fmt: skip
    media = probe(path)
    for start in (90, 151):
        within = FrameRange(start, start + 25)
        monkeypatch.setattr(audio_stream, "SkippedAudio", NothingSkipped)
        expected = np.concatenate(list(read_audio(media, within=within)))
        monkeypatch.setattr(audio_stream, "SkippedAudio", Counted)
        Counted.total = 0
        assert np.array_equal(np.concatenate(list(read_audio(media, within=within))), expected)
        assert np.abs(expected).max() > 1000
        assert Counted.total > int(rate) * (start / 25 - 3.7)
