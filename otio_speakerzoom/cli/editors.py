"""The verbs that work with a script inside an editor: `send`, `install` and `uninstall`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.console import Console

from otio_speakerzoom.cli.streams import print_line
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.timeline.formats import FORMATS, OPENED_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from otio_speakerzoom.cli.request import Request
    from otio_speakerzoom.model import CutList
    from otio_speakerzoom.plugins.resolve_send import Delivery

log = logging.getLogger("otio_speakerzoom")


def send_to_editor(request: Request, console: Console) -> None:
    """Send the current cut to the editor, and print the name of the timeline there."""
    from otio_speakerzoom import pipeline
    from otio_speakerzoom.cli.jobs import build_job
    from otio_speakerzoom.cli.progress import show_progress
    from otio_speakerzoom.plugins import resolve_install

    with show_progress(console, hidden=request.quiet > 0) as on_stage:
        job = build_job(request, on_stage)
        cut_list = pipeline.current_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    if request.editor in OPENED_FILES:
        _open_in_editor(request.editor, cut_list)
        return
    states = set() if request.direct else set(resolve_install.places().values())
    if request.direct:
        log.info("Resolve Studio is driven from outside")
    elif states.isdisjoint(("current", "old")):
        log.warning("the script is not installed in Resolve; run `speakerzoom install resolve`")
    elif "current" not in states:
        log.warning("the script in Resolve is old; run `speakerzoom install resolve`")
    if covered := sum(bool(shot.covers) for shot in cut_list.shots):
        log.warning("%d shots obscure another face in the film only; timelines cannot", covered)
    delivery = _deliver(request, cut_list, {})
    log.info("%s", delivery.outcome)
    for note in delivery.notes:
        log.warning("%s", note)
    print_line(delivery.name)


def _open_in_editor(editor: str, cut_list: CutList) -> None:
    """Write the cut beside its source, under a free name, open it in the editor, print the path."""
    from otio_speakerzoom import pipeline, store
    from otio_speakerzoom.service.free_name import free_name
    from otio_speakerzoom.service.openers import can_open, open_file

    source, suffix = cut_list.media.path, OPENED_FILES[editor]
    if not can_open(editor):
        raise SpeakerZoomError(
            f"{editor}: is not installed here, or has no screen; write a file for it with "
            f"`speakerzoom export {source.name} -o {source.stem}{suffix} --for {editor}`"
        )
    adapter, arguments = FORMATS[suffix][editor]
    path = free_name(source.with_suffix(suffix))
    store.write_text(path, pipeline.timeline_text(cut_list, adapter, dict(arguments)))
    open_file(path, editor)
    print_line(str(path))


def calibrate_editor(request: Request, chart: Path) -> int:
    """Measure on the test chart how the editor counts positions; return 1 if unlike any law."""
    from otio_speakerzoom.interchange import test_chart
    from otio_speakerzoom.plugins import calibration
    from otio_speakerzoom.plugins.mailbox import open_mailbox

    cut_list = test_chart.chart_cut(chart)
    folder = request.folder.absolute()
    stills = {
        frame: folder / f"resolve_{n}.png" for n, frame in enumerate(test_chart.still_frames(), 1)
    }
    for path in stills.values():
        path.unlink(missing_ok=True)  # of an earlier measurement
    delivery = _deliver(request, cut_list, stills)
    if delivery.way != "direct":
        raise SpeakerZoomError(
            f"the timeline {delivery.name} was imported, not built, so it does not show how "
            f"scripts position clips; {'; '.join(delivery.notes)}"
        )
    result = calibration.measure(
        list(stills.values()), cut_list, test_chart.chart_image(), delivery.product,
        delivery.version,
    )  # fmt: skip
    calibration.save(result, open_mailbox())
    for n, row in enumerate(result.agreements, 1):
        log.info("framing %d agrees %.2f with our law of positions, %.2f with the other", n, *row)
    print_line(calibration.describe(result))
    return int(result.law == calibration.NEITHER)


def _deliver(request: Request, cut_list: CutList, stills: dict[int, Path]) -> Delivery:
    """Send a cut, and say what Resolve does."""
    from otio_speakerzoom.plugins import resolve_send

    states = resolve_send.STATES
    waiting = "waiting for Resolve" if request.direct else f"{states['waiting']}; Ctrl-C stops"
    texts = {**states, "waiting": waiting}
    return resolve_send.send(
        cut_list, stills=stills, direct=request.direct,
        on_state=lambda state: log.info("%s", texts[state]),
    )  # fmt: skip


def install_in_editor(request: Request, console: Console) -> None:
    """Install the script or the panel, and print its path."""
    if request.editor == "premiere":
        _install_panel(request)
        return
    from otio_speakerzoom.plugins.resolve_install import install

    path = install(all_users=request.all_users, dry_run=request.dry_run)
    if request.dry_run:
        log.info("would be written")
    else:
        log.info("installed; in Resolve choose Workspace > Scripts > SpeakerZoom")
    print_line(str(path))


def uninstall_from_editor(request: Request, console: Console) -> None:
    """Remove the script or the panel, and print the path that it had."""
    if request.editor == "premiere":
        _uninstall_panel(request)
        return
    from otio_speakerzoom.plugins.resolve_install import uninstall

    path = uninstall(all_users=request.all_users, dry_run=request.dry_run)
    if path is None:
        whom = "all users" if request.all_users else "this user"
        raise SpeakerZoomError(f"the script is not installed in Resolve for {whom}; nothing to do")
    log.info("would be removed" if request.dry_run else "removed")
    print_line(str(path))


def _install_panel(request: Request) -> None:
    from otio_speakerzoom.plugins.premiere_install import install
    from otio_speakerzoom.service.runtime_file import runtime_folder

    _refuse_all_users(request)
    outcome = install(dry_run=request.dry_run)
    if request.dry_run:
        log.info("would be written")
    else:
        if outcome.todo:
            log.warning("%s", outcome.todo)
        log.info("then, in Premiere, choose Window > UXP Plugins > SpeakerZoom")
        log.info("the panel asks once for a folder; it is %s", runtime_folder())
    print_line(str(outcome.path))


def _uninstall_panel(request: Request) -> None:
    from otio_speakerzoom.plugins.premiere_install import uninstall

    _refuse_all_users(request)
    outcome = uninstall(dry_run=request.dry_run)
    if outcome is None:
        raise SpeakerZoomError("the panel for Premiere is not installed; nothing to do")
    if outcome.todo:
        log.warning("%s", outcome.todo)
    log.info("would be removed" if request.dry_run else "removed")
    print_line(str(outcome.path))


def _refuse_all_users(request: Request) -> None:
    if request.all_users:
        raise SpeakerZoomError(
            "--all-users: Creative Cloud decides for whom it installs a panel; leave it out"
        )
