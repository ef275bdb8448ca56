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

log = logging.getLogger("otio_speakerzoom.edits")

OF_SHOTS = ("shots", "angles")

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
    if line.verb == "undo":
        return reversed_changes(changes_of_edit(journal, line.edit))
    return changes_of_edit(journal, line.edit)


def changes_of_edit(journal: store.EditJournal, edit: int) -> dict[str, Any]:
    """Return what an edit changed when it was made."""
    line = next(row for row in journal.lines() if (row.verb, row.edit) == ("do", edit))
    return dict(journal.read(line)["changes"])


def finish(
    journal: store.EditJournal, cached: store.CachedCut, content: Content
) -> tuple[store.CachedCut, Content]:
    """Return the cut and its content with the last edit whole, if it was interrupted.

    Where another program has changed a file since, that file stays as it is.
    """
    line = unfinished(journal.lines())
    if line is None:
        return cached, content
    media = cached.value.media
    missed = False
    changes = changes_of(journal, line)
    for name in sorted(changes, key=lambda name: name in OF_SHOTS):
        if name in OF_SHOTS and missed:
            continue
        content, fits = _with_change(content, {name: changes[name]}, media)
        missed |= not fits
    if missed:
        log.warning("%s: an edit was interrupted, and the cut changed since", journal.path)
        return cached, content
    header = journal.read(line)["cut"]
    value = replace(cached.value, shots=content.shots, angles=content.angles)
    return replace(cached, value=value, edited=False, misfits=(), **header), content


def _with_change(content: Content, change: dict[str, Any], media: Any) -> tuple[Content, bool]:
    """Return the content with one change, and whether it has it now; it may have had it before."""
    changed, misfits = apply_changes(content, change, media)
    if not misfits:
        return changed, True
    _, misfits = apply_changes(content, reversed_changes(change), media)
    return content, not misfits
