"""Recordings cut off at many places, or damaged in the middle: what is there is right."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from clips import Clip, Sound, level, write_clip
from reading import check_whole, digests, refusal, shown
from tables import Table

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.source import probe, read_audio, read_frames

FRAMES = 100
PCM = (Sound("pcm_s16le"),)
SHORT_GROUPS = {"g": "10"}
CLIPS = {
    "mp4": Clip(options=SHORT_GROUPS),
    "mp4 with its index in front": Clip(
        options=SHORT_GROUPS, muxer={"movflags": "faststart"}),
    "mp4 in fragments": Clip(
        options=SHORT_GROUPS, sounds=(Sound(late=0.05, seconds=3.9),),
        muxer={"movflags": "frag_keyframe+empty_moov"}),
    "mov": Clip(codec="prores_ks", pixels="yuv422p10le", sounds=PCM,
                muxer={"movflags": "faststart"}),
    "mkv": Clip(options=SHORT_GROUPS),
    "webm": Clip(codec="libvpx", options=SHORT_GROUPS, sounds=(Sound("libopus"),)),
    "avi": Clip(codec="mjpeg", pixels="yuvj420p", sounds=PCM),
    "ts": Clip(options=SHORT_GROUPS, sounds=(Sound("mp2"),)),
    "mxf": Clip(codec="mpeg2video", options=SHORT_GROUPS, sounds=PCM),
    "flv": Clip(options=SHORT_GROUPS),
    "wmv": Clip(codec="wmv2", options=SHORT_GROUPS, sounds=PCM, format="asf"),
    "y4m": Clip(codec="wrapped_avframe", sounds=(), format="yuv4mpegpipe"),
}  # fmt: skip
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
MAX_WRONG_END = 1
"""Frames at the end of what is there that may be incomplete: the one that was cut through."""
MAX_LEVEL_ERROR = 5
DAMAGES = ("random bytes", "zeros", "a piece missing", "20 bits")
QUICK = ("mkv",)
TABLE = Table(
    "damaged recordings",
    ("file", f"cut off at {len(SHARES)} places", *(f"damaged: {name}" for name in DAMAGES)),
    list(CLIPS),
)


def damaged(data, kind):
    """Return a file of which the part from 45 % to 50 % is damaged, or single bits."""
    result, size = bytearray(data), len(data)
    middle = slice(size * 45 // 100, size // 2)
    if kind == "random bytes":
        result[middle] = np.random.default_rng(1).bytes(middle.stop - middle.start)
    elif kind == "zeros":
        result[middle] = bytes(middle.stop - middle.start)
    elif kind == "a piece missing":
        del result[middle]
    else:
        chance = np.random.default_rng(2)
        for at in chance.integers(size * 2 // 10, size * 8 // 10, 20):
            result[at] ^= 1 << int(chance.integers(8))
    return bytes(result)


def what_is_read(path) -> Sequence[float] | str:
    """Return the level of each frame, or the one line that refuses the file."""
    try:
        media = probe(path)
    except MediaError:
        return refusal(path)
    try:
        frames = [f[26:, 34:].astype(float).mean() for _, f in read_frames(media, gray=True)]
        assert sum(map(len, read_audio(media))) == -int(-media.duration * 16000 // media.rate)
    except MediaError as error:
        return shown(str(error), path)
    assert len(frames) == media.duration
    return frames


def wrong_frames(levels):
    """Return the numbers of the frames that are not what they were."""
    return [n for n, x in enumerate(levels) if abs(x - level(n)) > MAX_LEVEL_ERROR]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CLIPS]
)
def test_what_is_left_of_a_recording_is_right_or_one_line(name, tmp_path):
    path = tmp_path / f"talk.{name.split()[0]}"
    data = write_clip(path, replace(CLIPS[name], frames=FRAMES)).read_bytes()
    whole, refused = 0, 0
    for share in SHARES:
        path.write_bytes(data[: round(len(data) * share)])
        before = digests(tmp_path)
        levels = what_is_read(path)
        assert digests(tmp_path) == before
        if isinstance(levels, str):
            refused += 1
            continue
        whole += 1
        assert all(n >= len(levels) - MAX_WRONG_END for n in wrong_frames(levels)), share
    cells = [f"{whole} right, {refused} one line"]
    cells += [_after_damage(path, data, kind) for kind in DAMAGES]
    TABLE.check(name, *cells)


def _after_damage(path, data, kind):
    path.write_bytes(damaged(data, kind))
    levels = what_is_read(path)
    if isinstance(levels, str):
        return "one line"
    wrong, gone = wrong_frames(levels), FRAMES - len(levels)
    if not gone and kind == "20 bits":  # each spoils a group of ten frames at most
        assert len(wrong) < FRAMES * 3 // 4
        return "right but for it"
    if not gone:
        assert all(10 <= n < 90 for n in wrong), wrong
        return "right before and after it"
    # without timestamps in the file nobody can tell which frames are missing
    (warning,) = probe(path).warnings
    assert f"{gone} of its {FRAMES} frames are missing" in warning
    assert sum(abs(x - level(n + gone)) <= MAX_LEVEL_ERROR for n, x in enumerate(levels)) > 40
    return f"right before it, and earlier after it; warns: `{shown(warning, path)}`"


def test_the_table_of_damage_is_complete():
    check_whole(TABLE)
