"""The verbs that work with a script inside an editor: `send`, `install` and `uninstall`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.console import Console

from otio_speakerzoom.cli.streams import print_line
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.cli.request import Request

log = logging.getLogger("otio_speakerzoom")

_STATES = {
    "waiting": "waiting for Resolve: choose Workspace > Scripts > SpeakerZoom there; Ctrl-C stops",
    "building": "Resolve builds the timeline ...",
}
_WAYS = {
    "direct": "done: built from the clip in the media pool",
    "otio": "done: imported as a timeline",
}


def send_to_editor(request: Request, console: Console) -> None:
    """Send the current cut to the editor, and print the name of the timeline there."""
    from otio_speakerzoom import pipeline
    from otio_speakerzoom.cli.jobs import build_job
    from otio_speakerzoom.cli.progress import show_progress
    from otio_speakerzoom.plugins import resolve_install, resolve_send

    with show_progress(console, hidden=request.quiet > 0) as on_stage:
        job = build_job(request, on_stage)
        cut_list = pipeline.current_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    states = set() if request.direct else set(resolve_install.places().values())
    if request.direct:
        log.info("Resolve Studio is driven from outside")
    elif states.isdisjoint(("current", "old")):
        log.warning("the script is not installed in Resolve; run `speakerzoom install resolve`")
    elif "current" not in states:
        log.warning("the script in Resolve is old; run `speakerzoom install resolve`")
    if covered := sum(bool(shot.covers) for shot in cut_list.shots):
        log.warning("%d shots obscure another face in the film only; timelines cannot", covered)
    waiting = "waiting for Resolve ..." if request.direct else _STATES["waiting"]
    texts = {**_STATES, "waiting": waiting}
    delivery = resolve_send.send(
        cut_list, direct=request.direct, on_state=lambda state: log.info("%s", texts[state])
    )
    log.info("%s", _WAYS.get(delivery.way, "done"))
    for note in delivery.notes:
        log.warning("%s", note)
    print_line(delivery.name)


def install_in_editor(request: Request, console: Console) -> None:
    """Install the script, and print its path."""
    from otio_speakerzoom.plugins.resolve_install import install

    path = install(all_users=request.all_users, dry_run=request.dry_run)
    if request.dry_run:
        log.info("would be written")
    else:
        log.info("installed; in Resolve choose Workspace > Scripts > SpeakerZoom")
    print_line(str(path))


def uninstall_from_editor(request: Request, console: Console) -> None:
    """Remove the script, and print the path that it had."""
    from otio_speakerzoom.plugins.resolve_install import uninstall

    path = uninstall(all_users=request.all_users, dry_run=request.dry_run)
    if path is None:
        whom = "all users" if request.all_users else "this user"
        raise SpeakerZoomError(f"the script is not installed in Resolve for {whom}; nothing to do")
    log.info("would be removed" if request.dry_run else "removed")
    print_line(str(path))
