"""Reads the JSON body of a request."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def json_object(request: Request) -> dict[str, Any]:
    """Return the object in a body; 400 where it is something else."""
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as error:  # not JSON or not UTF-8, or endlessly nested
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value
