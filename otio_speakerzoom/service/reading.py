"""The routes that read: state, curves, pictures, media. Looking never changes anything."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.plugins import resolve_install
from otio_speakerzoom.service import openers, pictures
from otio_speakerzoom.service.curves import MAX_FACE_FRAMES, Curves
from otio_speakerzoom.service.export_formats import formats_to_json
from otio_speakerzoom.service.guard import int_or
from otio_speakerzoom.service.media_file import FilmResponse
from otio_speakerzoom.service.open_source import OpenSource
from otio_speakerzoom.service.pyramids import Levels, window
from otio_speakerzoom.service.state_json import EMPTY, Json
from otio_speakerzoom.service.style_json import style_to_json

MEDIA_TYPES = {
    **dict.fromkeys((".mp4", ".mov", ".m4v"), "video/mp4"),  # browsers look at the content
    ".mkv": "video/x-matroska", ".webm": "video/webm", ".mts": "video/mp2t", ".ts": "video/mp2t",
    ".mxf": "application/mxf", ".avi": "video/x-msvideo",
}  # fmt: skip
"""Suffix of a media file -> its type; all other files are saved by the browser."""
PROXY_JSON: Json = {"media": "media/proxy", "first_frame_time": 0, "variable_rate": False}
DEFAULT_HEIGHT = 360
"""Of a picture in pixels, where a request names none."""


def source_of(request: Request) -> OpenSource:
    """Return the open source that a path names; 404 where there is none."""
    source = request.app.state.sources.get(request.path_params["source"])
    if source is None:
        raise HTTPException(404, "no such source is open")
    return source


def state(request: Request) -> Response:
    """Return the state."""
    return JSONResponse(whole_state(source_of(request)))


def whole_state(source: OpenSource) -> Json:
    """Return everything that the page shows, but for curves and pictures.

    Where a file beside the source is damaged, `error` says which.
    """
    facts: Json = {
        "version": version("otio-speakerzoom"), "source": source.media_json(),
        "proxy": PROXY_JSON if source.proxy() else None, "words": source.transcript() is not None,
        "openers": openers.openers_to_json(), "formats": formats_to_json(),
        "resolve": resolve_install.is_installed(),
    }  # fmt: skip
    is_running = source.jobs.is_unfinished("analyse")
    facts |= {"status": "analysing" if is_running else "not analysed", "analysed": False}
    try:
        source.check_unchanged()
        cut = source.cut_state()
    except SpeakerZoomError as error:
        return {**facts, **EMPTY, "error": str(error)}
    if cut is None:
        return {**facts, **EMPTY}
    return {**facts, **source.cut_json(cut).whole(), "status": "cut", "analysed": True}


def style(request: Request) -> Response:
    """Return what a style is made of."""
    return JSONResponse(style_to_json())


def events(request: Request) -> Response:
    """Stream what changes, to one page."""
    source = source_of(request)
    stream = source.events.stream(source.revision)
    return StreamingResponse(stream, media_type="text/event-stream")


def marks(request: Request) -> Response:
    """Return where an edge of a shot may snap to."""
    return JSONResponse(_curves(request).marks())


def faces(request: Request) -> Response:
    """Return the face boxes of a stretch of frames."""
    start, end = _span(request)
    if end is None or not 0 < end - start <= MAX_FACE_FRAMES:
        raise HTTPException(422, f"ask for 1 to {MAX_FACE_FRAMES} frames: start and end")
    return JSONResponse({"faces": _curves(request).faces(start, end)})


def ribbons(request: Request) -> Response:
    """Return a window of the people's speech probabilities."""
    return _window(request, _curves(request).ribbons)


def voice(request: Request) -> Response:
    """Return a window of the probability of a voice."""
    return _window(request, _curves(request).voice)


def peaks(request: Request) -> Response:
    """Return a window of the waveform."""
    source = source_of(request)
    levels = source.waveform.levels
    if levels is None and source.waveform.fault:
        raise HTTPException(404, source.waveform.fault)
    if levels is None:
        raise HTTPException(503, "the waveform is being read", {"Retry-After": "1"})
    return _window(request, levels)


def frame(request: Request) -> Response:
    """Return one frame as JPEG, of the source or as the cut shows it."""
    source, number = source_of(request), request.path_params["number"]
    height = int_or(request.query_params.get("height"), DEFAULT_HEIGHT)
    if not pictures.MIN_HEIGHT <= height <= pictures.MAX_HEIGHT:
        limits = f"{pictures.MIN_HEIGHT} to {pictures.MAX_HEIGHT}"
        raise HTTPException(422, f"height: {limits} pixels")
    if number >= source.media.duration:
        raise HTTPException(404, f"the source has frames 0 to {source.media.duration - 1}")
    if request.query_params.get("of", "source") == "source":
        return _jpeg(pictures.frame_jpeg(source.media, number, height))
    cut = source.cut_state()
    cut_list = cut and cut.cut_list
    if cut_list is None or not cut_list.range.start <= number < cut_list.range.end:
        raise HTTPException(404, "the cut does not have this frame")
    return _jpeg(pictures.shot_jpeg(cut_list, number, height))


def person_picture(request: Request) -> Response:
    """Return a person's face as JPEG."""
    analysis = _curves(request).analysis
    for person in analysis.people:
        if person.id == request.path_params["person"]:
            picture = source_of(request).person_picture(analysis, person)
            if picture is not None:
                return _jpeg(picture)
    raise HTTPException(404, "there is no picture of this person")


def media(request: Request) -> Response:
    """Return a media file, or the ranges of it that a request names."""
    path = source_of(request).media_file(request.path_params["media"])
    if path is None or not path.is_file():
        raise HTTPException(404, "no such media")
    kind = MEDIA_TYPES.get(path.suffix.lower())
    # a browser may keep what it has of a file, but asks whether it is still the same
    headers = {"Cache-Control": "private, no-cache"}
    if kind is None:  # to be saved, never shown as a page of ours
        return FileResponse(
            path, media_type="application/octet-stream", filename=path.name, headers=headers
        )
    return FilmResponse(path, media_type=kind, headers=headers)


def words(request: Request) -> Response:
    """Return the words of a transcript beside the source."""
    cues = source_of(request).words()
    if cues is None:
        raise HTTPException(404, "no transcript lies beside the source")
    return JSONResponse({"words": cues})


def times(request: Request) -> Response:
    """Return when each frame is shown, where the source's rate varies."""
    source = source_of(request)
    if not source.media.variable_rate:
        raise HTTPException(404, "the source has a constant rate")
    return Response(source.frame_times(), media_type="application/octet-stream")


def _jpeg(content: bytes) -> Response:
    return Response(content, media_type="image/jpeg")


def _curves(request: Request) -> Curves:
    source = source_of(request)
    cut = source.cut_state()
    if cut is None:
        raise HTTPException(404, "the source is not cut yet")
    return source.curves(cut.analysis)


def _window(request: Request, levels: Levels) -> Response:
    start, end = _span(request)
    content = window(levels, request.path_params["level"], start, end)
    if content is None:
        raise HTTPException(404, f"there are levels 0 to {len(levels) - 1}")
    return Response(content, media_type="application/octet-stream")


def _span(request: Request) -> tuple[int, int | None]:
    """Return `start` and `end` of a query; from 0 on, and to the end, by default."""
    start = int_or(request.query_params.get("start"), 0)
    end = request.query_params.get("end")
    return start, int_or(end, 0) if end is not None else None


READING: dict[str, Callable[[Request], Response]] = {
    "/api/state": state,
    "/api/style": style,
    "/api/events": events,
    "/api/marks": marks,
    "/api/faces": faces,
    "/api/ribbons/{level:int}": ribbons,
    "/api/voice/{level:int}": voice,
    "/api/peaks/{level:int}": peaks,
    "/api/frames/{number:int}": frame,
    "/api/people/{person:int}/picture": person_picture,
    "/api/words": words,
    "/api/times": times,
    "/media/{media}": media,
}

ROUTES = [Route(path, function, methods=["GET"]) for path, function in READING.items()]
