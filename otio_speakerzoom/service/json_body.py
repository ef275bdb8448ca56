"""Reads the JSON body of a request."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from otio_speakerzoom.store.json_values import parse_json


async def json_object(request: Request) -> dict[str, Any]:
    """Return the object in a body; 400 where it is something else."""
    try:
        value = parse_json(await request.body())
    except ValueError as error:
        raise HTTPException(400, f"the body cannot be read: it {error}") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value
