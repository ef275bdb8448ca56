"""Turns a work folder back into one that version 1 wrote: its keys, its header, its digests."""

import hashlib
import json

import numpy as np

SHOT = {"framed_for": "framed"}
STYLE = {
    "wrong_speaker_penalty": "caution",
    "break_long_singles_with": "relief",
    "speech_threshold": "enter",
    "obscure_others": "hide",
    "off_screen_prior": "off_screen_share",
    "expected_turn_seconds": "turn_seconds",
}
KEYS = {
    "cutlist": {**SHOT, **STYLE},
    "locks": {"sighting": "seen"},
    "media": {
        "audio_streams": "sounds",
        "video_stream": "picture",
        "field_order": "fields",
        "has_timestamps": "stamped",
    },
    "options": STYLE,
    "people": {"sightings": "seen"},
}
PROVENANCE = {"analysis_digest": "analysis", "locks_digest": "locks", "people_folder": "people_in"}
ARRAYS = {
    "detections": {"detected_frames": "looked_at"},
    "scores": {"av_offset_s": "late"},
    "tracks": {"has_detection": "seen"},
    "voice": {},
}


def digest(*parts):
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def to_version_1(folder):
    """Rewrite every file of version 2 in a work folder as version 1; edited files stay edited."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            rewrite_json(path)
        elif path.name == "panels.npz":
            path.unlink()  # version 1 did not look for panels
        elif path.suffix == ".npz":
            rewrite_arrays(path)


def rewrite_json(path):
    document = json.loads(path.read_text())
    schema = document.pop("schema")
    if schema.endswith("/1"):
        return
    kind = schema.removeprefix("speakerzoom.").removesuffix("/2")
    inputs, written = document.pop("input_digest"), document.pop("content_digest")
    notes = {PROVENANCE[key]: value for key, value in document.pop("provenance", {}).items()}
    content = renamed(document, KEYS[kind])
    as_written = digest(content) if written == digest(document) else "of what we wrote"
    made_from = {"inputs": inputs, "as_written": as_written, **notes}
    head = {"schema": f"speakerzoom.{kind}/1", "made_from": made_from}
    path.write_text(json.dumps({**head, **content}, indent=1))


def renamed(value, names):
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    return [renamed(item, names) for item in value] if isinstance(value, list) else value


def rewrite_arrays(path):
    with np.load(path) as file:
        arrays = dict(file)
    kind = path.stem
    arrays["schema"] = np.array(f"speakerzoom.{kind}/1")
    names = {**ARRAYS[kind], "input_digest": "made_from"}
    np.savez_compressed(path, **{names.get(name, name): array for name, array in arrays.items()})
