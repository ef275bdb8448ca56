"""A part's sound is decoded from shortly before it, where the samples are proven to be the same."""

import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.model import FrameRange, Microphone
from otio_speakerzoom.source import audio, audio_decode, exact_seek, probe, read_microphones

GAP = r"asetpts=PTS+gt(N\,150)*0.5/TB"
SOUGHT = {
    "pcm.mov": ("-c:a", "pcm_s16le", "-ar", "44100"),
    "deep.mov": ("-c:a", "pcm_s24le", "-ar", "48000"),
    "late.mov": ("-c:a", "alac", "-ar", "44100"),
    "flac.mp4": ("-c:a", "flac", "-ar", "48000", "-strict", "-2"),
    "mp3.mp4": ("-c:a", "libmp3lame", "-ar", "44100", "-b:a", "32k"),
    "parts.mp4": ("-c:a", "libmp3lame", "-movflags", "frag_keyframe+empty_moov"),
    "early.mov": ("-c:a", "alac"),
    "low.mp4": ("-c:a", "libmp3lame", "-ar", "22050", "-b:a", "8k"),
}
WHOLE = {
    "aac.mp4": ("-c:a", "aac"),  # noise from a generator
    "opus.mp4": ("-c:a", "libopus", "-ar", "48000", "-strict", "-2"),  # a prediction that fades
    "flac.mkv": ("-c:a", "flac"),  # no index
    "pcm.avi": ("-c:a", "pcm_s16le"),
    "mp3.ts": ("-c:a", "libmp3lame"),
    "gap.mov": ("-c:a", "alac", "-af", GAP),
}


@pytest.fixture
def recording(tmp_path):
    """Return a function that makes a recording of nine seconds with two streams of sound."""

    def make(name, options):
        path = tmp_path / name
        late = {"late.mov": "0.73", "early.mov": "-0.3"}.get(name, "0")
        tone = "aevalsrc=0.4*sin(2*PI*(200+40*t)*t)+0.1*random(0)|0.3*sin(2*PI*500*t):s=48000:d=9"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30000/1001:d=9", "-itsoffset", late,
               "-f", "lavfi", "-i", tone, "-map", "0", "-map", "1", "-map", "1", "-c:v",
               "mpeg4", *options, str(path))  # fmt: skip
        return probe(path)

    return make


@pytest.fixture
def packets(monkeypatch):
    """The packets that are decoded, by a list that grows."""
    decoded, decode = [], audio_decode._StreamDecoder.decode
    monkeypatch.setattr(
        audio_decode._StreamDecoder, "decode",
        lambda self, packet: decoded.append(packet) or decode(self, packet),
    )  # fmt: skip
    monkeypatch.setattr(exact_seek, "MIN_SEEK_S", 2)
    return decoded


MICROPHONES = (Microphone(0), Microphone(1, 0), Microphone(1, 1))


def samples(media, within):
    blocks = [[] for _ in MICROPHONES]
    for number, block in read_microphones(media, MICROPHONES, within=within):
        blocks[number].append(block)
    return [np.concatenate(row) for row in blocks]


def compare(media, packets, monkeypatch):
    """Check the samples of parts against those without a seek; return the share of packets."""
    shares = []
    for start in (150, 187, 239):
        within = FrameRange(start, start + 20)
        packets.clear()
        part = samples(media, within)
        count = len(packets)
        with monkeypatch.context() as patch:
            patch.setattr(audio, "exact_starts", lambda *_: {})
            packets.clear()
            whole = samples(media, within)
        assert [len(row) for row in part] == [len(row) for row in whole]
        assert all(np.array_equal(a, b) for a, b in zip(part, whole, strict=True)), start
        assert all(np.abs(row).max() > 1000 for row in whole)
        shares.append(count / len(packets))
    return shares


@pytest.mark.parametrize("name", SOUGHT)
def test_a_part_is_decoded_from_shortly_before_it(name, recording, packets, monkeypatch):
    shares = compare(recording(name, SOUGHT[name]), packets, monkeypatch)

    assert max(shares) < 0.9, shares
    assert shares[-1] < 0.5, shares


@pytest.mark.parametrize("name", WHOLE)
def test_a_part_is_decoded_from_the_start_where_a_seek_proves_nothing(
    name, recording, packets, monkeypatch
):
    assert compare(recording(name, WHOLE[name]), packets, monkeypatch) == [1, 1, 1]


def test_a_seek_that_arrives_elsewhere_is_not_used(recording, packets, monkeypatch):
    media = recording("late.mov", SOUGHT["late.mov"])
    go = exact_seek.seek

    def go_too_far(container, media, starts):
        go(container, media, {
            index: exact_seek.ExactStart(place.seek + 20000, place.first)
            for index, place in starts.items()
        })  # fmt: skip

    monkeypatch.setattr(exact_seek, "seek", go_too_far)
    assert compare(media, packets, monkeypatch) == [1, 1, 1]
