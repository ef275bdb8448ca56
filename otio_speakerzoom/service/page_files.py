"""The files of the page: a table made when the service starts, and nothing else is ever served."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PAGE = Path(__file__).parent / "page"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""Suffix of a file of the page -> its media type."""

INDEX = "index.html"


def page_table(folder: Path = PAGE) -> dict[str, Path]:
    """Return the files of the page by their names; links, and files of other kinds, are none."""
    return {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.suffix in TYPES and path.is_file() and not path.is_symlink()
    }


def page_file(request: Request) -> Response:
    """Return a file of the page by its name; the document itself where a path names none."""
    path = request.app.state.page.get(request.path_params.get("name", INDEX))
    if path is None:
        raise HTTPException(404, "the page has no such file")
    # read anew, so that a reload shows what a developer of the page has just saved
    content = path.read_bytes()
    return Response(content, media_type=TYPES[path.suffix], headers={"Cache-Control": "no-cache"})
