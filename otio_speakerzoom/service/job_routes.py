"""The routes of the jobs, and of what opens their results."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otio_speakerzoom.service.jobs import TooManyJobsError
from otio_speakerzoom.service.json_body import json_object
from otio_speakerzoom.service.openers import open_file
from otio_speakerzoom.service.reading import source_of
from otio_speakerzoom.service.tasks import task_from_json


def jobs(request: Request) -> Response:
    """Return all jobs of the source."""
    return JSONResponse({"jobs": source_of(request).jobs.as_json()})


async def submit(request: Request) -> Response:
    """Add a job."""
    source, body = source_of(request), await json_object(request)
    names: dict[str, Any] = {"from": "begin", "to": "end"}
    try:
        task = task_from_json({names.get(key, key): body[key] for key in body}, source.job)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    try:
        return JSONResponse(await run_in_threadpool(source.jobs.submit, task), 202)
    except TooManyJobsError as error:
        raise HTTPException(429, str(error)) from error


def cancel(request: Request) -> Response:
    """End a job."""
    row = source_of(request).jobs.cancel(request.path_params["job"])
    if row is None:
        raise HTTPException(404, "no such job")
    return JSONResponse(row)


async def open_result(request: Request) -> Response:
    """Open what a job wrote in another program of this machine."""
    source, body = source_of(request), await json_object(request)
    id_ = str(body.get("media", "")).removeprefix("media/")
    path = source.jobs.result(id_)
    if path is None:
        raise HTTPException(404, "no job wrote this file, or it is gone")
    await run_in_threadpool(open_file, path, str(body.get("with", "")))
    return JSONResponse({})


ROUTES = [
    Route("/api/jobs", jobs, methods=["GET"]),
    Route("/api/jobs", submit, methods=["POST"]),
    Route("/api/jobs/{job}", cancel, methods=["DELETE"]),
    Route("/api/open", open_result, methods=["POST"]),
]
