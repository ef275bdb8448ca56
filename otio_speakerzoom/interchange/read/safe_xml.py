"""XML from strangers as a tree: nothing is fetched, nothing is expanded.

A document type is let through, because FCPXML and xmeml name theirs; any entity that it declares
is refused, which leaves nothing to expand (a billion laughs) and nothing to fetch (a local file).
The standard library's warning: docs.python.org/3/library/xml.html#xml-security.
"""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET
from xml.parsers import expat

DEEPEST = 200
"""Elements inside one another; real exports reach about 30. Keeps recursion bounded."""
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding=[\"']([\w.-]{1,40})[\"']")


def encoding_of(data: bytes) -> str:
    """Return in what a file is written: what its first bytes or its declaration say, or UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    declared = _DECLARED.match(data)
    told = declared[1].decode() if declared else "UTF-8"
    return "UTF-8-SIG" if told.upper().replace("-", "") in ("UTF8", "UTF16") else told


def parse_xml(text: str) -> ET.Element:
    """Return the root element; raise ValueError where that is not plain, sound XML."""
    tree, depth = ET.TreeBuilder(), 0
    parser = expat.ParserCreate("utf-8")  # of the text below, whatever the file was in
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"its elements lie more than {DEEPEST} deep")
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
    found = element.findtext(path)
    if found is None:
        raise ValueError(f"<{element.tag}> has no <{path}>")
    return found.strip()
