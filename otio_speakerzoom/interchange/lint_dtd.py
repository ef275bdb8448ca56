"""Validates an FCPXML with a document type definition, which the user names.

The definition may not refer to other files: libxml2 would read these, and so could be led to any
file of the machine. The document is the text that our own reader has accepted, not the file.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from xml.parsers import expat

from otio_speakerzoom.errors import TimelineError, ToolError
from otio_speakerzoom.source import absolute_path, find_program, run_program
from otio_speakerzoom.store.bounded import size_text
from otio_speakerzoom.store.user_files import check_readable

MAX_BYTES = 1 << 20
"""Of a definition; Apple's have 40 KB."""
MAX_TOOL_S = 60
"""For xmllint; it validates 10,000 shots in less than one second."""
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml.*?\?>", re.DOTALL)


def validate(document: str, dtd: Path | None) -> tuple[list[str], str]:
    """Return what violates the definition, and a remark on whether one was used.

    TimelineError for a file that is no definition, or refers to other files.
    """
    if dtd is None:
        return [], "not validated with a DTD: --dtd names one"
    rules = _rules(dtd)
    text = _DECLARATION.sub("", document).encode()  # UTF-8 now, whatever the file was in
    try:
        from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  (has no types)
    except ImportError:
        tool = find_program("xmllint")
        if tool is None:
            return [], "not validated with a DTD: neither lxml nor xmllint is installed"
        return _run_xmllint(tool, text, dtd), f"validated with {dtd.name}"
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        definition = etree.DTD(BytesIO(rules))
    except etree.DTDParseError as error:
        raise _no_definition(dtd, error) from error
    tree = etree.fromstring(text, parser)
    errors = [] if definition.validate(tree) else definition.error_log.filter_from_errors()
    return [f"line {e.line}: {e.message}" for e in errors], f"validated with {dtd.name}"


def _rules(dtd: Path) -> bytes:
    """Return the content of a definition that refers to no other file."""
    check_readable(dtd, "a DTD")
    if dtd.stat().st_size > MAX_BYTES:
        raise TimelineError(f"{dtd}: is larger than {size_text(MAX_BYTES)}; give one of Apple's")
    content = dtd.read_bytes()
    references: list[str] = []

    def entity(name: str, *facts: str | bool | None) -> None:
        system = facts[3]
        if system is not None:
            references.append(name)

    def definition(context: str, *_: object) -> int:
        inner = parser.ExternalEntityParserCreate(context)
        inner.EntityDeclHandler = entity
        inner.ExternalEntityRefHandler = lambda *_: 1  # nothing is read for it
        inner.Parse(content, True)
        return 1

    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
    parser.ExternalEntityRefHandler = definition
    try:
        parser.Parse(b'<!DOCTYPE fcpxml SYSTEM "d"><fcpxml/>', True)
    except expat.ExpatError as error:
        raise _no_definition(dtd, error) from error
    if references:
        raise TimelineError(
            f"{dtd}: refers to another file by its entity {references[0]}, which is not read; give "
            "one of Apple's DTDs"
        )
    return content


def _no_definition(dtd: Path, error: Exception) -> TimelineError:
    return TimelineError(f"{dtd}: is not a DTD ({error}); give one of Apple's")


def _run_xmllint(tool: Path, text: bytes, dtd: Path) -> list[str]:
    command = [str(tool), "--nonet", "--noout", "--dtdvalid", str(absolute_path(dtd)), "-"]
    try:
        code, output = run_program(command, MAX_TOOL_S, text)
    except ToolError as error:
        raise ToolError(
            f"{error}; leave out --dtd, or install lxml, which validates too"
        ) from error
    return (output.splitlines() or [f"{tool} ended with code {code}"]) if code else []
