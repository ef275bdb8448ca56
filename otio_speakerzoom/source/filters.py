"""Chains of libavfilter filters for frames whose size or format may change on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
from av.error import BlockingIOError as NeedsMore
from av.error import EOFError as AtEnd
from av.filter import Graph
from av.filter.context import FilterContext

from otio_speakerzoom.source.threads import filter_threads

Filter = tuple[str, str | dict[str, str]]
"""Name and options of a filter: as a string in ffmpeg's syntax, or by name without escapes."""


class FilterChain:
    """Filters in series; rebuilt when the incoming frames change their size or format."""

    def __init__(self, *filters: Filter, threads: int = 0) -> None:
        """`threads` is how many work on the same frame, 0 for as many as there are cores.

        Their number does not change the result.
        """
        self._filters = filters
        self._threads = threads
        self._graph: Graph | None = None
        self._first: FilterContext | None = None
        self._shape: tuple[object, ...] = ()
        self._position: tuple[int, int] | None = None

    def move_crop(self, left: int, top: int) -> None:
        """Move the first filter, a crop, to this position from the next frame on.

        A new chain for each position would take as long as scaling does.
        """
        if (left, top) != self._position:
            self._position = left, top
            self._send_position()

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Yield the frames that come out after `frame` went in: with most filters, one."""
        shape = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if shape != self._shape:
            yield from self.flush()
            self._graph, self._first = _graph(frame, self._filters, self._threads)
            self._shape = shape
            self._send_position()
        assert self._graph is not None
        self._graph.push(frame)
        yield from self._pull()

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the output for one frame, of a chain without delay."""
        return next(iter(self.push(frame)))

    def flush(self) -> Iterator[av.VideoFrame]:
        """Yield the frames that are still inside."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
        self._graph, self._first, self._shape = None, None, ()

    def _send_position(self) -> None:
        if self._first is not None and self._position is not None:
            for name, value in zip("xy", self._position, strict=True):
                self._first.process_command(name, str(value))

    def _pull(self) -> Iterator[av.VideoFrame]:
        while self._graph is not None:
            try:
                frame = self._graph.pull()
            except (NeedsMore, AtEnd):
                return
            assert isinstance(frame, av.VideoFrame)
            yield frame


def _graph(
    frame: av.VideoFrame, filters: Sequence[Filter], threads: int
) -> tuple[Graph, FilterContext]:
    """Return a configured graph of `filters` for frames like `frame`, and the first filter."""
    graph = Graph()
    graph.threads = threads or filter_threads()
    base = frame.time_base or "1/1000000"
    # declared here, because the graph would take the colour of the first frame for a change
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}:"
        f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    contexts = [source]
    for name, options in filters:
        context = (
            graph.add(name, **options) if isinstance(options, dict) else graph.add(name, options)
        )
        contexts[-1].link_to(context)
        contexts.append(context)
    contexts[-1].link_to(graph.add("buffersink"))
    graph.configure()
    return graph, contexts[1]
