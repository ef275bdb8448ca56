"""Scans all packets of a file: how many each stream has, and their timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from av.stream import Disposition

from otio_speakerzoom.source.container import demux

_STILL_IMAGES = Disposition.attached_pic | Disposition.timed_thumbnails
_MAX_STEP_BACK_S = Fraction(1, 2)
"""How far timestamps may go back: muxers put streams and fields slightly out of order, whereas two
recordings in one file start again."""


@dataclass(slots=True)
class StreamPackets:
    """The packets of one stream."""

    stream: Any
    count: int = 0
    hidden: int = 0
    """Of these, how many an edit list hides."""
    stamps: list[int] = field(default_factory=list[int])
    """Presentation times in ticks of the stream and in the file's order; for audio only the first
    and the last."""
    jump: Fraction | None = None
    """Seconds from the first packet to where the timestamps start again; None if they do not."""
    _order: list[int] = field(default_factory=list[int])
    """The first and the latest decoding timestamp, which should ascend."""

    def add(self, packet: Any, timed: bool) -> None:
        """Count a packet; `timed` is whether the file has presentation timestamps."""
        self.count += 1
        if packet.is_discard:  # each edit begins again at a keyframe before it
            self.hidden += 1
            return
        if packet.dts is not None:
            self._follow(packet.dts)
        stamp = packet.pts if timed else packet.dts
        if stamp is None:
            return
        if self.stream.type == "audio" and len(self.stamps) == 2:
            self.stamps.pop()
        self.stamps.append(stamp)

    def _follow(self, dts: int) -> None:
        first, latest = self._order or (dts, dts)
        if self.jump is None and (latest - dts) * self.stream.time_base > _MAX_STEP_BACK_S:
            self.jump = (latest - first) * self.stream.time_base
        self._order = [first, max(latest, dts)]


def scan_packets(container: Any, *, timed: bool = True) -> list[StreamPackets]:
    """Return the packets of each video and audio stream, in order; still images are left out."""
    streams: Sequence[Any] = [
        stream
        for stream in container.streams
        if stream.type in ("video", "audio") and not stream.disposition & _STILL_IMAGES
    ]
    packets_of = {stream.index: StreamPackets(stream) for stream in streams}
    for packet in demux(container, *streams) if streams else ():
        if packet.size:
            packets_of[packet.stream_index].add(packet, timed)
    return list(packets_of.values())
