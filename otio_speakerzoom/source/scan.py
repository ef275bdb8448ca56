"""One pass over the packets of a file: which streams hold something, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from av.stream import Disposition

_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails
_MOST_BACK = Fraction(1, 2)
"""Seconds by which a stamp may lie before those of packets that came earlier: muxers put streams
and fields a little out of order; two recordings in one file start again."""


@dataclass(slots=True)
class Packets:
    """What the packets of one stream say."""

    stream: Any
    count: int = 0
    stamps: list[int] = field(default_factory=list[int])
    """When each picture is shown, in ticks of the stream and in the file's order; of sound the
    first and the last alone."""
    jump: Fraction | None = None
    """Seconds from the first packet after which the stamps start again; None where they do not."""
    _order: list[int] = field(default_factory=list[int])
    """The first and the latest stamp of decoding, which rise."""

    def add(self, packet: Any, timed: bool) -> None:
        """Count a packet; `timed` says whether the file stamps when it is shown."""
        self.count += 1
        if packet.dts is not None:
            self._follow(packet.dts)
        stamp = packet.pts if timed else packet.dts
        if stamp is None or packet.is_discard:
            return
        if self.stream.type == "audio" and len(self.stamps) == 2:
            self.stamps.pop()
        self.stamps.append(stamp)

    def _follow(self, dts: int) -> None:
        first, latest = self._order or (dts, dts)
        if self.jump is None and (latest - dts) * self.stream.time_base > _MOST_BACK:
            self.jump = (latest - first) * self.stream.time_base
        self._order = [first, max(latest, dts)]


def scan(container: Any, *, timed: bool = True) -> list[Packets]:
    """Return what is found of each stream of picture or sound that is no still, in order."""
    streams: Sequence[Any] = [
        stream
        for stream in container.streams
        if stream.type in ("video", "audio") and not stream.disposition & _STILLS
    ]
    found = {stream.index: Packets(stream) for stream in streams}
    for packet in container.demux(*streams) if streams else ():
        if packet.size:
            found[packet.stream_index].add(packet, timed)
    return list(found.values())
