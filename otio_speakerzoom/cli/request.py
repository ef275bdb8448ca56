"""The request: what one command line asks for, as one typed record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.weights.names import AUTO

if TYPE_CHECKING:
    from otio_speakerzoom.model import Media


@dataclass(frozen=True, slots=True)
class FileArgument:
    """An argument that names a file or a folder, to be checked before the verb runs."""

    kind: Input | Output | Folder
    path: Path
    name: str
    """Of the argument, without dashes: `source`, `output`."""
    flags: tuple[str, ...] = ()
    """Its spellings, such as `-o` and `--output`; empty for a positional argument."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command line: a verb and its options, parsed but not yet checked against any file.

    An option that the verb does not have is at its default. None means that the user did not set
    the option; then the value of the last run holds (`store.Options`).
    """

    verb: str
    """Name of the verb, such as `cut`."""
    quiet: int = 0
    """How often `-q` was set: warnings and errors only, errors only."""
    verbose: int = 0
    """How often `-v` was set: messages for debugging, with tracebacks."""
    files: tuple[FileArgument, ...] = ()
    """Every argument that names a file or a folder, in the order of the parser."""
    renamed_flags: tuple[tuple[str, str], ...] = ()
    """Flags used under their old names, each with its new name."""

    source: Path = Path()
    """The recording."""
    sources: tuple[Path, ...] = ()
    """The recordings of `batch`, and folders of recordings."""
    urls: tuple[RecordingUrl, ...] = ()
    """Recordings of `batch` that machines of a Ray cluster fetch."""
    url: RecordingUrl | None = None
    """The one that is fetched to be the recording, which has its name; None of a file here."""
    work: Path | None = None
    """Folder for the results; None for the folder of the recording."""

    detector: str | None = None
    """Name of the face detector."""
    detect_every: int | None = None
    """Frames from one detection to the next; 0 for auto."""
    tracker: str | None = None
    """Name of the tracker that follows faces between detections; `iou` for none."""
    scorer: str | None = None
    """Name of the active speaker detector, or `auto`."""
    auto_scorer: str = ""
    """The scorer that `auto` stands for, where `batch` has chosen it; empty otherwise."""
    offline: bool = False
    """Download nothing."""
    device: str = AUTO
    """Where networks run."""
    audio_stream: int | None = None
    """Number of the audio stream, from 1; 0 for all of them."""
    channels: str | int | None = None
    """`auto`, `mix`, or the number of one channel, from 1."""
    begin: Callable[[Media], int] | None = None
    """Gives the first frame to use, in the source's rate (`--in`)."""
    end: Callable[[Media], int] | None = None
    """Gives the frame after the last one to use (`--out`)."""
    force: bool = False
    """Run every stage again (`analyze`), or overwrite an edited cut (`cut`)."""

    style: Path | None = None
    """Name of a preset, or a TOML file."""
    style_values: Mapping[str, float | str] = field(default_factory=dict)
    """Values set by their own options, by their names in `director.style.Style`."""
    canvas: Callable[[Media], tuple[int, int]] | None = None
    """Gives width and height of the delivered video, in pixels."""
    layout: str | None = None
    """`programme`, or `stacked` for a track for each person."""

    output: Path = Path()
    """The timeline or film to write; `-` is stdout."""
    output_folder: Path | None = None
    """Where `batch` writes the timelines; None to analyze only."""
    format: str | None = None
    """Suffix of the timelines that `batch` writes."""
    height: int | None = None
    """Height of a smaller film, in pixels; None for the canvas's."""
    draft: bool = False
    """Scale and encode fast, at a lower quality."""
    encoder: str = AUTO
    """Name of the video encoder."""
    shot: int | None = None
    """Number of the only shot to render, from 1."""
    film_begin: Callable[[Media], int] | None = None
    """Gives the first frame to render, counted from the film's first (`--from`)."""
    film_end: Callable[[Media], int] | None = None
    """Gives the frame of the film after the last one to render (`--to`)."""
    editor: str | None = None
    """The editor that reads the timeline, or that wrote it (`--for`), or has our script."""
    adapter: str = ""
    """Name of the OTIO adapter that writes the timeline; empty where the verb writes none."""
    adapter_options: Mapping[str, str] = field(default_factory=dict)
    """Arguments of that adapter, such as its variant."""
    media_root: tuple[str, str] | None = None
    """A folder here, and its name where the timeline will be opened."""

    jobs: int | None = None
    """How many recordings `batch` works on at a time, or how many processes analyze one; None to
    choose by cores and memory."""
    ray: str | None = None
    """Address of the Ray cluster on which `batch` runs, or `auto`; None for this machine."""
    resume: bool = False
    """Leave out recordings whose results are up to date (`batch`)."""

    timeline: Path = Path()
    """The edited timeline to read."""
    from_editor: str | None = None
    """The editor whose script exported the timeline to read, where no file is named."""
    sequence: str = ""
    """Name or number of the sequence to read; empty for the one that shows the recording."""
    project_size: tuple[int, int] | None = None
    """Width and height in pixels, for a timeline that does not contain them."""
    dtd: Path | None = None
    """The DTD to validate an FCPXML against; None for Apple's, if it is beside the timeline."""

    folder: Path = Path()
    """Where `calibrate` writes."""

    json: bool = False
    """Print the results as JSON."""
    csv: Path | None = None
    """Table to write: a row per face and frame."""
    sheet: Path | None = None
    """Contact sheet to write, .png."""
    overlay: Path | None = None
    """Film to write: the recording with the analysis drawn over it."""
    report: Path | None = None
    """Report of the cut to write, .html or .png."""
    labels: Path | None = None
    """Ground-truth labels: who really speaks when."""
    review: bool = False
    """Print the least certain shots first."""

    browser: bool = True
    """Whether to open the review page in the browser."""
    port: int = 0
    """Of the service; 0 for a free one."""

    all_users: bool = False
    """Install for everybody on this machine."""
    direct: bool = False
    """Run the script in the editor ourselves, not by its menu."""
    dry_run: bool = False
    """Only say what would be written or removed."""

    action: str = "list"
    """`list` or `fetch`."""
    name: str | None = None
    """Which trained weights; None for all of them."""
