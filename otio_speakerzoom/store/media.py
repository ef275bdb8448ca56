"""media.json: the facts of the source."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import Cached, read_json, report_faults, write_json


def save_media(folder: Path, media: Media, input_digest: str, content: str = "") -> None:
    """Keep the facts of the source; `content` is the digest of its file."""
    row = {**media_to_json(media), "digest": content}
    write_json(folder / "media.json", "media", input_digest, {"media": row})


def media_to_json(media: Media) -> dict[str, object]:
    """Return the facts as JSON has them."""
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
        "sounds": [
            {
                "rate": sound.rate,
                "channels": sound.channels,
                "delay": list(sound.delay.as_integer_ratio()),
                "index": sound.index,
                "varies": sound.varies,
            }
            for sound in media.audio_streams
        ],
        "picture": media.video_stream,
        "fields": media.field_order,
        "colour": list(media.colour),
        "size_varies": media.size_varies,
        "stamped": media.has_timestamps,
        "warnings": list(media.warnings),
    }


def load_media(folder: Path) -> Cached[Media] | None:
    """Return the kept facts of the source; None where there are none."""
    kept = read_json(folder / "media.json", "media")
    if kept is None:
        return None
    with report_faults(folder / "media.json"):
        row = Field(kept.value).at("media")
        if not row.has("stamped"):  # by a version that knew less of a source: made anew
            return None
        primaries, transfer, matrix = row.at("colour").several(3, "three numbers")
        media = Media(
            path=Path(row.at("path").text()),
            rate=Fraction(*row.at("rate").ratio()),
            duration=row.at("duration").integer(1),
            size=(row.at("width").integer(1), row.at("height").integer(1)),
            start=row.at("start").integer(),
            drop_frame=row.at("drop_frame").flag(),
            rotation=row.at("rotation").integer(),
            variable_rate=row.at("variable_rate").flag(),
            video_offset=Fraction(*row.at("video_offset").ratio()),
            audio_streams=tuple(_sound_from_json(sound) for sound in row.at("sounds").rows()),
            video_stream=row.at("picture").integer(),
            field_order=row.at("fields").text(),
            colour=(primaries.integer(), transfer.integer(), matrix.integer()),
            size_varies=row.at("size_varies").flag(),
            has_timestamps=row.at("stamped").flag(),
            warnings=tuple(warning.text() for warning in row.at("warnings").rows()),
        )
    return Cached(media, kept.input_digest, kept.edited)


def _sound_from_json(row: Field) -> AudioStream:
    return AudioStream(
        row.at("rate").integer(1),
        row.at("channels").integer(1),
        Fraction(*row.at("delay").ratio()),
        row.at("index").integer(),
        row.at("varies").flag(),
    )
