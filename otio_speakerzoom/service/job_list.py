"""jobs.json: the jobs of a source, with what they do and how they ended."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.export_formats import EDITORS
from otio_speakerzoom.service.tasks import NOT_STORED, Task, task_from_json
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import read_json, report_faults, write_json

log = logging.getLogger(__name__)

NAME = "jobs.json"

STATES = ("waiting", "running", "done", "failed", "cancelled")

LABELS = {
    "analyse": "Find faces and score speech",
    "proxy": "Make a film that the browser plays",
    "export": "Write a timeline",
    "render": "Render the film",
    "send": "Build the cut in DaVinci Resolve",
}
"""Kind of a job -> its name on the page."""


@dataclass(slots=True)
class JobRow:
    """One job: what it does, and how far it is."""

    id: str
    task: Task
    state: str = "waiting"
    stage: str = ""
    """Of the work, in words."""
    done: int = 0
    total: int = 0
    """In the stage's own units."""
    file: str = ""
    """Name of the file that it wrote."""
    digest: str = ""
    """Of that file; as long as it has this one, a later job may replace it."""
    error: str = ""

    @property
    def is_unfinished(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    def as_json(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        label = LABELS[self.task.kind]
        if self.task.kind == "export":
            label += f": {EDITORS.get(self.task.editor, self.task.editor)} ({self.task.suffix})"
        result = {"media": f"media/{self.id}", "name": self.file} if self.file else None
        return {
            "id": self.id, "kind": self.task.kind, "label": label, "state": self.state,
            "stage": self.stage, "done": self.done, "total": self.total, "result": result,
            "error": self.error or None,
        }  # fmt: skip

    def result_path(self, job: Job) -> Path | None:
        """Return the file that it wrote, where it lies; None where it is gone, or a link now."""
        if not self.file or self.state != "done":
            return None
        folder = job.folder if self.task.kind == "proxy" else job.source.parent
        path = folder / self.file
        return path if path.is_file() and not path.is_symlink() else None


def save_jobs(job: Job, rows: list[JobRow]) -> None:
    """Store the jobs of a source."""
    jobs = [
        {"id": row.id, "state": row.state, "file": row.file, "digest": row.digest,
         "error": row.error,
         "task": {name: value for name, value in asdict(row.task).items()
                  if name not in NOT_STORED}}
        for row in rows
    ]  # fmt: skip
    write_json(job.folder / NAME, "jobs", "", {"jobs": jobs})


def load_jobs(job: Job) -> list[JobRow]:
    """Return the stored jobs; none where the list is damaged, which is only said."""
    path = job.folder / NAME
    try:
        document = read_json(path, "jobs")
        if document is None:
            return []
        with report_faults(path):
            return [_row_from_json(row, job) for row in Field(document.value).at("jobs").rows()]
    except StoreError as error:
        log.warning("%s", error)
        return []


def _row_from_json(row: Field, job: Job) -> JobRow:
    state, file, id_ = row.at("state").text(), row.at("file").text(), row.at("id").text()
    if state not in STATES:
        raise row.at("state").error(f"one of {', '.join(STATES)}")
    task = task_from_json(row.at("task").raw(), job)
    if file and (file != os.path.basename(file) or file in (".", "..") or "\0" in file):  # noqa: PTH119
        raise row.at("file").error("a file name without folders")
    if file and not _may_be_result(file, task):
        raise row.at("file").error("a file that such a job writes")
    if not id_.isalnum() or not id_.isascii():
        raise row.at("id").error("letters and digits")
    digest, error = row.at("digest").text(), row.at("error").text()
    return JobRow(id_, task, state, file=file, digest=digest, error=error)


def _may_be_result(file: str, task: Task) -> bool:
    """Whether a job writes files with such a name."""
    suffix = task.suffix if task.kind == "export" else ".mp4"
    begins = "proxy-" if task.kind == "proxy" else task.source.stem
    return file.endswith(suffix) and file.startswith(begins) and file != task.source.name
