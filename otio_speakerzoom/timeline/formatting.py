"""How text formats spell what every timeline holds: XML and frame rates, and who takes which."""

from __future__ import annotations

import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection
from fractions import Fraction

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import conform_command

log = logging.getLogger(__name__)

EVERYWHERE = frozenset(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
"""Rates of the projects of every editor."""
EDITOR_RATES = {
    "Resolve": EVERYWHERE
    | {Fraction(rate) for rate in (16, 18, 48, 72, 96, 100, 120)}
    | {Fraction(rate * 1000, 1001) for rate in (48, 96, 120)},
    "Premiere": EVERYWHERE | {Fraction(rate) for rate in ("10", "12", "25/2", "15")},
    "Final Cut": EVERYWHERE,
    "an EDL": EVERYWHERE,
}
"""Rates of each editor's projects, as its settings list them; the pages in docs say how well
that is known. MLT takes any."""

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def in_xml(text: str) -> bool:
    """Return whether an XML document can hold `text` as it is; parsers turn a CR into a LF."""
    return not _NOT_XML.search(text) and "\r" not in text


def xml_text(root: ET.Element, *, indent: str, doctype: str = "") -> str:
    """Return `root` as a document; a character that XML forbids becomes U+FFFD."""
    ET.indent(root, indent)
    kind = f"<!DOCTYPE {doctype}>\n" if doctype else ""
    body = _NOT_XML.sub("\ufffd", ET.tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{kind}{body}\n'


def timebase(rate: Fraction, path: str, format_: str) -> tuple[int, bool]:
    """Return the whole frames a second that timecode counts, and whether 1000/1001 is meant.

    Raise TimelineError for a rate that is neither, naming the file and the format.
    """
    for ntsc, whole in ((False, rate), (True, rate * Fraction(1001, 1000))):
        if whole.denominator == 1:
            return whole.numerator, ntsc
    raise TimelineError(
        f"{path}: {format_} has no way to say {rate} frames per second; conform it first: "
        f"{conform_command(path, f'fps={taken_rate(rate, EVERYWHERE)}')}"
    )


def warn_of_rate(rate: Fraction, path: str, editor: str) -> None:
    """Say so where no project of the editor named has this rate."""
    taken = EDITOR_RATES[editor]
    if rate not in taken:
        log.warning(
            "%s: has %s frames per second, which no project in %s has; there cuts may lie between "
            "frames. Conform it first with %s",
            path, rate, editor, conform_command(path, f"fps={taken_rate(rate, taken)}"),
        )  # fmt: skip


def taken_rate(rate: Fraction, taken: Collection[Fraction]) -> Fraction:
    """Return the one of `taken` that a source of `rate` is best conformed to.

    The nearest of those that are a multiple or a whole part of it, so that every picture stays as
    long as the next; else the nearest.
    """
    whole = [r for r in taken if 1 in (r / rate).as_integer_ratio()]
    return min(whole or taken, key=lambda r: (abs(r - rate), r))
