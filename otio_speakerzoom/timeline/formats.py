"""The formats that we write: suffix and editor to the OTIO adapter that writes it."""

from __future__ import annotations

FORMATS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    ".otio": {
        "resolve": ("speakerzoom_resolve_otio", {}),
        "premiere": ("speakerzoom_premiere_otio", {}),
        "plain": ("otio_json", {}),
    },
    ".fcpxml": {
        "fcp": ("speakerzoom_fcpxml", {"variant": "fcp"}),
        "resolve": ("speakerzoom_fcpxml", {"variant": "resolve"}),
    },
    ".xml": {
        "premiere": ("speakerzoom_premiere_xml", {"variant": "premiere"}),
        "resolve": ("speakerzoom_premiere_xml", {"variant": "resolve"}),
    },
    ".mlt": {"shotcut": ("speakerzoom_mlt", {})},
    ".edl": {
        "edl": ("speakerzoom_edl", {"variant": "cuts"}),
        "markers": ("speakerzoom_edl", {"variant": "markers"}),
    },
}
"""Suffix -> dialect -> name of the OTIO adapter and its arguments. The first dialect of a suffix is
taken where none is asked for."""

STDOUT = {"premiere": ".xml"}
"""Suffix that an editor of several gets on stdout, where it is not its first above."""
