"""Chains of libavfilter's filters for pictures that may change their shape on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
from av.error import BlockingIOError as NeedsMore
from av.error import EOFError as AtEnd
from av.filter import Graph
from av.filter.context import FilterContext

Filter = tuple[str, str | dict[str, str]]
"""A filter's name and its options: as ffmpeg writes them, or by name, where nothing is escaped."""


class FilterChain:
    """Filters in a row; where the pictures that come change their shape, the row is built anew."""

    def __init__(self, *filters: Filter) -> None:
        self._filters = filters
        self._graph: Graph | None = None
        self._first: FilterContext | None = None
        self._shape: tuple[object, ...] = ()
        self._place: tuple[int, int] | None = None

    def move_crop(self, left: int, top: int) -> None:
        """Let the first filter, a crop, begin there from the next picture on.

        A new row for each place would take as long as scaling does.
        """
        if (left, top) != self._place:
            self._place = left, top
            self._tell_place()

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Give the pictures that come out once `frame` went in: with most filters, one."""
        shape = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if shape != self._shape:
            yield from self.flush()
            self._graph, self._first = _graph(frame, self._filters)
            self._shape = shape
            self._tell_place()
        assert self._graph is not None
        self._graph.push(frame)
        yield from self._out()

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return what one picture becomes, in a chain that delays none."""
        return next(iter(self.push(frame)))

    def flush(self) -> Iterator[av.VideoFrame]:
        """Give the pictures that are still inside."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._out()
        self._graph, self._first, self._shape = None, None, ()

    def _tell_place(self) -> None:
        if self._first is not None and self._place is not None:
            for name, value in zip("xy", self._place, strict=True):
                self._first.process_command(name, str(value))

    def _out(self) -> Iterator[av.VideoFrame]:
        while self._graph is not None:
            try:
                frame = self._graph.pull()
            except (NeedsMore, AtEnd):
                return
            assert isinstance(frame, av.VideoFrame)
            yield frame


def _graph(frame: av.VideoFrame, filters: Sequence[Filter]) -> tuple[Graph, FilterContext]:
    """Return a configured graph of `filters` for pictures such as `frame`, and the first filter."""
    graph = Graph()
    base = frame.time_base or "1/1000000"
    # said here, colour is what the whole graph starts from; told by frames alone it is a change
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}:"
        f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    row = [source]
    for name, options in filters:
        after = (
            graph.add(name, **options) if isinstance(options, dict) else graph.add(name, options)
        )
        row[-1].link_to(after)
        row.append(after)
    row[-1].link_to(graph.add("buffersink"))
    graph.configure()
    return graph, row[1]
