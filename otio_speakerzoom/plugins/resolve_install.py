"""Installs the script for Resolve and removes it again; touches no file but our own."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.plugins.calibration import describe as describe_calibration
from otio_speakerzoom.plugins.calibration import load
from otio_speakerzoom.plugins.mailbox import mailbox_folder, open_mailbox
from otio_speakerzoom.plugins.messages import messages
from otio_speakerzoom.plugins.owner import check_owner
from otio_speakerzoom.plugins.resolve_script import (
    NAME,
    is_ours,
    mailbox_name,
    script_folder,
    script_text,
)
from otio_speakerzoom.store.atomic import write_text
from otio_speakerzoom.store.bounded import read_text

EDITIONS = "it runs in every edition from 18.5 on; the free one from 21.1 on has no other scripts"


def install(folder: Path | None = None, *, all_users: bool = False, dry_run: bool = False) -> Path:
    """Write the script into Resolve's folder, and return its path; with `dry_run` only check.

    SpeakerZoomError if a file of that name is there that does not carry our mark, or if the folder
    cannot be written.
    """
    path = (folder or script_folder(all_users=all_users)) / NAME
    check_owner(path, is_ours)
    if dry_run:
        return path
    if not all_users:
        open_mailbox()
    try:
        write_text(path, script_text(mailbox_name(all_users=all_users)))
    except StoreError as error:
        raise StoreError(f"{path}: cannot be written; {_remedy(all_users)}") from error
    return path


def uninstall(
    folder: Path | None = None, *, all_users: bool = False, dry_run: bool = False
) -> Path | None:
    """Remove the script, and return its path; None if there is none.

    SpeakerZoomError if the file of that name does not carry our mark, or cannot be removed.
    """
    path = (folder or script_folder(all_users=all_users)) / NAME
    if not path.exists() and not path.is_symlink():
        return None
    check_owner(path, is_ours)
    if not dry_run:
        try:
            path.unlink()
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be removed ({error.strerror}); {_remedy(all_users)}"
            ) from error
    return path


def state(path: Path, *, all_users: bool) -> str:
    """Return what is at the place of the script: `current`, `old`, `foreign` or `missing`."""
    with suppress(OSError):
        if not path.exists() and not path.is_symlink():
            return "missing"
        if is_ours(path):
            expected = script_text(mailbox_name(all_users=all_users))
            return "current" if read_text(path) == expected else "old"
    return "foreign"


def places() -> dict[Path, str]:
    """Return where the script may be, for this user and for all, with the state of each."""
    return {
        path: state(path, all_users=all_users)
        for all_users in (False, True)
        for path in (script_folder(all_users=all_users) / NAME,)
    }


def is_installed() -> bool:
    """Whether the script is in Resolve's menu, in this version or another one."""
    return not {"current", "old"}.isdisjoint(places().values())


def describe() -> str:
    """Return in one line where the script is, whether it is current, and what editions allow."""
    texts = {
        "current": "{}: current",
        "old": "{}: of another version; run `speakerzoom install resolve` again",
        "foreign": "{}: is not of speakerzoom",
    }
    parts = [texts[what].format(path) for path, what in places().items() if what != "missing"]
    runs = [message for message in messages() if message.get("product")]
    if runs:
        last = max(runs, key=lambda message: message.time)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.time))
        parts.append(f"last run {when}: {last.describe()}")
    if calibration := load(mailbox_folder()):
        parts.append(describe_calibration(calibration))
    script = "; ".join(parts) or "no script; `speakerzoom install resolve` installs it"
    return f"{script}; {EDITIONS}"


def _remedy(all_users: bool) -> str:
    return (
        "run this as an administrator, or without --all-users" if all_users
        else "check the permissions of its folder"
    )  # fmt: skip
