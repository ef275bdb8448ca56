"""Opens a source: its facts, its frames and its audio, all on one exact grid.

The grid has `Media.duration` frames at `Media.rate`; frame 0 is the first picture. Everything is
placed on it by the file's own time stamps, so a late video stream, a lost frame or a variable rate
shifts nothing. Nothing above this package knows a time stamp.

All of it is read by libav in this process (PyAV): every machine gets the same frames, and nothing
goes on when the program ends.
"""

from otio_speakerzoom.source.audio import (
    FILM_SAMPLE_RATE,
    FIRST,
    SPEECH_SAMPLE_RATE,
    film_audio,
    film_channels,
    read_audio,
)
from otio_speakerzoom.source.colour import shown_colour
from otio_speakerzoom.source.conform import conform, mix_channels, shift_sound, to_matroska
from otio_speakerzoom.source.decode import decoded_frames
from otio_speakerzoom.source.filters import Filter, FilterChain
from otio_speakerzoom.source.frames import Upright, read_frames
from otio_speakerzoom.source.prefetch import ahead
from otio_speakerzoom.source.probe import probe
from otio_speakerzoom.source.start_timecode import start_by_label
from otio_speakerzoom.source.tone_mapping import tone_filters
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url
from otio_speakerzoom.source.user_path import as_named

__all__ = [
    "FILM_SAMPLE_RATE",
    "FIRST",
    "LOCAL_ONLY",
    "SPEECH_SAMPLE_RATE",
    "Filter",
    "FilterChain",
    "Upright",
    "ahead",
    "as_named",
    "conform",
    "decoded_frames",
    "film_audio",
    "film_channels",
    "input_url",
    "mix_channels",
    "probe",
    "read_audio",
    "read_frames",
    "shift_sound",
    "shown_colour",
    "start_by_label",
    "to_matroska",
    "tone_filters",
]
