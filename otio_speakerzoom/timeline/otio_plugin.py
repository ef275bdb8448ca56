"""Show OpenTimelineIO where our adapters lie, in a checkout and once installed."""

from pathlib import Path

import opentimelineio as otio

_PACKAGE = Path(__file__).parents[1]


def plugin_manifest() -> otio.plugins.manifest.Manifest:
    """Return the manifest that lies in `adapters/`; OTIO calls this by its name.

    File names are made absolute here, because OTIO looks for them beside this file instead
    (`plugins/manifest.py` takes the entry point's module as the manifest's place).
    """
    installed = _PACKAGE / "adapters"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "adapters"
    manifest = otio.plugins.manifest.manifest_from_file(str(folder / "plugin_manifest.json"))
    for adapter in manifest.adapters:
        adapter.filepath = str(folder / adapter.filepath)
    return manifest
