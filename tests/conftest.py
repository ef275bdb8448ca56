"""Fixtures: small sources that ffmpeg generates, each named for what is odd about it."""

import one_core  # noqa: F401 (sets what the libraries below read when they are loaded)

# isort: split
import logging
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import av
import fuzz_options
import imageio_ffmpeg
import pytest
import skips
from hypothesis import settings
from skips import pytest_sessionfinish  # noqa: F401 (pytest calls it)

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.weights import fetch

# no deadline: a busy machine is slow; fifty examples of each keep the whole run short, and they are
# the same in every run: `--hypothesis-profile random` has others
settings.register_profile("random", deadline=None, max_examples=50)
settings.register_profile("untimed", settings.get_profile("random"), derandomize=True)
settings.load_profile("untimed")


def pytest_addoption(parser):
    skips.pytest_addoption(parser)
    fuzz_options.add_options(parser)


REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"
SAMPLE = REPOSITORY / "samples" / "two_talkers.mp4"


@pytest.fixture(autouse=True, scope="session")
def published_weights():
    """Let the tests use the published weights if they are beside the project."""
    if (SHARED / "weights").is_dir():
        os.environ.setdefault("SPEAKERZOOM_WEIGHTS", str(SHARED / "weights"))


@pytest.fixture(autouse=True, scope="session")
def offline(published_weights):
    """Get the default detector, if it is missing, and then let nothing reach a network.

    Not even in the processes that the tests start. A test that downloads sets SPEAKERZOOM_OFFLINE.
    """
    with suppress(WeightsError):
        fetch.need("blazeface-full-range")
    os.environ.setdefault("SPEAKERZOOM_OFFLINE", "1")


@pytest.fixture(autouse=True)
def captured_log():
    """Let pytest capture our messages, even after the command line ran in this process."""
    log = logging.getLogger("otio_speakerzoom")
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True


def find_ffmpeg():
    """The ffmpeg that generates sources, the same on every machine; the product needs none.

    The environment variable IMAGEIO_FFMPEG_EXE selects another.
    """
    return imageio_ffmpeg.get_ffmpeg_exe()


def ffmpeg(*arguments):
    subprocess.run([find_ffmpeg(), "-v", "error", "-nostdin", "-y", *arguments], check=True)


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory):
    """Return a function that generates a clip: a moving test pattern, and a tone unless silent.

    The same clip is generated once, unless a test has changed it since.
    """
    folder = tmp_path_factory.mktemp("clips")
    generated = {}

    def make(name, *, rate="25", seconds=2, size="320x180", sound=True, picture=None, extra=()):
        path, clip = folder / name, (rate, seconds, size, sound, picture, tuple(extra))
        if path.exists() and generated.get(name) == (clip, stamp(path)):
            return path
        inputs = ["-f", "lavfi", "-i", picture or f"testsrc2=s={size}:r={rate}:d={seconds}"]
        if sound:
            inputs += ["-f", "lavfi", "-i", f"sine=440:r=48000:d={seconds}"]
        ffmpeg(*inputs, "-pix_fmt", "yuv420p", *extra, str(path))
        generated[name] = clip, stamp(path)
        return path

    def stamp(path):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns

    return make


@pytest.fixture(scope="session")
def ntsc_clip(make_clip):
    return make_clip("ntsc.mp4", rate="30000/1001")


@pytest.fixture(scope="session")
def silent_clip(make_clip):
    return make_clip("silent.mp4", sound=False)


@pytest.fixture(scope="session")
def sound_only(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "voice.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", str(path))
    return path


@pytest.fixture(scope="session")
def timecode_clip(make_clip):
    """Starts at 01:00:00;00, drop frame."""
    extra = ("-timecode", "01:00:00;00")
    return make_clip("timecode.mp4", rate="30000/1001", extra=extra)


@pytest.fixture(scope="session")
def rotated_clip(make_clip, tmp_path_factory):
    """Stored 320x180 with a rotation of 90 degrees clockwise, so players show 180x320."""
    path = tmp_path_factory.mktemp("clips") / "rotated.mp4"
    with av.open(str(make_clip("lying.mp4"))) as lying, av.open(str(path), "w") as turned:
        stream = turned.add_stream_from_template(lying.streams.video[0])
        stream.set_display_rotation(-90)
        for packet in lying.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                turned.mux(packet)
    return path


@pytest.fixture(scope="session")
def vfr_clip(make_clip):
    """Every third frame of 30 fps is missing, so the average is 20 fps."""
    picture = r"testsrc2=s=320x180:r=30:d=2,select='mod(n\,3)'"
    return make_clip("vfr.mkv", picture=picture, extra=("-fps_mode", "vfr"))


@pytest.fixture(scope="session")
def late_video_clip(make_clip, tmp_path_factory):
    """The video starts 0.5 s after the audio."""
    path = tmp_path_factory.mktemp("clips") / "late.mp4"
    clip = str(make_clip("punctual.mp4"))
    ffmpeg("-itsoffset", "0.5", "-i", clip, "-i", clip, "-map", "0:v", "-map", "1:a",
           "-c", "copy", str(path))  # fmt: skip
    return path


@pytest.fixture(scope="session")
def numbered_clip(tmp_path_factory):
    """Return a function that generates a lossless gray clip whose frame n has the luma 16 + 2n."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name, *, frames=100, rate="25", size="64x64"):
        path = folder / name
        picture = f"color=black:s={size}:r={rate},geq=lum='16+2*N':cb=128:cr=128"
        ffmpeg("-f", "lavfi", "-i", picture, "-frames:v", str(frames), "-c:v", "libx264",
               "-qp", "0", "-pix_fmt", "yuv420p", str(path))  # fmt: skip
        return path

    return make
