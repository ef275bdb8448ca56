"""URLs and options with which libav opens single local files, and nothing that these refer to."""

from __future__ import annotations

from pathlib import Path

FILE_ONLY = {"protocol_whitelist": "file"}
"""libav option for files: no network, no pipe, no protocol that joins or decrypts other files."""

FORMATS = (
    # containers that cameras, recorders and editors write
    *("asf", "av1", "avi", "dhav", "dv", "flv", "gxf", "ivf", "kux", "lxf", "matroska", "mov"),
    *("mpeg", "mpegts", "mxf", "nut", "nuv", "obu", "ogg", "pva", "r3d", "rm", "ty", "webm"),
    *("wtv", "yuv4mpegpipe", "cine", "apng", "gif"),
    # streams without a container
    *("apv", "avs2", "avs3", "cavsvideo", "dirac", "dnxhd", "evc", "h261", "h263", "h264"),
    *("hevc", "m4v", "mjpeg", "mpegvideo", "vc1", "vc1test", "vvc"),
    # audio and pictures, so that a message can say that there is no film in them
    *("aac", "ac3", "aiff", "amr", "ape", "au", "caf", "dts", "eac3", "flac", "mp3", "w64"),
    *("wav", "wv", "bmp_pipe", "dpx_pipe", "exr_pipe", "jpeg_pipe", "png_pipe", "tiff_pipe"),
    "webp_pipe",
)
"""Formats of libav that are read. Those that name other files are not among them: playlists (hls,
dash, concat, imf, sdp), numbered pictures (image2), and recordings in several files (mlv)."""

LOCAL_ONLY = {**FILE_ONLY, "format_whitelist": ",".join(FORMATS)}
"""libav options for inputs: one file, whatever it references."""


def input_url(path: Path) -> str:
    """Return a URL for the file at `path`.

    libav could take a bare file name for a pipe (-) or another protocol (http:x.mp4, concat:a.mp4).
    """
    return f"file:{path.absolute()}"
