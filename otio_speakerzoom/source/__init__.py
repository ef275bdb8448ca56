"""Opens a source: its facts, its frames and its audio, all on one exact grid.

The grid has `Media.duration` frames at `Media.rate`; frame 0 is the first picture. Everything is
placed on it by the file's own time stamps (ffmpeg's `fps` filter), so a late video stream, a lost
frame or a variable rate shifts nothing. Nothing above this package knows a time stamp.

Facts come from libav itself (PyAV), so no ffprobe is needed; frames and audio come through a pipe
from ffmpeg: the system's, or the one inside the PyPI package imageio-ffmpeg.
"""

from otio_speakerzoom.source.audio import FIRST, SOUND_RATE, sound
from otio_speakerzoom.source.ffmpeg import LOCAL_ONLY, find_ffmpeg, input_url, last_line, opened
from otio_speakerzoom.source.frames import on_grid, pictures
from otio_speakerzoom.source.naming import as_named
from otio_speakerzoom.source.probe import probe

__all__ = [
    "FIRST",
    "LOCAL_ONLY",
    "SOUND_RATE",
    "as_named",
    "find_ffmpeg",
    "input_url",
    "last_line",
    "on_grid",
    "opened",
    "pictures",
    "probe",
    "sound",
]
