"""A film made of one clip over and over, without encoding it again and without ffmpeg."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from otio_speakerzoom.source import input_url, open_input


def repeat_clip(clip: Path, seconds: float, folder: Path) -> Path:
    """Write the clip so often that it lasts about `seconds`, its packets as they are."""
    film, begin, copies = folder / f"film{clip.suffix}", Fraction(0), dict[int, _Copy]()
    with av.open(input_url(film), "w") as output:
        while begin < seconds:
            with open_input(clip) as repeated:
                chosen = (repeated.streams.video[0], *repeated.streams.audio[:1])
                if not copies:
                    copies = {s.index: _Copy(output.add_stream_from_template(s)) for s in chosen}
                end = begin
                packets: Any = repeated.demux(*chosen)
                for packet in packets:
                    if packet.dts is None:
                        continue  # the last one, which is empty
                    if packet.stream.type == "video":
                        end = max(end, begin + _end_s(packet))
                    copies[packet.stream.index].add(packet, begin, output)
                begin = end
    return film


def _end_s(packet: Any) -> Fraction:
    return (packet.pts + packet.duration) * packet.time_base


class _Copy:
    """A stream of a film to which the packets of a clip are copied again and again."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last_dts: int | None = None

    def add(self, packet: Any, begin: Fraction, film: Any) -> None:
        """Add a packet of a clip that begins at `begin` seconds; audio is cut where two overlap."""
        shift = round(begin / packet.time_base)
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        if self._last_dts is None or packet.dts > self._last_dts:
            self._last_dts, packet.stream = packet.dts, self._stream
            film.mux(packet)
