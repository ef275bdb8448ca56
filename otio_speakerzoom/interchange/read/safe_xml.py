"""Parses untrusted XML: nothing is fetched, nothing is expanded.

A document type is accepted, because FCPXML and xmeml name theirs; any entity that it declares
is refused, which leaves nothing to expand (a billion laughs) and nothing to fetch (a local file).
The standard library's warning: docs.python.org/3/library/xml.html#xml-security.
"""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET
from xml.parsers import expat

MAX_ELEMENTS = 2_000_000
"""In a file: 5,000 clips with every effect that Resolve exports. Each takes up to 700 bytes of
memory and two microseconds."""
MAX_DEPTH = 200
"""Elements inside one another; real exports reach about 30. Keeps recursion bounded."""
_ENCODINGS = re.compile(
    r"ascii|utf-(16|32)(-[bl]e)?|iso8859-\d+|cp\d+|mac-\w+|koi8-[ru]|shift_jis|euc_\w+|gb\w+|big5"
)
_ENCODING_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding=[\"']([\w.-]{1,40})[\"']")


def encoding_of(data: bytes) -> str:
    """Return the encoding of a file by its first bytes or its declaration, else UTF-8.

    LookupError for one that is unknown, or no encoding of text: Python has some that take quadratic
    time, or unpack what they get.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    declaration = _ENCODING_DECLARATION.match(data)
    encoding = declaration[1].decode() if declaration else "UTF-8"
    if encoding.upper().replace("-", "") in ("UTF8", "UTF16"):
        return "UTF-8-SIG"
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        name = ""
    if not _ENCODINGS.fullmatch(name):
        raise LookupError(encoding)
    return encoding


def parse_xml(text: str) -> ET.Element:
    """Return the root element; raise ValueError where the XML is malformed or not plain."""
    tree, depth, count = ET.TreeBuilder(), 0, 0
    parser = expat.ParserCreate("utf-8")  # of the text below, whatever the file was in
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth += 1
        count += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"its elements are nested more than {MAX_DEPTH} deep")
        if count > MAX_ELEMENTS:
            raise ValueError(f"it has more than {MAX_ELEMENTS} elements")
        tree.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        tree.end(tag)

    def refuse(name: str, *_: object) -> None:
        raise ValueError(f"it declares the XML entity {name}, which no editor does")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = tree.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise ValueError(f"it is not well-formed XML: {error}") from error
    return tree.close()


def text_at(element: ET.Element, path: str) -> str:
    """Return the text at `path`; raise ValueError where there is none."""
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"<{element.tag}> has no <{path}>")
    return text.strip()
