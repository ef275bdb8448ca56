"""The formats that we write: which OTIO adapter for which file suffix and editor."""

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
    ".kdenlive": {"kdenlive": ("speakerzoom_kdenlive", {})},
    ".edl": {
        "edl": ("speakerzoom_edl", {"variant": "cuts"}),
        "markers": ("speakerzoom_edl", {"variant": "markers"}),
    },
}
"""Suffix -> editor -> name of the OTIO adapter and its arguments. The first editor of a suffix is
its default."""

STDOUT_SUFFIXES = {"premiere": ".xml"}
"""Editor -> suffix of its format on stdout, if not the first one above."""

OPENED_FILES = {"fcp": ".fcpxml", "kdenlive": ".kdenlive", "shotcut": ".mlt"}
"""Editor that opens a file as its project -> the suffix of that file."""
