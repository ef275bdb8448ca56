"""Writes an edit: first all new files under temporary names, then the journal, then the names.

    1. every new file lies on the disk under a temporary name
    2. its line is appended to edits.jsonl, and is on the disk
    3. the files are replaced, in the order of `EDITED_FILES`
    4. the line is marked as finished

A disk that is full fails in 1 or 2, and nothing has changed then. Whoever is killed before 2 ends
leaves nothing but temporary files; after it, `history.finish` shows the edit whole to the next
reader, and `finish_interrupted` writes it before the next edit.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits.content import Content
from otio_speakerzoom.edits.history import changes_of, header_of, unfinished
from otio_speakerzoom.edits.loading import Loaded, cut_of, plan_of, with_header
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.pipeline import Analysis


def save(
    loaded: Loaded,
    content: Content,
    analysis: Analysis,
    changes: dict[str, Any],
    line: dict[str, Any],
    copies: Callable[[], None],
) -> Loaded | None:
    """Write an edit of what was loaded, with its line of the journal; return what is there now.

    That is None where more than shots and locks have changed, and it is to be loaded again.

    `changes` are those that lead from what was loaded to `content`. `copies` saves copies of what
    the edit would replace for good, before anything changes.
    """
    content = replace(content, locks=pipeline.with_sightings(content.locks, analysis))
    cached = _counted_cut(loaded, content, analysis)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {**line, "time": now, "cut": header_of(cached)}
    number = line.get("do") or line.get("undo") or line.get("redo")
    texts = _texts(loaded, content, cached, changes)
    _write(loaded, texts, copies, line)
    with suppress(StoreError):  # a full disk: the next edit finds all files as they should be
        loaded.journal.append({"finished": number})
    if loaded.is_adopted or not {*changes} <= {"shots", "angles", "locks"}:
        return None
    digests = {path: store.text_digest(text) for path, text in texts}
    return replace(
        loaded, cached=cached, content=content, analysis=analysis, files={**loaded.files, **digests}
    )


def finish_interrupted(loaded: Loaded, copies: Callable[[], None]) -> bool:
    """Write what an interrupted edit has not written; return whether there was one.

    It is in what was loaded already.
    """
    line = unfinished(loaded.journal.lines())
    if line:
        changes = changes_of(loaded.journal, line)
        _write(loaded, _texts(loaded, loaded.content, loaded.cached, changes), copies)
        loaded.journal.append({"finished": line.edit})
    return line is not None


def _write(
    loaded: Loaded,
    texts: list[tuple[Path, str]],
    copies: Callable[[], None],
    line: dict[str, Any] | None = None,
) -> None:
    def before_first() -> None:
        for path, digest in loaded.files.items():
            if store.file_digest(path) != digest:
                raise store.ConcurrentChangeError(
                    f"{path}: another program changed it just before the edit; try again"
                )
        copies()
        if line:
            loaded.journal.append(line)

    store.write_texts(texts, before_first)


def _texts(
    loaded: Loaded, content: Content, cached: store.CachedCut, changes: dict[str, Any]
) -> list[tuple[Path, str]]:
    """Return the path and the new text of each file that changes, in the order of the files."""
    session, is_adopted = loaded.session, loaded.is_adopted
    locks_path, people_path, options_path, cut_path = loaded.files
    texts: list[tuple[Path, str]] = []
    if "locks" in changes or is_adopted:
        window = changes.get("locks", {"removed": (), "inserted": ()})
        rows = [*window["removed"], *window["inserted"]]
        texts.append((locks_path, store.locks_text(session.folder, content.locks, rows)))
    if "people" in changes:
        texts.append((people_path, store.people_text(people_path.parent, content.people)))
    if "style" in changes or is_adopted:
        style, values = content.style.name, dict(content.style.values)
        options = replace(session.options, style=style, style_values=values)
        if is_adopted:
            span = cached.value.range
            options = replace(options, part=(span.start, span.end), canvas=cached.value.canvas)
        texts.append((options_path, store.options_text(options, session.source_digest)))
    return [*texts, (cut_path, store.cut_list_text(cached, session.source_digest))]


def _counted_cut(loaded: Loaded, content: Content, analysis: Analysis) -> store.CachedCut:
    """Return the cut with a content.

    It counts as one of a plan with its locks, people and style, if that before did.
    """
    cached = loaded.cached
    cached = replace(cached, value=cut_of(cached, content, analysis), edited=False, misfits=())
    before = plan_of(loaded.analysis, loaded.cached, loaded.content)
    plan = plan_of(analysis, cached, content)
    new = with_header(cached, plan)
    if before.digest != loaded.cached.input_digest:
        digests = loaded.cached.input_digest, loaded.cached.analysis_digest
        new = replace(new, input_digest=digests[0], analysis_digest=digests[1])
    return new
