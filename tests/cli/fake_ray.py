"""A Ray cluster of this process: each task runs at once, on copies of what it gets."""

from __future__ import annotations

import logging
import pickle
from types import SimpleNamespace


class RayError(Exception):
    """As Ray raises it."""


class FakeRay:
    """What `batch_ray` needs of the module `ray`; `before_task` is called before each task."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, before_task=lambda request: None):
        self.before_task, self.after_task = before_task, lambda request: None
        self.is_connected = True

    def cluster_resources(self):
        return {"CPU": 2.0}

    def put(self, value):
        return value

    def remote(self, **_):
        return lambda function: SimpleNamespace(remote=self._runner(function))

    def wait(self, references, *, timeout, num_returns=1):
        return references[:num_returns], references[num_returns:]

    def get(self, reference):
        return pickle.loads(reference[0])

    def cancel(self, reference):
        raise AssertionError("a task that has ended is not cancelled")

    def shutdown(self):
        self.is_connected = False

    def _runner(self, function):
        def run(*arguments):
            log = logging.getLogger("otio_speakerzoom")
            before = log.handlers[:], log.level, log.propagate
            self.before_task(arguments[0])
            try:  # a machine has its own log
                result = function(*pickle.loads(pickle.dumps(arguments)))
            finally:
                (log.handlers[:], log.level, log.propagate) = before
            self.after_task(arguments[0])
            return (pickle.dumps(result),)

        return run
