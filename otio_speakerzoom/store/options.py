"""options.json: how a source was analysed and cut; what is not said again stays as it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import read_json, report_faults, write_json


@dataclass(frozen=True, slots=True)
class Options:
    """What was said of an analysis and a cut; None for what was not."""

    detector: str | None = None
    detect_every: int | None = None
    """Frames from one look of the detector to the next; 0 for as often as faces move."""
    tracker: str | None = None
    """What follows faces between two looks; `iou` for nothing: boxes are interpolated."""
    scorer: str | None = None
    audio_stream: int | None = None
    """Number of the audio stream, from 1; 0 for all of them."""
    channels: str | None = None
    """auto, mix, or the number of one channel, from 1."""
    part: tuple[int, int] | None = None
    """Frames from, to."""
    canvas: tuple[int, int] | None = None
    layout: str | None = None
    style: str | None = None
    """Name of a preset, or the path of a file."""
    style_values: dict[str, float | str] = field(default_factory=dict)
    """In place of the style's own."""

    def over(self, kept: Options) -> Options:
        """Return these options, and what they leave open as it is in `kept`.

        A style that is named begins anew; values alone are added to the kept ones.
        """
        said = {f.name: getattr(self, f.name) for f in fields(self)}
        values = self.style_values if self.style else {**kept.style_values, **self.style_values}
        open_ = {name for name, value in said.items() if value is None}
        return replace(self, **{name: getattr(kept, name) for name in open_}, style_values=values)


def save_options(folder: Path, options: Options, content: str) -> None:
    """Keep the options of a source whose file has the digest `content`."""
    document = {name: value for name, value in asdict(options).items() if value is not None}
    write_json(folder / "options.json", "options", content, {"options": document})


def load_options(folder: Path, content: str) -> Options:
    """Return the kept options; none where the source is another one by now."""
    kept = read_json(folder / "options.json", "options")
    if kept is None or kept.input_digest != content:
        return Options()
    with report_faults(folder / "options.json"):
        row = Field(kept.value).at("options")
        return Options(
            detector=_text(row, "detector"),
            detect_every=_whole(row, "detect_every"),
            tracker=_text(row, "tracker"),
            scorer=_text(row, "scorer"),
            audio_stream=_whole(row, "audio_stream"),
            channels=_text(row, "channels"),
            layout=_text(row, "layout"),
            style=_text(row, "style"),
            part=_pair(row, "part", 0),
            canvas=_pair(row, "canvas", 2),
            style_values={
                name: value.text() if value.is_text() else value.number()
                for name, value in row.at("style_values").items()
            },
        )


def _text(row: Field, name: str) -> str | None:
    return row.at(name).text() if row.has(name) else None


def _whole(row: Field, name: str) -> int | None:
    return row.at(name).integer() if row.has(name) else None


def _pair(row: Field, name: str, least: int) -> tuple[int, int] | None:
    if not row.has(name):
        return None
    first, second = row.at(name).several(2, "two whole numbers")
    return first.integer(least), second.integer(least)
