"""What can be undone and redone, and edits whose writing was interrupted.

An edit is appended to edits.jsonl before its files are replaced, one after the other, and marked as
finished after that. So an edit that is not finished may be in all of its files, in some, or in
none; each change is looked for where it belongs, and made where it is missing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from otio_speakerzoom import store
from otio_speakerzoom.edits.content import Content, apply_changes, reversed_changes
from otio_speakerzoom.model import Media

log = logging.getLogger("otio_speakerzoom.edits")

OF_CUT = ("shots", "angles", "cut_style")
"""Changes of cutlist.json, which is written last."""

OUTDATED = "outdated"
"""Digest of the locks of a cut that no locks have."""

HEADER = (
    "input_digest", "analysis_digest", "locks_digest", "preferences_digest", "people_folder",
    "style",
)  # fmt: skip
"""What cutlist.json says of itself beside the shots."""


def header_of(cached: store.CachedCut) -> dict[str, Any]:
    """Return what the file of a cut says of itself, as JSON."""
    return {name: getattr(cached, name) for name in HEADER}


def stacks(
    lines: list[store.JournalLine],
) -> tuple[list[store.JournalLine], list[store.JournalLine]]:
    """Return the edits that can be undone, and those that can be redone; the next one is last."""
    done: list[store.JournalLine] = []
    undone: list[store.JournalLine] = []
    for line in lines:
        if line.verb == "do":
            done.append(line)
            undone.clear()
        elif line.verb == "undo" and done:
            undone.append(done.pop())
        elif line.verb == "redo" and undone:
            done.append(undone.pop())
    return done, undone


def unfinished(lines: list[store.JournalLine]) -> store.JournalLine | None:
    """Return the last line if the files may not have it yet."""
    return lines[-1] if lines and lines[-1].verb != "finished" else None


def changes_of(journal: store.EditJournal, line: store.JournalLine) -> dict[str, Any]:
    """Return what a line of the journal changes in the content."""
    changes = changes_of_edit(journal, line.edit)
    with journal.reporting_faults():
        return reversed_changes(changes) if line.verb == "undo" else changes


def changes_of_edit(journal: store.EditJournal, edit: int) -> dict[str, Any]:
    """Return what an edit changed when it was made."""
    with journal.reporting_faults():
        lines = {row.edit: row for row in journal.lines() if row.verb == "do"}
        return dict(journal.read(lines[edit])["changes"])


def finish(
    journal: store.EditJournal, content: Content, media: Media
) -> tuple[Content, dict[str, Any] | None]:
    """Return the content with the last edit whole, if it was interrupted.

    And the header of its cut; None if no edit was interrupted. What another program has changed
    since stays as it is, and the cut is then to be planned again.
    """
    line = unfinished(journal.lines())
    if line is None:
        return content, None
    with journal.reporting_faults():
        return _finish(journal, line, content, media)


def _finish(
    journal: store.EditJournal, line: store.JournalLine, content: Content, media: Media
) -> tuple[Content, dict[str, Any] | None]:
    changes = changes_of(journal, line)
    own, of_cut = (
        {name: changes[name] for name in changes if (name in OF_CUT) == is_of_cut}
        for is_of_cut in (False, True)
    )
    content, missed = _with_changes(content, own, media)
    whole, missed_in_cut = _with_changes(content, of_cut, media)
    if not missed and not missed_in_cut:
        return whole, _checked_header(journal.read(line)["cut"])
    log.warning("%s: an edit was interrupted, and the cut was changed since", journal.path)
    style = content.style if "style" in missed else whole.style
    return replace(content, style=style), {"locks_digest": OUTDATED}


def _checked_header(header: dict[str, Any]) -> dict[str, Any]:
    """Return what a cut says of itself; ValueError where it is not what `header_of` returns."""
    texts = [header[name] for name in HEADER if name != "style"]
    if len(header) != len(HEADER) or not all(isinstance(text, str) for text in texts):
        raise ValueError("an edit is without the header of its cut")
    store.check_part_name(header["people_folder"])
    return {**header, "style": dict(header["style"])}


def _with_changes(
    content: Content, changes: dict[str, Any], media: Media
) -> tuple[Content, set[str]]:
    """Return the content with the changes, and the names of those that it does not have now."""
    missed: set[str] = set()
    for name, change in changes.items():
        content, fits = _with_change(content, {name: change}, media)
        if not fits:
            missed.add(name)
    return content, missed


def _with_change(content: Content, change: dict[str, Any], media: Any) -> tuple[Content, bool]:
    """Return the content with one change, and whether it has it now; it may have had it before."""
    changed, misfits = apply_changes(content, change, media)
    if not misfits:
        return changed, True
    _, misfits = apply_changes(content, reversed_changes(change), media)
    return content, not misfits
