"""Analyses the segments of one recording on a Ray cluster, a task each.

The task of the recording gathers the results; a segment whose worker is lost is analysed again.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.faces.detectors.interface import FaceDetector
from otio_speakerzoom.pipeline.segment import SegmentResult, SegmentTask, analyze_segment
from otio_speakerzoom.pipeline.segment_processes import OpenDetector, in_work

MAX_RETRIES = 3
"""How often a segment whose worker is lost is analysed again."""
SEGMENT_MEMORY_BYTES = 1 << 30
"""Of a worker: 4K needs this much."""

_detectors: dict[bytes, FaceDetector] = {}
"""The detectors of this worker, by what opened them."""


class RaySegments:
    """Analyses segments on the cluster that this process is connected to."""

    def __init__(self, ray: Any, environment: Mapping[str, str]) -> None:
        """The workers get the variables of `environment`."""
        self._ray, self._environment = ray, dict(environment)

    def __call__(
        self, tasks: Sequence[SegmentTask], open_detector: OpenDetector
    ) -> Generator[SegmentResult, None, None]:
        """Yield the result of each task, in order; raise the error of a segment.

        Closing the generator cancels the tasks.
        """
        ray = self._ray
        remote = ray.remote(num_cpus=1, memory=SEGMENT_MEMORY_BYTES, max_retries=MAX_RETRIES)(
            work_on_segment
        )
        ahead = in_work(max(1, int(ray.cluster_resources().get("CPU", 1))))
        running: list[Any] = []
        submitted = 0
        try:
            for number, task in enumerate(tasks):
                while submitted < min(len(tasks), number + ahead):
                    running.append(
                        remote.remote(tasks[submitted], open_detector, self._environment)
                    )
                    submitted += 1
                yield self._get(running.pop(0), task)
        finally:
            for reference in running:
                with suppress(ray.exceptions.RayError):
                    ray.cancel(reference)

    def _get(self, reference: Any, task: SegmentTask) -> SegmentResult:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            raise error.cause from error
        except exceptions.RayError as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ToolError(
                f"{task.media.path}: the task for frames {task.span.start} to {task.span.end} was "
                f"lost: {reason}"
            ) from error


def work_on_segment(
    task: SegmentTask, open_detector: OpenDetector, environment: Mapping[str, str]
) -> SegmentResult:
    """Analyse a segment in a process of the cluster, which keeps its detector for the next one."""
    os.environ.update(environment)
    key = pickle.dumps(open_detector)
    if key not in _detectors:
        _detectors[key] = open_detector()
    return analyze_segment(task, _detectors[key])
