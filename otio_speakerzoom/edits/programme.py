"""The cut of one source as hands change it: its state, operations, undo and redo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.edits.applies import applies
from otio_speakerzoom.edits.content import (
    Content,
    apply_changes,
    changes_between,
    named_cut,
    reversed_changes,
)
from otio_speakerzoom.edits.draft import Draft
from otio_speakerzoom.edits.hand_edits import adopt_hand_edits
from otio_speakerzoom.edits.history import changes_of_edit, stacks
from otio_speakerzoom.edits.loading import MAX_WAIT_S, Loaded, Loader, planned
from otio_speakerzoom.edits.operations import Operation, operation_to_json
from otio_speakerzoom.edits.people_operations import PEOPLE_OPERATIONS, style_choice
from otio_speakerzoom.edits.saving import finish_interrupted, save
from otio_speakerzoom.edits.sentences import sentence
from otio_speakerzoom.edits.shot_operations import SHOT_OPERATIONS
from otio_speakerzoom.errors import EditError
from otio_speakerzoom.model import CutList, Lock
from otio_speakerzoom.pipeline import Analysis, Job


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A cut as it is now."""

    revision: str
    """Short text that changes with every change, whoever makes it."""
    cut_list: CutList
    """As `pipeline.current_cut` returns it."""
    locks: tuple[Lock, ...]
    """In order of time; outside the range of the cut too."""
    analysis: Analysis
    style_name: str
    """Name of a preset, or path of a file."""
    style_values: Mapping[str, float | str]
    """That override the style's own."""
    style: Style
    undo: str
    """What `undo` would undo, in words; empty if there is nothing."""
    redo: str


class StaleRevisionError(EditError):
    """The cut has changed since whoever requests an operation saw it."""

    def __init__(self, state: State, answers: Sequence[bool]) -> None:
        super().__init__("the cut has changed since; look at it again")
        self.state = state
        self.answers = tuple(answers)
        """For each operation, whether what it refers to is still there."""


class Programme:
    """The cut of one source. Every method may be called from any thread."""

    def __init__(self, job: Job) -> None:
        """Take a job that names the source; its options for another style or part are ignored."""
        self._job = replace(job, options=store.Options(), within=None, canvas=None, force=False)
        self._loader = Loader(self._job)
        self._writing = RLock()
        self._state: tuple[Loaded, State] | None = None

    def state(self) -> State:
        """Return the cut as it is now; only files that have changed are read.

        Nothing is written. SpeakerZoomError if nothing is cut yet, or a file is damaged.
        """
        return self._state_of(self._loader.load())

    def apply(self, operations: Sequence[Operation], revision: str) -> State:
        """Apply all operations in order, or none; they are undone together.

        StaleRevisionError if `revision` is not that of the cut any more, EditError for an operation
        that does not fit it, StoreError for files that cannot be written.
        """
        with self._writable(revision, operations) as (loaded, copies):
            draft = self._draft(loaded)
            for operation in operations:
                (SHOT_OPERATIONS | PEOPLE_OPERATIONS)[operation.name](draft, operation)
            rows = store.lock_rows(loaded.session.folder)
            if changes := changes_between(loaded.content, draft.content, rows):
                done, undone = stacks(loaded.journal.lines())
                line = {
                    "do": 1 + max((row.edit for row in (*done, *undone)), default=0),
                    "operations": [operation_to_json(operation) for operation in operations],
                    "changes": changes,
                }
                self._save(loaded, draft.content, changes, line, copies)
            return self._state_of(self._loader.load(is_locked=True))

    def undo(self, revision: str) -> State:
        """Undo the latest edit; EditError if there is none, or it was changed since."""
        return self._step_back(revision, "undo")

    def redo(self, revision: str) -> State:
        """Do again what was undone last; EditError if there is nothing, or it was changed since."""
        return self._step_back(revision, "redo")

    def preview(self, style: str | None, values: Mapping[str, float | str | None]) -> CutList:
        """Return the cut in another style, as `set_style` would plan it; nothing is saved."""
        loaded = self._loader.load()
        choice = style_choice(loaded.content.style, style, dict(values))
        content = replace(loaded.content, style=choice)
        cached = planned(loaded.analysis, loaded.cached, content)
        content = replace(content, shots=cached.value.shots, angles=cached.value.angles)
        return named_cut(content, cached.value)

    @contextmanager
    def _writable(
        self, revision: str, operations: Sequence[Operation] = ()
    ) -> Iterator[tuple[Loaded, Callable[[], None]]]:
        """Give what is loaded, and who copies hand edits, while no other process may change it.

        What was interrupted is finished. StaleRevisionError for another revision.
        """
        with self._writing, pipeline.exclusive_session(self._job, MAX_WAIT_S):
            loaded = self._loader.load(is_locked=True)
            if loaded.revision != revision:
                content = loaded.content
                answers = [applies(operation, content) for operation in operations]
                raise StaleRevisionError(self._state_of(loaded), answers)
            loaded, copies = adopt_hand_edits(loaded)
            if finish_interrupted(loaded, copies):
                loaded, copies = adopt_hand_edits(self._loader.load(is_locked=True))
            yield loaded, copies

    def _step_back(self, revision: str, verb: str) -> State:
        with self._writable(revision) as (loaded, copies):
            done, undone = stacks(loaded.journal.lines())
            lines = done if verb == "undo" else undone
            if not lines:
                raise EditError(f"there is nothing to {verb}")
            line = lines[-1]
            changes = changes_of_edit(loaded.journal, line.edit)
            with loaded.journal.reporting_faults():
                if verb == "undo":
                    changes = reversed_changes(changes)
                content, misfits = apply_changes(loaded.content, changes, loaded.session.media)
                what = sentence(line.operations, loaded.content, loaded.session.media)
            if misfits:
                raise EditError(
                    f"the cut was changed by another program since, so this cannot be {verb}ne: "
                    f"{what}"
                )
            self._save(loaded, content, changes, {verb: line.edit}, copies)
            return self._state_of(self._loader.load(is_locked=True))

    def _draft(self, loaded: Loaded) -> Draft:
        cut = loaded.cached.value

        def analysis_of(content: Content) -> Analysis:
            return self._loader.analysis(loaded.session, loaded.cached, content)

        def plan(content: Content) -> Content:
            new = planned(analysis_of(content), loaded.cached, content).value
            return replace(content, shots=new.shots, angles=new.angles)

        return Draft(
            loaded.content, cut.media, cut.canvas,
            lambda content: self._loader.director(
                analysis_of(content), cut.canvas, content.style.style
            ),
            plan,
        )  # fmt: skip

    def _save(
        self, loaded: Loaded, content: Content, changes: dict[str, Any], line: dict[str, Any],
        copies: Callable[[], None],
    ) -> None:  # fmt: skip
        analysis = self._loader.analysis(loaded.session, loaded.cached, content)
        if saved := save(loaded, content, analysis, changes, line, copies):
            self._loader.accept(saved)

    def _state_of(self, loaded: Loaded) -> State:
        latest = self._state
        if latest is None or latest[0] is not loaded:
            content, media = loaded.content, loaded.session.media
            done, undone = stacks(loaded.journal.lines())
            with loaded.journal.reporting_faults():
                undo, redo = (
                    sentence(lines[-1].operations, content, media) if lines else ""
                    for lines in (done, undone)
                )
            latest = self._state = loaded, State(
                loaded.revision, named_cut(content, loaded.cached.value), content.locks,
                loaded.analysis, content.style.name, dict(content.style.values),
                content.style.style, undo, redo,
            )  # fmt: skip
        return latest[1]
