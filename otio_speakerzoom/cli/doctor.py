"""Checks this machine: ffmpeg's libraries, OpenCV, the networks, the GPU, OpenTimelineIO."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from otio_speakerzoom.errors import SpeakerZoomError, WeightsError
from otio_speakerzoom.render.encoders import choose_encoder
from otio_speakerzoom.weights import fetch, quick_fetch, wheels
from otio_speakerzoom.weights.best_scorer import best_scorer
from otio_speakerzoom.weights.names import BUNDLED_SCORER, SMALL_SCORER
from otio_speakerzoom.weights.pip_commands import install_command, uninstall_command

MIN_AV_VERSION = "18.1"
"""Of PyAV, as in pyproject.toml: the first that reports the field order."""
FILTERS = {"bwdif", "crop", "format", "hflip", "lut3d", "pad", "scale", "transpose", "vflip"}
"""Filters of libavfilter that films and analysis need."""
CV2_PACKAGES = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""Packages that all install into the folder cv2/, so that the last one installed wins. We require
the first one, mediapipe the third. Any of them will do, but those that are not headless need the
libraries of a display."""
DISPLAY_LIBRARIES = "libgl1 libglib2.0-0"
"""Packages of Debian and Ubuntu with what the OpenCV of a desktop loads."""


def check_machine(console: Console) -> int:
    """Print a table of what will be used; return 1 where something required is broken, else 0."""
    table = Table("", "what", title="SpeakerZoom on this machine")
    table.add_column("found", overflow="fold")
    code = 0
    for what, check in _checks():
        try:
            table.add_row("ok", what, escape(check()))
        except Exception as error:  # a broken package may raise anything
            code = 1
            table.add_row("[red]broken", what, escape(str(error)))
    console.print(table)
    return code


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Python", lambda: f"{platform.python_version()} on {platform.platform(terse=True)}"
    yield "film", _film
    yield "OpenCV", _opencv
    yield "face detector", _detector
    yield "device", _device
    yield "scorer", _scorer
    yield "timelines", _adapters
    yield "Resolve", _resolve
    yield "Premiere", _premiere


def _film() -> str:
    """Return the library that reads and writes film; raise where it is too old or incomplete."""
    av = importlib.import_module("av")
    if _version_numbers(av.__version__) < _version_numbers(MIN_AV_VERSION):
        raise SpeakerZoomError(
            f"PyAV {av.__version__} is too old: {install_command(f'av>={MIN_AV_VERSION}')}"
        )
    missing = sorted(FILTERS - set(av.filter.filters_available))
    if missing:
        raise SpeakerZoomError(
            f"PyAV {av.__version__} was built without {', '.join(missing)}: "
            + install_command("av", again=True)
        )
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__} (libavcodec {libavcodec}), films in {choose_encoder().codec}"


def _version_numbers(release: str) -> list[int]:
    return [int(part) for part in release.split(".") if part.isdigit()]


def _opencv() -> str:
    """Return which OpenCV is loaded; raise where none can be, or where it is a mix of two."""
    owners = [name for name in CV2_PACKAGES if _installed(name)]
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise SpeakerZoomError(f"{_first_line(error)}: {_opencv_remedy(owners)}") from error
    listed = str(cv2.version.opencv_version)  # of the Python files, beside the library
    if _version_numbers(listed)[:3] != _version_numbers(cv2.__version__)[:3]:
        raise SpeakerZoomError(
            f"cv2/ has files of {listed} and of {cv2.__version__}: {_opencv_remedy(owners)}"
        )
    text = f"{cv2.__version__} from {' and '.join(owners) or 'an unknown package'}"
    if len(owners) > 1:
        text += ", which share the folder cv2/; it works while both stay installed"
    return text


def _opencv_remedy(owners: list[str]) -> str:
    """Return what makes OpenCV load: the libraries of a display, or the package without them."""
    commands = [uninstall_command(name) for name in owners if not name.endswith("-headless")]
    commands.append(install_command(CV2_PACKAGES[0], again=True))
    remedy = "run " + ", then ".join(f"`{command}`" for command in commands)
    if len(commands) > 1 and sys.platform == "linux":
        remedy += f"; or on Debian and Ubuntu `apt install {DISPLAY_LIBRARIES}`"
    return remedy


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _detector() -> str:
    path = fetch.find("blazeface-full-range")
    runtimes = importlib.import_module("otio_speakerzoom.faces.detectors.blazeface_runtimes")
    runtime = runtimes.load_runtime()  # raises, with the remedy, where none loads
    name = f"BlazeFace full range by {runtime.name} {version(runtime.package)}"
    if not path:
        return f"{name} ({_how_to_download('blazeface-full-range')})"
    blazeface = importlib.import_module("otio_speakerzoom.faces.detectors.blazeface")
    blazeface.BlazeFace(path).close()
    return f"{name} ({path})"


def _how_to_download(name: str) -> str:
    """Return how a missing file will be downloaded; raise WeightsError where it cannot be."""
    if fetch.is_offline():
        raise WeightsError(f"{name} is missing, and SPEAKERZOOM_OFFLINE=1 forbids downloads")
    if means := wheels.download_method():
        return f"not installed yet: downloaded {means} on first use, or by `weights fetch {name}`"
    raise WeightsError(f"{name} is missing, and {wheels.CANNOT_DOWNLOAD}")


def _device() -> str:
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()} (torch {torch.__version__})"
    return f"cpu, {torch.get_num_threads()} threads (torch {torch.__version__} sees no GPU)"


def _scorer() -> str:
    name = best_scorer()
    text = f"{name} ({fetch.need(name)})"
    if name != BUNDLED_SCORER:
        return text
    if fetch.is_offline():
        outlook = "is better; SPEAKERZOOM_OFFLINE=1 forbids to fetch it"
    elif reason := quick_fetch.failure(SMALL_SCORER):
        outlook = f"is better, but could not be fetched within the last day: {reason}"
    else:
        outlook = "is better, and is fetched when the first recording is analyzed"
    return f"{text}; {SMALL_SCORER} {outlook} (`weights fetch {SMALL_SCORER}`)"


def _resolve() -> str:
    """Return where our script is in Resolve, whether it is current, and what editions allow."""
    from otio_speakerzoom.plugins.resolve_install import describe

    return describe()


def _premiere() -> str:
    """Return where our panel's package is, whether it is current, and who installs it."""
    from otio_speakerzoom.plugins.premiere_install import describe

    return describe()


def _adapters() -> str:
    otio = importlib.import_module("opentimelineio")
    names = [n for n in otio.adapters.available_adapter_names() if n.startswith("speakerzoom_")]
    if len(names) < 3:
        raise SpeakerZoomError(
            "OpenTimelineIO does not find our adapters: reinstall otio-speakerzoom"
        )
    return f"OpenTimelineIO {otio.__version__} with {', '.join(sorted(names))}"
