"""The file through which programs of the same user find the running service.

It holds the port and the bearer token, so only its user may read it. A file that a killed service
left, that another user could have written, or whose port belongs to another program by now, counts
as none: before anything secret is sent to a port, its program must answer a challenge, which only
one that knows the token can.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import stat
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import SpeakerZoomError, StoreError
from otio_speakerzoom.service.access import proof
from otio_speakerzoom.store.atomic import is_running, replace_file, write_error
from otio_speakerzoom.store.bounded import open_regular, read_up_to
from otio_speakerzoom.store.json_values import parse_json

ADDRESS = "127.0.0.1"
NAME = "service.json"
MAX_FILE_BYTES = 1 << 16
"""Of the file, and of an answer: they have some hundred bytes."""
MAX_ANSWER_S = 5
"""How long a running service may take to answer a challenge: on a busy machine, a second."""
MAX_OPEN_S = 120
"""How long it may take to open a source: every packet of the file may have to be read."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """What the file says of the service."""

    port: int
    pid: int
    bearer: str = field(repr=False)
    """Not shown where the record is printed."""
    version: str


def runtime_folder() -> Path:
    """Return the folder for the file, made if need be, which nobody else may read.

    Raise StoreError where it cannot be made, or belongs to somebody else.
    """
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.lstat()
    except OSError as error:
        raise write_error(folder, error) from error
    if not stat.S_ISDIR(owner.st_mode) or not _is_private(owner, 0o022):
        raise StoreError(
            f"{folder}: other users can change it; make it yours alone (chmod 700), or remove it"
        )
    return folder


def _folder() -> Path:
    """Return the usual place for what a user's programs share while they run."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "speakerzoom"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "speakerzoom"
    for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        path = Path(os.environ.get(variable, ""))
        if path.is_absolute() and _is_own_folder(path):
            return path / "speakerzoom"
    return home / ".local" / "state" / "speakerzoom"


def _is_own_folder(path: Path) -> bool:
    """Whether only we can change a folder: after `su` the variable may name another user's."""
    try:
        status = path.stat()
    except OSError:
        return False
    is_folder = stat.S_ISDIR(status.st_mode)
    return is_folder and os.access(path, os.W_OK) and _is_private(status, 0o022)


def write(folder: Path, service: RunningService) -> None:
    """Write the file, whole or not at all, for its user only."""
    write_private(folder / NAME, json.dumps(asdict(service)))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its user may read, at no time anybody else."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        replace_file(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove(folder: Path, service: RunningService) -> None:
    """Remove the file, unless it is another service's by now."""
    if read(folder) == service:
        with suppress(OSError):
            (folder / NAME).unlink()


def read(folder: Path) -> RunningService | None:
    """Return what the file says; None where there is none, or others could have written it."""
    path = folder / NAME
    try:
        with open_regular(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)) as file:
            if not _is_private(os.fstat(file.fileno()), 0o077):
                return None
            row = parse_json(read_up_to(file, MAX_FILE_BYTES))
        values = row["port"], row["pid"], row["bearer"], row["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    service = RunningService(*values)
    numbers = all(type(value) is int and value > 0 for value in (service.port, service.pid))
    texts = isinstance(service.bearer, str) and isinstance(service.version, str)
    return service if numbers and texts and service.port < 1 << 16 else None


def is_alive(service: RunningService) -> bool:
    """Whether this service runs: its process, and behind its port a program that knows the token.

    A process that has ended may have left its number, or its port, to another program.
    """
    if is_running(service.pid) is False:
        return False
    challenge = secrets.token_hex(16)
    try:
        answer = _ask(service, "GET", f"/service?challenge={challenge}", None, MAX_ANSWER_S)
    except OSError:
        return False
    own = proof(service.bearer, challenge)
    return isinstance(answer, dict) and secrets.compare_digest(str(answer.get("proof")), own)


def hand_over(service: RunningService, source: Path | None, work: Path | None) -> str:
    """Let the running service open a source; return the address that opens its page, once."""
    errand = {"source": source and str(source), "work": work and str(work)}
    try:
        answer = _ask(service, "POST", "/api/inbox", errand, MAX_OPEN_S)
    except OSError as error:
        raise SpeakerZoomError(
            f"the running service (process {service.pid}) does not answer ({error}); "
            "end it with Ctrl-C where it was started, and run this again"
        ) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("launch"), str):
        line = answer.get("error") if isinstance(answer, dict) else None
        raise SpeakerZoomError(str(line or "the running service gave no address; start it again"))
    return f"http://{ADDRESS}:{service.port}{answer['launch']}"


def _ask(service: RunningService, method: str, path: str, value: object, seconds: float) -> Any:
    """Return the JSON that a service answers; OSError where it is none.

    The token is sent with a body only: what has no body is the challenge.
    """
    connection = http.client.HTTPConnection(ADDRESS, service.port, timeout=seconds)
    headers, body = {}, None
    if value is not None:
        headers = {"Authorization": f"Bearer {service.bearer}", "Content-Type": "application/json"}
        body = json.dumps(value)
    try:
        connection.request(method, path, body, headers)
        return parse_json(connection.getresponse().read(MAX_FILE_BYTES))
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no answer of the service: {error}") from error
    finally:
        connection.close()


def _is_private(status: os.stat_result, others: int) -> bool:
    """Whether a file is ours, and others have none of these permissions; Windows has its own."""
    if sys.platform == "win32":  # the folder belongs to the user's profile
        return True
    return status.st_uid == os.getuid() and not status.st_mode & others
