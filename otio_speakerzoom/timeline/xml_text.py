"""XML documents as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def fits_xml(text: str) -> bool:
    """Return whether XML can hold `text` unchanged; parsers turn a CR into a LF."""
    return not _NOT_XML.search(text) and "\r" not in text


def xml_text(root: ET.Element, *, indent: str, doctype: str = "") -> str:
    """Return `root` as a document; characters that XML forbids become U+FFFD."""
    ET.indent(root, indent)
    declaration = f"<!DOCTYPE {doctype}>\n" if doctype else ""
    body = _NOT_XML.sub("\ufffd", ET.tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{declaration}{body}\n'


def element(tag: str, content: Any) -> ET.Element:
    """Return `content` as an element: "@key" is an attribute, a list repeats its tag.

    None is left out.
    """
    root = ET.Element(tag)
    if not isinstance(content, Mapping):
        root.text = str(content)
        return root
    for key, value in content.items():
        if key.startswith("@"):
            root.set(key[1:], str(value))
            continue
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                root.append(element(key, item))
    return root
