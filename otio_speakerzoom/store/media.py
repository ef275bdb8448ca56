"""media.json: the properties of the source."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import Cached, read_json, report_faults, write_json


def save_media(folder: Path, media: Media, input_digest: str, source_digest: str = "") -> None:
    """Save the properties of the source, with the digest of its file."""
    row = {**media_to_json(media), "digest": source_digest}
    write_json(folder / "media.json", "media", input_digest, {"media": row})


def media_to_json(media: Media) -> dict[str, object]:
    """Return the properties as JSON values."""
    return {
        "path": str(media.path),
        "rate": [media.rate.numerator, media.rate.denominator],
        "duration": media.duration,
        "width": media.size[0],
        "height": media.size[1],
        "start": media.start,
        "drop_frame": media.drop_frame,
        "rotation": media.rotation,
        "variable_rate": media.variable_rate,
        "video_offset": list(media.video_offset.as_integer_ratio()),
        "audio_streams": [
            {
                "rate": stream.rate,
                "channels": stream.channels,
                "delay": list(stream.delay.as_integer_ratio()),
                "index": stream.index,
                "varies": stream.varies,
            }
            for stream in media.audio_streams
        ],
        "video_stream": media.video_stream,
        "field_order": media.field_order,
        "colour": list(media.colour),
        "size_varies": media.size_varies,
        "has_timestamps": media.has_timestamps,
        "warnings": list(media.warnings),
    }


def load_media(folder: Path) -> Cached[Media] | None:
    """Return the cached properties of the source; None if there are none."""
    document = read_json(folder / "media.json", "media")
    if document is None:
        return None
    with report_faults(folder / "media.json"):
        row = Field(document.value).at("media")
        if not row.has("has_timestamps"):  # an early version 1 lacks it: the source is read again
            return None
        primaries, transfer, matrix = row.at("colour").values(3, "three numbers")
        media = Media(
            path=Path(row.at("path").text()),
            rate=Fraction(*row.at("rate").ratio()),
            duration=row.at("duration").integer(1),
            size=(row.at("width").integer(1), row.at("height").integer(1)),
            start=row.at("start").integer(),
            drop_frame=row.at("drop_frame").boolean(),
            rotation=row.at("rotation").integer(),
            variable_rate=row.at("variable_rate").boolean(),
            video_offset=Fraction(*row.at("video_offset").ratio()),
            audio_streams=tuple(_stream_from_json(s) for s in row.at("audio_streams").rows()),
            video_stream=row.at("video_stream").integer(),
            field_order=row.at("field_order").text(),
            colour=(primaries.integer(), transfer.integer(), matrix.integer()),
            size_varies=row.at("size_varies").boolean(),
            has_timestamps=row.at("has_timestamps").boolean(),
            warnings=tuple(warning.text() for warning in row.at("warnings").rows()),
        )
    return Cached(media, document.input_digest, document.edited)


def _stream_from_json(row: Field) -> AudioStream:
    return AudioStream(
        row.at("rate").integer(1),
        row.at("channels").integer(1),
        Fraction(*row.at("delay").ratio()),
        row.at("index").integer(),
        row.at("varies").boolean(),
    )
