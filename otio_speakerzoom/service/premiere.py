"""The route for the panel in Premiere: the file to import, and what to compare the import with."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otio_speakerzoom import pipeline
from otio_speakerzoom.plugins.premiere_plan import plan_of
from otio_speakerzoom.service.guard import refuse
from otio_speakerzoom.service.reading import source_of
from otio_speakerzoom.store.bounded import read_bytes
from otio_speakerzoom.timeline.formats import FORMATS

SUFFIX, EDITOR = ".xml", "premiere"
"""Of the export that the panel imports."""


def plan(request: Request) -> Response:
    """Return the path of a timeline that a job wrote for Premiere, and the plan of its cut.

    409 where the file is not of the cut as it is now. Only with the bearer token: a page never
    learns a path.
    """
    if not request.scope.get("has_bearer"):
        return refuse(403, "only a program with the bearer token learns where files lie")
    source, id_ = source_of(request), request.path_params["job"]
    path = source.jobs.result(id_)
    if path is None or path.suffix != SUFFIX:
        raise HTTPException(404, "no job wrote this timeline, or it is gone; export it again")
    cut = source.cut_state()
    if cut is None:
        raise HTTPException(409, "nothing is cut yet")
    adapter, options = FORMATS[SUFFIX][EDITOR]
    text = pipeline.timeline_text(cut.cut_list, adapter, options)
    if not _holds(path, text):
        raise HTTPException(409, f"{path.name} is not of the cut as it is now; export it again")
    return JSONResponse({
        "file": str(path), "revision": cut.revision,
        "plan": plan_of(cut.cut_list),
    })  # fmt: skip


def _holds(path: Path, text: str) -> bool:
    """Whether a file has exactly this text."""
    try:
        return read_bytes(path, len(text.encode())) == text.encode()
    except OSError:
        return False


ROUTES = [Route("/api/premiere/{job}", plan, methods=["GET"])]
