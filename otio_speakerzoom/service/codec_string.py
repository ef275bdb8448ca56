"""The codecs of a file as browsers name them, for `canPlayType` (RFC 6381)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from av.error import FFmpegError

from otio_speakerzoom.model import Media
from otio_speakerzoom.source import open_input

CONTAINERS = {"mov": "video/mp4", "matroska": "video/x-matroska", "webm": "video/webm"}
"""Beginning of libav's name of a container -> its media type. QuickTime files are MP4 to browsers,
which look at the content."""
AUDIO_CODECS = {
    "mp3": "mp4a.6B", "opus": "opus", "vorbis": "vorbis", "flac": "flac", "alac": "alac",
    "ac3": "ac-3", "eac3": "ec-3",
}  # fmt: skip
"""libav's name of a codec -> its name in a codec string."""
SPS = 7
"""Type of the unit of H.264 that begins with profile, constraints and level."""


def codec_string(media: Media) -> str | None:
    """Return the media type with the exact codecs of a source; None where there is no such name.

    Then only trying shows whether a browser plays it: none plays ProRes and DNxHD, Chromium plays
    PCM audio in a .mov.
    """
    try:
        with open_input(media.path) as container:
            kind = _container_type(container.format.name, media.path)
            codecs = [_video_codec(container.streams[media.video_stream])]
            if media.first_audio is not None:
                codecs.append(_audio_codec(container.streams[media.first_audio.index]))
    except (FFmpegError, IndexError):  # gone or replaced: playing it will report that
        return None
    if kind is None or None in codecs:
        return None
    return f'{kind}; codecs="{", ".join(filter(None, codecs))}"'


def _container_type(names: str, path: Path) -> str | None:
    """Return the media type of a container; libav has one format for Matroska and WebM."""
    if path.suffix.lower() == ".webm":
        return CONTAINERS["webm"]
    return next((kind for name, kind in CONTAINERS.items() if names.startswith(name)), None)


def _video_codec(stream: Any) -> str | None:
    codec, extra = stream.codec_context.name, bytes(stream.codec_context.extradata or b"")
    if codec == "h264":
        return _avc(extra)
    if codec == "hevc":
        return _hevc(extra)
    if codec in ("vp9", "libvpx-vp9", "vp8", "libvpx"):
        return _vp9(stream) if "9" in codec else "vp8"
    if codec in ("av1", "libdav1d", "libaom-av1"):
        return _av1(extra)
    return None


def _avc(extra: bytes) -> str | None:
    """Return avc1.PPCCLL: profile, constraints and level, from avcC or from the SPS itself."""
    if extra[:1] == b"\x01" and len(extra) >= 4:
        return f"avc1.{extra[1:4].hex().upper()}"
    start = extra.find(b"\x00\x00\x01")
    while 0 <= start < len(extra) - 7:
        if extra[start + 3] & 0x1F == SPS:
            return f"avc1.{extra[start + 4 : start + 7].hex().upper()}"
        start = extra.find(b"\x00\x00\x01", start + 3)
    return None


def _hevc(extra: bytes) -> str | None:
    """Return hvc1.P.CCCC.TLL.B..., from hvcC (ISO/IEC 14496-15, annex E)."""
    if len(extra) < 13 or extra[0] != 1:
        return None
    space, tier, profile = extra[1] >> 6, extra[1] >> 5 & 1, extra[1] & 0x1F
    flags = int.from_bytes(extra[2:6], "big")
    reversed_flags = int(f"{flags:032b}"[::-1], 2)
    constraints = extra[6:12].rstrip(b"\x00")
    parts = [f"{('', 'A', 'B', 'C')[space]}{profile}", f"{reversed_flags:X}",
             f"{'LH'[tier]}{extra[12]}", *(f"{byte:X}" for byte in constraints)]  # fmt: skip
    return "hvc1." + ".".join(parts)


def _vp9(stream: Any) -> str:
    """Return vp09.PP.LL.DD; level 4.1, which plays 1080p, where the file does not tell it."""
    bits = max((item.bits for item in _components(stream)), default=8)
    profile = 0 if bits == 8 else 2
    return f"vp09.{profile:02}.41.{bits:02}"


def _av1(extra: bytes) -> str | None:
    """Return av01.P.LLT.DD, from av1C."""
    if len(extra) < 4 or extra[0] != 0x81:
        return None
    profile, level, flags = extra[1] >> 5, extra[1] & 0x1F, extra[2]
    deep, twelve = flags >> 6 & 1, flags >> 5 & 1
    bits = 12 if deep and twelve else 10 if deep else 8
    return f"av01.{profile}.{level:02}{'MH'[flags >> 7]}.{bits:02}"


def _components(stream: Any) -> Any:
    layout = stream.codec_context.format
    return layout.components if layout else ()


def _audio_codec(stream: Any) -> str | None:
    codec: str = stream.codec_context.name
    extra = bytes(stream.codec_context.extradata or b"")
    if codec in ("aac", "aac_latm"):
        return f"mp4a.40.{extra[0] >> 3}" if extra else "mp4a.40.2"  # the object type comes first
    if codec.startswith("pcm_"):
        return None
    # under a name that browsers do not know, they refuse to play the film without its audio
    return AUDIO_CODECS.get(codec.removesuffix("float"), codec)
