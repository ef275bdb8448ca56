import os
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.source import probe, read_audio, read_frames
from otio_speakerzoom.source.grid import fit_grid
from otio_speakerzoom.speech.ticks import frames_at_ticks
from otio_speakerzoom.timecode import timecode_to_frame


def test_facts_of_an_ntsc_file_are_exact(ntsc_clip):
    media = probe(ntsc_clip)

    assert media.rate == Fraction(30000, 1001)
    assert (media.duration, media.size, media.rotation) == (60, (320, 180), 0)
    assert media.first_audio is not None
    assert media.first_audio.rate == 48000
    assert not media.variable_rate


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30", "50", "60000/1001", "15"])
def test_every_rate_is_read_exactly_and_every_frame_is_there(make_clip, rate):
    media = probe(make_clip(f"rate{rate.replace('/', '_')}.mkv", rate=rate, seconds=1))

    assert media.rate == Fraction(rate)
    assert [frame for frame, _ in read_frames(media)] == list(range(media.duration))
    assert media.duration == round(Fraction(rate))


def test_a_title_that_is_not_utf_8_does_not_matter(make_clip):
    title = os.fsdecode(b"title=caf\xe9")
    path = make_clip("old.avi", seconds=1, extra=("-metadata", title, "-metadata:s:v:0", title))
    assert b"caf\xe9" in path.read_bytes()

    media = probe(path)
    assert len(list(read_frames(media))) == media.duration


def test_start_timecode_is_counted_in_frames_without_dropped_labels(timecode_clip):
    media = probe(timecode_clip)

    assert media.drop_frame
    assert media.start == 107892  # 3600 * 30 - 2 * (60 - 6)


@pytest.mark.parametrize(
    ("label", "rate", "drop", "frame"),
    [
        ((0, 1, 0, 2), Fraction(30000, 1001), True, 1800),
        ((0, 0, 59, 29), Fraction(30000, 1001), True, 1799),
        ((0, 10, 0, 0), Fraction(30000, 1001), True, 17982),
        ((0, 1, 0, 4), Fraction(60000, 1001), True, 3600),
        ((1, 0, 0, 0), Fraction(25), False, 90000),
        ((0, 1, 0, 0), Fraction(24000, 1001), False, 1440),
    ],
)
def test_timecode_labels(label, rate, drop, frame):
    assert timecode_to_frame(*label, rate, drop=drop) == frame


def test_a_rotated_video_is_read_upright(rotated_clip, make_clip):
    media, lying = probe(rotated_clip), probe(make_clip("lying.mp4"))
    _, upright = next(read_frames(media))
    _, stored = next(read_frames(lying))

    assert (media.size, media.rotation) == ((180, 320), 90)
    assert upright.shape == (320, 180, 3)
    assert np.abs(upright - np.rot90(stored, -1).astype(int)).mean() < 2


THREE_HOURS = 3 * 3600


@pytest.mark.parametrize("nominal", ["30000/1001", "30", "60000/1001"])
@pytest.mark.parametrize("share", [0.97, 0.6])
def test_uneven_timestamps_keep_their_time_for_three_hours(nominal, share):
    """A phone's: each stamp a little off, some pictures left out, in ticks of 1/90000 s."""
    rng = np.random.default_rng(1)
    rate = Fraction(nominal)
    numbers = np.flatnonzero(rng.random(int(THREE_HOURS * rate)) < share)
    exact = numbers * 90000 * rate.denominator // rate.numerator
    ticks = np.sort(exact + rng.integers(-900, 900, len(exact)))

    result = fit_grid(ticks, Fraction(1, 90000), rate, rate)
    on_rate, duration, variable = result.rate, result.duration, result.variable

    span = Fraction(int(ticks[-1] - ticks[0]), 90000)
    assert variable
    assert abs(duration / on_rate - span) <= Fraction(3, 2) / on_rate
    frames = frames_at_ticks(duration, on_rate)
    for tick in (len(frames) // 3, len(frames) - 2):  # a tick lies where the clock says
        assert (
            abs(Fraction(tick, 25) - int(frames[tick]) / on_rate) <= Fraction(1, 50) + 1 / on_rate
        )


def test_a_variable_rate_is_read_onto_its_nominal_grid(vfr_clip):
    media = probe(vfr_clip)
    frames = list(read_frames(media, size=(64, 36)))

    assert media.variable_rate
    assert media.rate == 30
    assert len(frames) == media.duration in (59, 60)


def test_audio_and_video_are_in_sync_if_the_video_starts_late(late_video_clip):
    media = probe(late_video_clip)

    assert media.video_offset == Fraction(1, 2)
    assert media.first_audio is not None
    assert media.first_audio.delay == pytest.approx(-0.5, abs=0.03)
    assert sum(map(len, read_audio(media))) == media.duration * 640
    # the tone began half a second before the picture and ends half a second before it
    level = [
        np.abs(block.astype(int)).mean()
        for block in np.split(np.concatenate([*read_audio(media)]), 4)
    ]
    assert min(level[:3]) > 1000
    assert level[3] < 10


def test_the_first_frame_of_a_late_video_is_frame_0(late_video_clip, make_clip):
    late, punctual = (probe(clip) for clip in (late_video_clip, make_clip("punctual.mp4")))
    pairs = zip(read_frames(late, gray=True), read_frames(punctual, gray=True), strict=True)

    assert all(np.array_equal(a, b) for (_, a), (_, b) in pairs)


def test_a_range_is_exactly_its_frames(numbered_clip):
    media = probe(numbered_clip("numbered.mp4"))
    frames = list(read_frames(media, gray=True, within=FrameRange(37, 52)))

    assert [frame for frame, _ in frames] == list(range(37, 52))
    # luma 16..235 becomes gray 0..255
    levels = [frame.mean() for _, frame in frames]
    assert levels == pytest.approx([2 * n * 255 / 219 for n in range(37, 52)], abs=1)


def test_only_needed_frames_are_converted(ntsc_clip):
    media, within = probe(ntsc_clip), FrameRange(10, 30)
    every = dict(read_frames(media, gray=True, within=within))

    def is_needed(number):
        return number % 4 == 3

    some = dict(read_frames(media, gray=True, within=within, is_needed=is_needed))

    assert list(some) == list(every)
    assert some[10].size == 0
    for number in filter(is_needed, every):
        assert (some[number] == every[number]).all()
    assert some[14] is some[13] is some[11]


def test_audio_of_a_range_begins_with_it(make_clip):
    media = probe(make_clip("beep.mp4"))
    whole = np.concatenate([*read_audio(media)])
    part = np.concatenate([*read_audio(media, within=FrameRange(10, 20))])

    assert np.array_equal(part, whole[10 * 640 : 20 * 640])


def test_a_file_without_audio_yields_silence(silent_clip):
    media = probe(silent_clip)

    assert media.first_audio is None
    assert not np.concatenate([*read_audio(media)]).any()


def longer(media, frames):
    """The facts of a file that was longer when it was probed, or whose end cannot be decoded."""
    return replace(media, duration=media.duration + frames)


def test_video_that_ends_before_the_grid_is_an_error_that_names_the_frame(make_clip):
    media = longer(probe(make_clip("short.mp4")), 3)
    stream, numbers = read_frames(media, size=(64, 36)), []

    with pytest.raises(MediaError, match=r"short\.mp4.* ends at frame 50 of 53.*--out 50f"):
        numbers.extend(frame for frame, _ in stream)
    assert numbers == list(range(49))  # no frame is invented
    assert len(list(read_frames(media, size=(64, 36), within=FrameRange(0, 50)))) == 50


def test_the_last_frame_may_be_missing(make_clip):
    media = longer(probe(make_clip("short.mp4")), 1)
    frames = [frame for _, frame in read_frames(media, size=(64, 36))]

    assert len(frames) == 51
    assert np.array_equal(frames[-1], frames[-2])


def test_stopping_early_ends_the_decoder(make_clip):
    stream = read_frames(probe(make_clip("early.mp4")))
    next(stream)
    stream.close()

    assert not any(thread.name == "decode" for thread in threading.enumerate())


def wrong(tmp_path, sound_only, name):
    path = tmp_path / name
    if name == "text.mp4":
        path.write_text("dear diary")
    elif name == "empty.mp4":
        path.touch()
    elif name == "voice.m4a":
        return sound_only
    return path


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("missing.mp4", "no such file"),
        ("text.mp4", "not a video"),
        ("empty.mp4", "is empty"),
        ("voice.m4a", "has no video"),
    ],
)
def test_anything_but_a_video_is_refused_in_one_line(tmp_path, sound_only, name, fault):
    path = wrong(tmp_path, sound_only, name)

    with pytest.raises(MediaError, match=fault) as caught:
        probe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cover_art_is_no_video(sound_only, make_clip, tmp_path):
    song, clip = tmp_path / "song.m4a", str(make_clip("cover.mp4"))
    ffmpeg("-i", str(sound_only), "-i", clip, "-map", "0:a", "-map", "1:v", "-frames:v", "1",
           "-c:v", "mjpeg", "-disposition:v", "attached_pic", str(song))  # fmt: skip

    with pytest.raises(MediaError, match="has no video"):
        probe(song)


def test_pixels_that_are_not_square_are_refused_with_the_remedy(make_clip):
    with pytest.raises(MediaError, match="setsar=1"):
        probe(make_clip("anamorphic.mp4", extra=("-vf", "setsar=64/45")))
