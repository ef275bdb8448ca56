"""Recordings whose audio is hard: codecs, rates, layouts, many streams."""

import pytest
from clips import Clip, Sound
from reading import case_of, check_whole, cut_and_render, outcome, parameters
from tables import Table

RATES = (8000, 11025, 12000, 16000, 22050, 32000, 44100, 88200, 96000, 192000)
LAYOUTS = (
    "stereo", "2.1", "quad", "5.0", "5.1", "6.1", "7.1", "7.1.4", "8 channels", "16 channels",
    "32 channels", "64 channels",
)  # fmt: skip
PCM = Sound("pcm_s16le")


def with_sounds(file, *sounds, quick=False, **others):
    return case_of(file, Clip(sounds=sounds, **others), quick=quick)


CASES = {
    "no audio": with_sounds("none.mp4", quick=True),
    **{
        f"{codec} in .{suffix}": with_sounds(
            f"codec.{suffix}", Sound(codec), quick=codec == "pcm_u8"
        )
        for suffix, codecs in (
            ("mov", ("pcm_u8", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le",
                     "pcm_alaw", "pcm_mulaw", "alac", "ac3", "eac3")),
            ("mkv", ("pcm_s24le", "pcm_f32le", "flac", "alac", "ac3", "mp2", "libmp3lame",
                     "libopus", "wavpack", "tta")),
            ("mp4", ("flac", "libopus", "libmp3lame")),
        )
        for codec in codecs
    },
    **{f"{rate} Hz, PCM": with_sounds("rate.mov", Sound("pcm_s24le", rate)) for rate in RATES},
    **{f"{rate} Hz, AAC": with_sounds("rate.mp4", Sound("aac", rate)) for rate in RATES[:-1]},
    **{
        f"{layout}, PCM in .{suffix}": with_sounds(
            f"layout.{suffix}", Sound("pcm_s16le", layout=layout),
            quick=(layout, suffix) == ("16 channels", "mov"),
        )
        for layout in LAYOUTS for suffix in ("mov", "mkv")
    },
    **{
        f"{layout}, {codec}": with_sounds(f"layout.{suffix}", Sound(codec, layout=layout))
        for codec, suffix in (("aac", "mp4"), ("flac", "mkv"), ("libopus", "mkv"), ("ac3", "ts"))
        for layout in ("stereo", "5.1", "7.1") if (codec, layout) != ("ac3", "7.1")
    },
    **{
        f"{count} streams in .{suffix}": with_sounds(
            f"many.{suffix}", *[PCM] * count, codec=codec, quick=(count, suffix) == (16, "mov")
        )
        for suffix, codec in (("mov", "libx264"), ("mkv", "libx264"), ("mxf", "mpeg2video"))
        for count in (2, 8, 16, 32)
    },
    "five streams of other rates, layouts and codecs": with_sounds(
        "mixed.mkv", Sound("aac"), Sound("pcm_s24le", 96000, "stereo"), Sound("libopus"),
        Sound("flac", 44100, "5.1"), Sound("ac3", 32000),
    ),
}  # fmt: skip
TABLE = Table("hard audio", ("recording", "outcome"), list(CASES))
WHOLE = [
    "no audio", "pcm_u8 in .mov", "pcm_f64le in .mov", "libopus in .mkv", "8000 Hz, PCM",
    "192000 Hz, PCM", "5.1, PCM in .mov", "64 channels, PCM in .mkv", "7.1, aac",
    "32 streams in .mov", "16 streams in .mxf", "five streams of other rates, layouts and codecs",
]  # fmt: skip
"""Those that are also cut and rendered: one of each kind."""


@pytest.mark.parametrize("name", parameters(CASES))
def test_hard_audio_is_right_or_one_line(name, tmp_path):
    TABLE.check(name, outcome(CASES[name], tmp_path))


def test_the_table_of_hard_audio_is_complete():
    check_whole(TABLE)


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_hard_audio_is_cut_exported_and_rendered(name, tmp_path):
    cut_and_render(CASES[name], tmp_path)
