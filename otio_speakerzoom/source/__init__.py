"""Reads source files: their properties, frames and audio, all on one exact frame grid.

The grid has `Media.duration` frames at `Media.rate`; frame 0 is the first video frame. The file's
own timestamps place everything on it, so that a late video stream, a lost frame or a variable rate
shifts nothing. No code outside this package handles timestamps.

libav decodes everything in this process (PyAV), so that every machine gets the same frames, and
nothing keeps running when the program ends.
"""

from otio_speakerzoom.source.audio import (
    FIRST_MICROPHONE,
    SPEECH_SAMPLE_RATE,
    read_audio,
    read_microphones,
)
from otio_speakerzoom.source.colour import film_colour
from otio_speakerzoom.source.container import demux, open_input
from otio_speakerzoom.source.decode import decode_frames
from otio_speakerzoom.source.ffmpeg_commands import (
    conform_command,
    matroska_command,
    mixdown_command,
    shift_audio_command,
)
from otio_speakerzoom.source.film_audio import FILM_SAMPLE_RATE, film_audio, film_channels
from otio_speakerzoom.source.filters import Filter, FilterChain
from otio_speakerzoom.source.frames import SourceFrame, read_frames, read_source_frames
from otio_speakerzoom.source.limited_run import end_with_children, run_program
from otio_speakerzoom.source.prefetch import prefetch
from otio_speakerzoom.source.probe import probe
from otio_speakerzoom.source.processes import start_process
from otio_speakerzoom.source.programs import find_program, forget_opencvs_qt, start_program
from otio_speakerzoom.source.start_timecode import start_from_label
from otio_speakerzoom.source.threads import limit_threads, share_heap, usable_cores
from otio_speakerzoom.source.tone_mapping import tone_mapping_filters
from otio_speakerzoom.source.upright import UprightFilter
from otio_speakerzoom.source.url import FILE_ONLY, input_url
from otio_speakerzoom.source.user_path import absolute_path

__all__ = [
    "FILE_ONLY",
    "FILM_SAMPLE_RATE",
    "FIRST_MICROPHONE",
    "SPEECH_SAMPLE_RATE",
    "Filter",
    "FilterChain",
    "SourceFrame",
    "UprightFilter",
    "absolute_path",
    "conform_command",
    "decode_frames",
    "demux",
    "end_with_children",
    "film_audio",
    "film_channels",
    "film_colour",
    "find_program",
    "forget_opencvs_qt",
    "input_url",
    "limit_threads",
    "matroska_command",
    "mixdown_command",
    "open_input",
    "prefetch",
    "probe",
    "read_audio",
    "read_frames",
    "read_microphones",
    "read_source_frames",
    "run_program",
    "share_heap",
    "shift_audio_command",
    "start_from_label",
    "start_process",
    "start_program",
    "tone_mapping_filters",
    "usable_cores",
]
