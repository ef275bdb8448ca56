"""Recordings whose pictures are hard: geometry, fields, colours, sizes."""

from fractions import Fraction

import pytest
from clips import Clip, Sound
from reading import Case, case_of, check_whole, cut_and_render, outcome, parameters
from tables import Table

PCM, MP2 = (Sound("pcm_s16le"),), (Sound("mp2"),)
X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
INTERLACED_DCT, INTERLACED_ME = 1 << 18, 1 << 29  # libavcodec/avcodec.h, AV_CODEC_FLAG_*
FULL_RANGE = 2  # AVCOL_RANGE_JPEG


def turned(degrees):
    """Turned clockwise; libav counts the other way round."""
    return lambda stream: stream.set_display_rotation(-degrees)


def matrix(*values):
    return lambda stream: stream.set_display_matrix([*values])


def aspect(ratio):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = ratio

    return prepare


def interlaced(stream):
    stream.codec_context.flags |= INTERLACED_DCT | INTERLACED_ME


def wide_colours(transfer):
    """BT.2020 with a transfer by its number in H.273."""

    def prepare(stream):
        coder = stream.codec_context
        coder.color_primaries, coder.color_trc, coder.colorspace = 9, transfer, 9

    return prepare


def full_range(stream):
    stream.codec_context.color_range = FULL_RANGE


def fields(file, first, codec="libx264", sounds=PCM, **others):
    options = {"x264-params": f"{first[0]}ff=1"} if codec == "libx264" else {}
    clip = Clip(
        codec=codec, sounds=sounds, prepare=interlaced, options=options,
        filters=f"setfield={first[0]}ff", **others,
    )  # fmt: skip
    return case_of(file, clip, fields=first)


def pixels(codec, suffix, *names, **others):
    """A case for each pixel format of a codec."""
    return {
        f"{codec}, {name}": case_of(f"pixels.{suffix}", Clip(codec=codec, pixels=name, **others))
        for name in names
    }


def sized(width, height, codec="libx264", **others):
    odd = width % 2 or height % 2
    clip = Clip(codec=codec, size=(width, height), pixels="yuv444p" if odd else "yuv420p", **others)
    suffix = "mkv" if codec == "ffv1" else "mp4"
    return case_of(f"size.{suffix}", clip, quick=(width, height) in ((1, 1), (17, 33)))


SIZES = ((1, 1), (2, 2), (1, 64), (64, 1), (17, 33), (33, 17), (3, 2000), (2000, 3), (127, 95))

CASES = {
    "turned by 90 degrees": case_of(
        "turned.mp4", Clip(prepare=turned(90)), size=(48, 64), corner="top right", quick=True),
    "turned by 180 degrees": case_of(
        "turned.mp4", Clip(prepare=turned(180)), corner="bottom right"),
    "turned by 270 degrees": case_of(
        "turned.mov", Clip(prepare=turned(270)), size=(48, 64), corner="bottom left"),
    "turned by 90 degrees in .mkv": case_of(
        "turned.mkv", Clip(prepare=turned(90)), size=(48, 64), corner="top right"),
    "turned by 90 degrees, of odd size": case_of(
        "turned.mp4", Clip(size=(33, 17), pixels="yuv444p", prepare=turned(90)), size=(17, 33),
        corner="top right"),
    "turned by 45 degrees": Case("turned.mp4", Clip(prepare=turned(45)), None),
    "mirrored": Case(
        "mirrored.mp4", Clip(prepare=matrix(-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)), None, True),
    "turned and mirrored": Case(
        "mirrored.mp4", Clip(prepare=matrix(0, 65536, 0, 65536, 0, 0, 0, 0, 1 << 30)), None),
    "a display matrix of zeros": case_of(
        "zero.mp4", Clip(prepare=matrix(*[0] * 9)), quick=True),
    "a display matrix that scales by two": case_of(
        "scaled.mp4", Clip(prepare=matrix(131072, 0, 0, 0, 131072, 0, 0, 0, 1 << 30))),
    "pixels of 4:3": Case("oblong.mp4", Clip(prepare=aspect(Fraction(4, 3))), None),
    "pixels of 2:1 in .mkv": Case("oblong.mkv", Clip(prepare=aspect(Fraction(2))), None),
    "pixels of 1279:1280, which round to square": case_of(
        "almost.mp4", Clip(prepare=aspect(Fraction(1279, 1280)))),
    "DV, whose pixels are never square": Case(
        "dv.avi", Clip(codec="dvvideo", size=(720, 576), sounds=PCM), None),
    "interlaced, top field first, H.264": fields("fields.mov", "top"),
    "interlaced, bottom field first, H.264": fields("fields.mov", "bottom"),
    "interlaced, top field first, MPEG-2 in .mxf": fields("fields.mxf", "top", "mpeg2video"),
    "interlaced, bottom field first, MPEG-2 in .ts": fields(
        "fields.ts", "bottom", "mpeg2video", MP2),
    "interlaced, top field first, ProRes": fields(
        "fields.mov", "top", "prores_ks", pixels="yuv422p10le"),
    "HLG, HEVC of 10 bits": case_of(
        "hlg.mp4", Clip(codec="libx265", pixels="yuv420p10le", options=X265,
                        prepare=wide_colours(18)), transfer="hlg"),
    "PQ, HEVC of 10 bits": case_of(
        "pq.mkv", Clip(codec="libx265", pixels="yuv420p10le", options=X265,
                       prepare=wide_colours(16)), transfer="pq"),
    **pixels("libx264", "mp4", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le",
             "nv12", "yuvj420p", sounds=(Sound(),)),
    **pixels("libx264", "mkv", "gray", "gray10le", prepare=full_range),
    **pixels("libx265", "mp4", "yuv420p12le", "yuv422p12le", "yuv444p12le", "gray12le", "gbrp",
             "gbrp12le", options=X265),
    **pixels("libvpx-vp9", "webm", "yuv440p", "yuva420p", "gbrp", sounds=(Sound("libopus"),)),
    **pixels("ffv1", "mkv", "yuv410p", "yuv411p", "yuv420p16le", "yuva444p10le", "gray", "gray16le",
             "ya8", "bgra", "rgb48le", "gbrap16le"),
    **pixels("png", "mov", "rgb24", "rgba", "rgb48be", "pal8", "gray"),
    **pixels("qtrle", "mov", "argb", "rgb555be", sounds=PCM),
    **pixels("rawvideo", "avi", "yuv420p", "uyvy422", "bgr24", "rgb555le", "gray", sounds=PCM),
    **pixels("v210", "mov", "yuv422p10le", sounds=PCM),
    **{f"{width} x {height} pixels": sized(width, height) for width, height in SIZES},
    "1 x 1 pixel, lossless": sized(1, 1, "ffv1"),
    "4096 x 2160 pixels": sized(4096, 2160, frames=3, sounds=()),
    "7680 x 4320 pixels of 10 bits": case_of(
        "large.mp4", Clip(pixels="yuv420p10le", size=(7680, 4320), frames=2, sounds=())),
}  # fmt: skip
TABLE = Table("hard pictures", ("recording", "outcome"), list(CASES))
WHOLE = [
    "turned by 90 degrees, of odd size", "turned by 270 degrees", "a display matrix of zeros",
    "interlaced, bottom field first, MPEG-2 in .ts", "PQ, HEVC of 10 bits",
    "libx265, yuv422p12le", "ffv1, rgb48le", "qtrle, argb", "1 x 1 pixels", "17 x 33 pixels",
    "3 x 2000 pixels", "2000 x 3 pixels", "7680 x 4320 pixels of 10 bits",
]  # fmt: skip
"""Those that are also cut and rendered: one of each kind."""


@pytest.mark.parametrize("name", parameters(CASES))
def test_a_hard_picture_is_right_or_one_line(name, tmp_path):
    TABLE.check(name, outcome(CASES[name], tmp_path))


def test_the_table_of_hard_pictures_is_complete():
    check_whole(TABLE)


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_hard_picture_is_cut_exported_and_rendered(name, tmp_path):
    cut_and_render(CASES[name], tmp_path)
