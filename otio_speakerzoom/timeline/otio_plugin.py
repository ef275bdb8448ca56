"""Entry point through which OpenTimelineIO finds our adapters, in a checkout or installed."""

from pathlib import Path

import opentimelineio as otio

_PACKAGE = Path(__file__).parents[1]


def plugin_manifest() -> otio.plugins.manifest.Manifest:
    """Return the manifest from `adapters/`; OTIO calls this function by its name.

    Makes file paths absolute, because OTIO would resolve them relative to this module
    (`plugins/manifest.py` uses the entry point's module as the manifest's location).
    """
    installed = _PACKAGE / "adapters"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "adapters"
    manifest = otio.plugins.manifest.manifest_from_file(str(folder / "plugin_manifest.json"))
    for adapter in manifest.adapters:
        adapter.filepath = str(folder / adapter.filepath)
    return manifest
