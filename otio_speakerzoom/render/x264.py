"""x264 without its AVX-512 code, so that the same frames give the same bytes.

That code weighs, in the lookahead (`mbtree`), also what it finds in memory behind a picture that is
not a multiple of 128 pixels wide. With fresh memory filled by four different values, x264 165 gave
several films of 16 of 18 pictures, 64 to 560 pixels wide; without AVX-512 one film of each. It
takes 4 % more time then.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from av import logging
from av.video.codeccontext import VideoCodecContext

_CAPABILITIES = "using cpu capabilities: "
"""What x264 says when it starts; the names after it are those of its option `asm`."""


@cache
def x264_options() -> dict[str, str]:
    """Return libav's options that turn AVX-512 off; none where x264 does not use it."""
    features = _cpu_features()
    if "AVX512" not in features:
        return {}
    return {"x264-params": f"asm={','.join(name for name in features if name != 'AVX512')}"}


def _cpu_features() -> list[str]:
    """Return the features of this processor that x264 uses, under x264's names."""
    level = logging.get_level()
    logging.set_level(logging.INFO)
    try:
        with logging.Capture() as messages:  # of this thread
            trial: Any = VideoCodecContext.create("libx264", "w")
            trial.width = trial.height = 64
            trial.pix_fmt, trial.time_base = "yuv420p", Fraction(1, 25)
            trial.open()
    finally:
        logging.set_level(level)
    texts = [text for _, _, text in messages if text.startswith(_CAPABILITIES)]
    return texts[0].removeprefix(_CAPABILITIES).split() if texts else []
