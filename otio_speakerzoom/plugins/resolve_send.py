"""Sends a cut to the script inside Resolve, and waits for its answer."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList
from otio_speakerzoom.plugins.calibration import Calibration, load
from otio_speakerzoom.plugins.mailbox import TIMELINE, add_to_log, open_mailbox, post
from otio_speakerzoom.plugins.messages import Message, answer_to
from otio_speakerzoom.plugins.recipe import FRAME, MAX_AGE_S, SCALED, recipe_of
from otio_speakerzoom.plugins.resolve_direct import DirectRun, run_directly
from otio_speakerzoom.store.folder_lock import exclusive_lock
from otio_speakerzoom.timeline.write import timeline_text

POLL_INTERVAL_S = 0.5
MAX_BUILD_S = 1800
"""Of a timeline that Resolve has begun to build. Nobody has measured 1,500 shots; half an hour is a
second for each."""

STATES = {
    "waiting": "waiting for Resolve: choose Workspace > Scripts > SpeakerZoom there",
    "building": "Resolve builds the timeline",
}
"""What `send` tells while it waits -> what a user reads."""
_WAYS = {
    "direct": "done: built from the clip in the media pool",
    "otio": "done: imported as a timeline",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a timeline came into Resolve."""

    name: str
    """Of the timeline."""
    way: str
    """`direct` if it was built from the clip in the media pool, `otio` if a file was imported."""
    notes: tuple[str, ...]
    """What the user should know, a sentence each."""
    product: str = ""
    """Name of Resolve's edition."""
    version: str = ""

    @property
    def outcome(self) -> str:
        """What a user reads of the way; a script of another version may know other ways."""
        return _WAYS.get(self.way, "done")


def send(
    cut_list: CutList,
    folder: Path | None = None,
    *,
    stills: Mapping[int, Path] = MappingProxyType({}),
    direct: bool = False,
    on_state: Callable[[str], None] = lambda _: None,
    max_wait_s: float = MAX_AGE_S,
) -> Delivery:
    """Put a cut into the mailbox, wait until the script has built it, and return how.

    Resolve exports the frames `stills` of the timeline as pictures. With `direct` we run the script
    ourselves, which Resolve Studio allows. `on_state` gets `waiting` at once, and `building` when
    the script has taken the recipe. The recipe is removed however the wait ends, so that nothing is
    built later by surprise.
    SpeakerZoomError with the reason if Resolve refuses, or if nobody runs the script in time.
    """
    folder = open_mailbox(folder)
    calibration = None if stills else load(folder)
    law = calibration.law if calibration and calibration.law == FRAME else SCALED
    recipe = recipe_of(
        cut_list, folder / TIMELINE, media_names(str(cut_list.media.path)), stills=stills, law=law
    )
    timeline = timeline_text(cut_list, "speakerzoom_resolve_otio", {})
    with exclusive_lock(folder), post(folder, recipe.text(), timeline):
        on_state("waiting")
        begin = time.monotonic()
        with run_directly(folder) if direct else nullcontext() as run:
            answer = _wait(recipe.id, folder, on_state, max_wait_s, run)
        shots = len(cut_list.shots)
        add_to_log(
            folder, f"{shots} shots in {time.monotonic() - begin:.1f} s; {answer.describe()}"
        )
    return _result(answer, cut_list.media.path, calibration)


def media_names(path: str) -> list[bytes]:
    """Return the names under which Resolve may know a path, the likeliest first.

    Systems differ in whether a name goes by its links, and in how they compose its accents. They
    are in UTF-8, on Windows also in the system's code page.
    """
    paths = [path, os.path.realpath(path)]
    paths += [unicodedata.normalize(form, name) for name in paths for form in ("NFC", "NFD")]
    names = [name.encode("utf-8", "surrogateescape") for name in paths]
    if sys.platform == "win32":
        names += [name.encode("mbcs", "replace") for name in paths]
    return list(dict.fromkeys(names))


def _wait(
    request: str,
    folder: Path,
    on_state: Callable[[str], None],
    max_wait_s: float,
    run: DirectRun | None,
) -> Message:
    """Return the final answer to a request; SpeakerZoomError if none comes in time."""
    end, state = time.monotonic() + max_wait_s, "waiting"
    while time.monotonic() < end:
        failure = run.failure() if run else ""  # before we look, because it answers before it ends
        answer = answer_to(request, folder)
        if answer and answer.get("state") != "building":
            return answer
        if answer and state == "waiting":
            state, end = "building", time.monotonic() + MAX_BUILD_S
            on_state(state)
            if run:
                run.is_building = True
        if failure:
            raise SpeakerZoomError(f"{failure}; leave out --direct and use the menu in Resolve")
        time.sleep(POLL_INTERVAL_S)
    if state == "building":
        raise SpeakerZoomError(
            "Resolve began to build the timeline and did not answer within half an hour; look there"
            " for a dialog that waits, and for what the timeline has"
        )
    raise SpeakerZoomError(
        f"nobody ran the script in Resolve within {max_wait_s / 60:.0f} minutes, so nothing is "
        "built; start again, and choose Workspace > Scripts > SpeakerZoom there"
    )


def _result(answer: Message, media: Path, calibration: Calibration | None) -> Delivery:
    remains = answer.texts("remains")
    if answer.get("state") != "done":
        reason = answer.text("reason") or "unknown"
        if attempt := answer.text("import"):
            reason += f"; importing the timeline instead: {attempt}"
        if remains:
            reason += f"; delete what is left by hand: {remains}"
        raise SpeakerZoomError(
            f"Resolve did not build the timeline: {reason}. To import it by hand, write it with "
            f"`speakerzoom export {media.name} -o FILE.otio --for resolve`"
        )
    notes = _notes(answer, remains)
    if calibration and calibration.version != answer.text("version"):
        notes.append(
            f"positions were measured in Resolve {calibration.version}, this is "
            f"{answer.text('version')}; run `speakerzoom calibrate DIR --to resolve` again"
        )
    return Delivery(
        answer.text("name"), answer.get("way"), tuple(notes),
        answer.text("product"), answer.text("version"),
    )  # fmt: skip


def _notes(answer: Message, remains: str) -> list[str]:
    notes: list[str] = []
    if fallback := answer.text("fallback"):
        notes.append(f"the timeline was imported from a file, because {fallback}")
    if doubt := answer.text("doubt"):
        notes.append(f"Resolve reads the import back differently: {doubt}; check a close-up")
    if answer.get("saved") == "false":
        notes.append("the project is not saved; save it in Resolve")
    if answer.get("refusals") not in ("", "0"):
        notes.append(f"Resolve refused {answer.text('refusals')} names, colours or markers")
    if remains:
        notes.append(f"delete what is left of the first try by hand: {remains}")
    return notes
