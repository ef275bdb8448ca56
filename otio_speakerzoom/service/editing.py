"""The routes that change a cut, and the preview of another style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otio_speakerzoom.edits import StaleRevisionError, State, operation_from_json
from otio_speakerzoom.errors import EditError
from otio_speakerzoom.service.json_body import json_object
from otio_speakerzoom.service.open_source import OpenSource
from otio_speakerzoom.service.reading import source_of, whole_state
from otio_speakerzoom.service.state_json import framing_to_json

MAX_OPERATIONS = 5000
"""Of one change: more than there are shots in the longest recording."""


async def change(request: Request) -> Response:
    """Apply operations to the cut, all or none."""
    source, body = source_of(request), await json_object(request)
    rows = body.get("operations")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_OPERATIONS:
        raise EditError(f"operations: must be a list of 1 to {MAX_OPERATIONS} operations")

    def apply(revision: str) -> State:
        operations = [operation_from_json(row) for row in rows]
        return source.programme.apply(operations, revision)

    return await run_in_threadpool(_changed, source, _revision(request), apply)


async def undo(request: Request) -> Response:
    """Undo the latest edit."""
    source = source_of(request)
    return await run_in_threadpool(_changed, source, _revision(request), source.programme.undo)


async def redo(request: Request) -> Response:
    """Do again what was undone last."""
    source = source_of(request)
    return await run_in_threadpool(_changed, source, _revision(request), source.programme.redo)


async def plan(request: Request) -> Response:
    """Return the cut in another style; nothing is saved."""
    source, body = source_of(request), await json_object(request)
    style, values = body.get("style"), body.get("values", {})
    if not (style is None or isinstance(style, str)) or not isinstance(values, dict):
        raise EditError("style: must be a name or null, and values an object")
    # checked as the operation that would save it
    operation_from_json({"name": "set_style", "style": style, "values": values})
    cut_list = await run_in_threadpool(source.programme.preview, style, values)
    return JSONResponse({"shots": [framing_to_json(shot) for shot in cut_list.shots]})


def _changed(source: OpenSource, revision: str, apply: Callable[[str], State]) -> Response:
    """Apply a change to the cut of that revision; return what is new."""
    before = source.cut_state()
    if before is None:
        raise HTTPException(409, "nothing is cut yet")
    earlier = source.cut_json(before)
    try:
        after = source.cut_json(apply(revision))
    except StaleRevisionError as error:
        stale: dict[str, Any] = {"error": str(error), "applies": list(error.answers)}
        return JSONResponse({**stale, "state": whole_state(source)}, 412)
    source.events.publish("state", {"revision": after.state.revision})
    return JSONResponse(after.change_since(earlier))


def _revision(request: Request) -> str:
    """Return the revision that a change is meant for; 428 where it names none."""
    tag = request.headers.get("if-match", "").strip()
    if len(tag) < 2 or tag[0] != '"' or tag[-1] != '"':
        raise HTTPException(428, 'a change needs If-Match: "REVISION"')
    return tag[1:-1]


ROUTES = [
    Route("/api/cut", change, methods=["PATCH"]),
    Route("/api/undo", undo, methods=["POST"]),
    Route("/api/redo", redo, methods=["POST"]),
    Route("/api/plan", plan, methods=["POST"]),
]
