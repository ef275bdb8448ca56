"""Installs the panel for Premiere: one package, which Adobe's own installer takes from there.

A panel is a .ccx, a zip of its files. Creative Cloud registers it, by its Unified Plugin Installer
Agent where that is on the machine, else when the user opens the file. So we write the package into
a folder of ours, and touch no folder of Adobe's.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from otio_speakerzoom.errors import StoreError, ToolError
from otio_speakerzoom.plugins.mailbox import VARIABLE, mailbox_folder
from otio_speakerzoom.plugins.owner import check_owner
from otio_speakerzoom.source import run_program
from otio_speakerzoom.store.atomic import atomic_write
from otio_speakerzoom.store.bounded import read_bytes
from otio_speakerzoom.store.json_values import parse_json

NAME = "SpeakerZoom.ccx"
MANIFEST = "manifest.json"
PANEL_ID, PANEL_NAME = "otio-speakerzoom.premiere", "SpeakerZoom"
"""As in the manifest; a package with this id is ours."""
MAX_PACKAGE_BYTES = 2**22
"""A larger file is not ours: ours has some ten kilobytes."""
MAX_AGENT_S = 180
"""How long Adobe's installer may take; it may ask for a password."""
_AGENT = Path("RemoteComponents") / "UPI" / "UnifiedPluginInstallerAgent"
_PACKAGE = Path(__file__).parents[1]
_STAMP = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can have, so that the same files give the same package."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, and what is left to do by hand."""

    path: Path
    """Of the package."""
    todo: str = ""
    """One sentence; empty if nothing is left."""


def install(folder: Path | None = None, *, dry_run: bool = False) -> Outcome:
    """Write the package, and let Adobe's installer take it where there is one.

    SpeakerZoomError if a file of that name is there that is not ours, or cannot be written.
    """
    path = (folder or package_folder()) / NAME
    check_owner(path, is_ours)
    if dry_run:
        return Outcome(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(package())
    except (OSError, StoreError) as error:
        raise StoreError(f"{path}: cannot be written; check the permissions of its folder") from (
            error
        )
    fault = _run_agent("install", str(path))
    return Outcome(path, fault and f"open the file where Creative Cloud is, to install it{fault}")


def uninstall(folder: Path | None = None, *, dry_run: bool = False) -> Outcome | None:
    """Remove the panel from Premiere, and the package; None if there is no package.

    SpeakerZoomError if the file of that name is not ours, or cannot be removed.
    """
    path = (folder or package_folder()) / NAME
    if not path.exists() and not path.is_symlink():
        return None
    check_owner(path, is_ours)
    if dry_run:
        return Outcome(path)
    fault = _run_agent("remove", PANEL_NAME)
    try:
        path.unlink()
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({error.strerror})") from error
    return Outcome(path, fault and f"if it is installed, remove it in Creative Cloud{fault}")


def package() -> bytes:
    """Return the panel as a .ccx, with our version in its manifest."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sorted(_panel_folder().iterdir()):
            data = source.read_bytes()
            if source.name == MANIFEST:
                manifest = json.loads(data)
                manifest["version"] = _panel_version(version("otio-speakerzoom"))
                data = json.dumps(manifest, indent=2).encode()
            entry = zipfile.ZipInfo(source.name, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return content.getvalue()


def package_folder(
    environ: Mapping[str, str] = os.environ, home: Path | None = None, platform: str = sys.platform
) -> Path:
    """Return our folder for the package, beside Resolve's mailbox; it may not exist yet."""
    own = {name: value for name, value in environ.items() if name != VARIABLE}
    return mailbox_folder(own, home, platform).parent / "premiere"


def agent_path(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> Path | None:
    """Return where Adobe's installer is on such a system; None where Premiere does not run."""
    if platform == "win32":
        shared = Path(environ.get("CommonProgramFiles") or "C:/Program Files/Common Files")
        top = shared / "Adobe" / "Adobe Desktop Common" / _AGENT
        return top / "UnifiedPluginInstallerAgent.exe"
    if platform == "darwin":
        top = Path("/Library/Application Support/Adobe/Adobe Desktop Common") / _AGENT
        app = top / "UnifiedPluginInstallerAgent.app"
        return app / "Contents" / "MacOS" / "UnifiedPluginInstallerAgent"
    return None


def state(path: Path) -> str:
    """Return what is at the place of the package: `current`, `old`, `foreign` or `missing`."""
    with suppress(OSError):
        if not path.exists() and not path.is_symlink():
            return "missing"
        if is_ours(path):
            return "current" if read_bytes(path, MAX_PACKAGE_BYTES) == package() else "old"
    return "foreign"


def describe() -> str:
    """Return in one line where the package is, whether it is current, and who installs it."""
    path, agent = package_folder() / NAME, agent_path()
    text = {
        "current": f"{path}: current",
        "old": f"{path}: of another version; run `speakerzoom install premiere` again",
        "foreign": f"{path}: is not of speakerzoom",
        "missing": "no panel; `speakerzoom install premiere` installs it",
    }[state(path)]
    if agent is None:
        return f"{text}; Premiere 25.6 or later is needed, which this system does not run"
    has_agent = "Adobe's installer is here" if agent.is_file() else "Creative Cloud is not here"
    return f"{text}; {has_agent}; it runs in Premiere 25.6 and later"


def is_ours(path: Path) -> bool:
    """Whether a file is a package of ours; a link never counts as one."""
    if path.is_symlink():
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path, MAX_PACKAGE_BYTES))) as archive:
            if archive.getinfo(MANIFEST).file_size > MAX_PACKAGE_BYTES:
                return False
            manifest = parse_json(archive.read(MANIFEST))
    except Exception:  # a damaged archive can raise anything
        return False
    return isinstance(manifest, dict) and manifest.get("id") == PANEL_ID


def _panel_folder() -> Path:
    installed = _PACKAGE / "adapters"
    return (installed if installed.is_dir() else _PACKAGE.parent / "adapters") / "premiere"


def _panel_version(text: str) -> str:
    """Return a version in the three numbers that a manifest can have."""
    match = re.match(r"\d+\.\d+\.\d+", text)
    return match[0] if match else "0.0.0"


def _run_agent(verb: str, argument: str) -> str:
    """Let Adobe's installer do something; return why that failed, empty if it did not."""
    agent = agent_path()
    if agent is None:
        return "; Premiere runs on macOS and Windows only"
    if not agent.is_file():
        return "; its installer was not found on this machine"
    option = f"/{verb}" if sys.platform == "win32" else f"--{verb}"
    try:
        code, output = run_program([str(agent), option, argument], MAX_AGENT_S)
    except ToolError as error:
        return f"; its installer did not run ({error})"
    if code == 0:
        return ""
    lines = output.strip().splitlines()
    return f"; its installer said: {lines[-1].strip()[:200] if lines else code}"
