"""options.json: how a source was analyzed and cut; the next run uses the same where it can."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import json_text, read_json, report_faults, write_json


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an analysis and a cut; None for each that nobody has set."""

    detector: str | None = None
    detect_every: int | None = None
    """Frames from one detection to the next; 0 to adapt to how fast faces move."""
    tracker: str | None = None
    """Visual tracker between two detections; `iou` for none: boxes are interpolated."""
    scorer: str | None = None
    audio_stream: int | None = None
    """Number of the audio stream, from 1; 0 for all of them."""
    channels: str | None = None
    """auto, mix, or the number of one channel, from 1."""
    part: tuple[int, int] | None = None
    """First frame, and the frame after the last."""
    canvas: tuple[int, int] | None = None
    layout: str | None = None
    style: str | None = None
    """Name of a preset, or path of a file."""
    style_values: dict[str, float | str] = field(default_factory=dict)
    """Override the style's own."""

    def over(self, base: Options) -> Options:
        """Return these options, completed from `base`.

        If a style is named, only the style values of these options apply; otherwise those of
        `base` apply too.
        """
        values = self.style_values if self.style else {**base.style_values, **self.style_values}
        unset = {f.name for f in fields(self) if getattr(self, f.name) is None}
        return replace(self, **{name: getattr(base, name) for name in unset}, style_values=values)


def save_options(folder: Path, options: Options, source_digest: str) -> None:
    """Save the options for a source whose file has that digest."""
    write_json(folder / "options.json", "options", source_digest, _options_to_json(options))


def options_text(options: Options, source_digest: str) -> str:
    """Return the text of options.json."""
    return json_text("options", source_digest, _options_to_json(options))


def _options_to_json(options: Options) -> dict[str, object]:
    values = {name: value for name, value in asdict(options).items() if value is not None}
    return {"options": values}


def load_options(folder: Path, source_digest: str) -> Options:
    """Return the cached options; empty ones if the source's file has another digest now."""
    document = read_json(folder / "options.json", "options")
    if document is None or document.input_digest != source_digest:
        return Options()
    with report_faults(folder / "options.json"):
        row = Field(document.value).at("options")
        return Options(
            detector=_text(row, "detector"),
            detect_every=_integer(row, "detect_every"),
            tracker=_text(row, "tracker"),
            scorer=_text(row, "scorer"),
            audio_stream=_integer(row, "audio_stream"),
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


def _integer(row: Field, name: str) -> int | None:
    return row.at(name).integer() if row.has(name) else None


def _pair(row: Field, name: str, minimum: int) -> tuple[int, int] | None:
    if not row.has(name):
        return None
    first, second = row.at(name).values(2, "two whole numbers")
    return first.integer(minimum), second.integer(minimum)
