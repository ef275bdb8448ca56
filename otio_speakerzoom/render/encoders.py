"""The video encoders of a film: their settings, and whether this machine has them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from otio_speakerzoom.errors import ToolError

log = logging.getLogger(__name__)

AUTO = "auto"
TRIAL_SIZE = (640, 360)
"""Of a film that every encoder can write."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder of libav."""

    codec: str
    """libav's name."""
    options: Mapping[str, str]
    """libav's options; {crf} stands for the quality of the film on x264's scale."""
    draft: Mapping[str, str] = field(default_factory=dict)
    """Options that replace some of these where speed matters more than quality and size."""
    pixels: str = "yuv420p"
    """Pixel format that it reads."""

    def settings(self, crf: int, *, draft: bool) -> dict[str, str]:
        """Return its options for films of this quality."""
        options = {**self.options, **(self.draft if draft else {})}
        return {name: value.format(crf=crf) for name, value in options.items()}


ENCODERS = {
    "x264": Encoder(
        "libx264", {"crf": "{crf}", "preset": "veryfast"}, {"crf": "26", "preset": "ultrafast"}
    ),
    "nvenc": Encoder(
        "h264_nvenc", {"rc": "vbr", "cq": "{crf}", "b": "0", "preset": "p4"}, {"preset": "p1"}
    ),
    # its own scale is 1 to 100; 118 is libav's unit of qscale
    "videotoolbox": Encoder(
        "h264_videotoolbox", {"flags": "+qscale", "global_quality": str(65 * 118)},
        {"global_quality": str(45 * 118)},
    ),
    "qsv": Encoder(
        "h264_qsv", {"global_quality": "{crf}", "preset": "veryfast"}, pixels="nv12"
    ),
    "vaapi": Encoder("h264_vaapi", {"rc_mode": "CQP", "qp": "{crf}"}, pixels="nv12"),
}  # fmt: skip
"""By their names on the command line."""
GET_X264 = "PyAV's own wheel has it: pip install --force-reinstall --only-binary av av"
MPEG4 = Encoder("mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118)})


def choose_encoder(name: str = AUTO) -> Encoder:
    """Return the encoder of that name; `auto` is x264, or MPEG-4 with a warning without it."""
    if name != AUTO:
        return ENCODERS[name]
    if ENCODERS["x264"].codec in av.codecs_available:
        return ENCODERS["x264"]
    log.warning(
        "the installed PyAV has no libx264, so the film is encoded as mpeg4, which is larger and "
        "softer; %s", GET_X264,
    )  # fmt: skip
    return MPEG4


def check_encoder(name: str) -> None:
    """Raise ToolError where this libav lacks the encoder, or this machine its hardware."""
    if name == AUTO:
        return
    encoder = ENCODERS[name]
    if encoder.codec not in av.codecs_available:
        raise ToolError(
            f"--encoder {name}: the installed PyAV has no {encoder.codec}; choose --encoder auto"
            + (f", or another PyAV: {GET_X264}" if name == "x264" else "")
        )
    trial: Any = VideoCodecContext.create(encoder.codec, "w")
    trial.width, trial.height = TRIAL_SIZE
    trial.pix_fmt, trial.time_base, trial.framerate = encoder.pixels, Fraction(1, 25), Fraction(25)
    trial.options = encoder.settings(18, draft=False)
    try:
        trial.open()
    except FFmpegError as error:
        raise ToolError(
            f"--encoder {name}: {encoder.codec} does not work on this machine "
            f"({error.strerror}); choose --encoder auto"
        ) from error
