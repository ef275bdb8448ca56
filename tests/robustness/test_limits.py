"""How large what we read may be: each limit, what happens at it, and just beyond it."""

import asyncio
import json
import os
import zipfile
from io import BytesIO

import numpy as np
import pytest
from service_client import AppClient
from tables import PAGE, Table
from talk_folder import copy_of, without_path

from otio_speakerzoom import store
from otio_speakerzoom.cli import values
from otio_speakerzoom.errors import SpeakerZoomError, StoreError
from otio_speakerzoom.interchange import lint_dtd
from otio_speakerzoom.interchange.read import open as timelines
from otio_speakerzoom.interchange.read import safe_xml
from otio_speakerzoom.model import Media
from otio_speakerzoom.plugins import messages, premiere_install
from otio_speakerzoom.service import editing, guard, runtime_file, words
from otio_speakerzoom.store import bounded, edit_journal, json_values, npz
from otio_speakerzoom.store.people import MAX_NAME_LENGTH
from otio_speakerzoom.weights import catalogue, fetch, wheels

pytest_plugins = ["talks"]

size = bounded.size_text

LIMITS = {
    "JSON or TOML": size(bounded.MAX_DOCUMENT_BYTES),
    "lists and objects in a JSON": f"{json_values.MAX_ITEMS:,}",
    "depth of JSON": f"{json_values.MAX_DEPTH} inside one another",
    "a whole number in JSON": f"{json_values.MAX_DIGITS:,} digits",
    "arrays in an .npz": size(npz.MAX_ARRAYS_BYTES),
    "number of arrays in an .npz": f"{npz.MAX_ARRAYS:,}",
    "a person's name": f"{MAX_NAME_LENGTH} characters",
    "an edit in edits.jsonl": size(edit_journal.MAX_LINE_BYTES),
    "edits.jsonl": size(edit_journal.MAX_BYTES),
    "an edited timeline": size(timelines.MAX_TIMELINE_BYTES),
    "elements of XML": f"{safe_xml.MAX_ELEMENTS:,}",
    "depth of XML": f"{safe_xml.MAX_DEPTH} inside one another",
    "a DTD": size(lint_dtd.MAX_BYTES),
    "a transcript": size(words.MAX_BYTES),
    "a file with messages of a script in an editor": size(messages.MAX_FILE_BYTES),
    "an installed panel for Premiere": size(premiere_install.MAX_PACKAGE_BYTES),
    "the runtime file of the service": size(runtime_file.MAX_FILE_BYTES),
    "the body of a request": size(guard.MAX_BODY_BYTES),
    "an address": f"{guard.MAX_TARGET_LENGTH:,} characters",
    "operations in a change": f"{editing.MAX_OPERATIONS:,}",
    "weights.toml": size(catalogue.MAX_CATALOGUE_BYTES),
    "a download": f"its size in weights.toml, or {size(wheels.MAX_BYTES)}",
    "a side of the canvas": f"{values.MAX_SIDE_PX:,} pixels",
}
"""What is limited -> the limit."""

TABLE = Table("limits", ("what", "at most", "beyond it"), list(LIMITS))


def check(case, message):
    """Compare what happens beyond a limit with the page."""
    TABLE.check(case, LIMITS[case], message if message.startswith("it ") else f"`{message}`")


def refusal(function, *arguments, error=(ValueError, OSError, SpeakerZoomError)):
    """The one line in which a call is refused."""
    with pytest.raises(error) as caught:
        function(*arguments)
    line = getattr(caught.value, "strerror", None) or str(caught.value)
    assert "\n" not in line
    return line


def sparse(path, count):
    """A file of so many bytes, all of them 0, which takes no space."""
    with path.open("wb") as file:
        file.truncate(count)
    return path


def test_a_document_may_be_as_large_as_its_limit(tmp_path):
    path, limit = tmp_path / "FILE", bounded.MAX_DOCUMENT_BYTES

    assert len(bounded.read_bytes(sparse(path, limit))) == limit
    check("JSON or TOML", refusal(bounded.read_bytes, sparse(path, limit + 1)))


def test_a_file_that_grows_while_it_is_read_stays_bounded(tmp_path, monkeypatch):
    path = sparse(tmp_path / "FILE", 10)
    status = os.stat_result([0o100644, *[0] * 5, 3, 0, 0, 0])  # 3 bytes, it says
    monkeypatch.setattr(bounded.os, "fstat", lambda number: status)

    assert "larger than 5 bytes" in refusal(bounded.read_bytes, path, 5)


def nothing_is_written_that_would_not_be_read(folder):
    text = "x" * bounded.MAX_DOCUMENT_BYTES
    return refusal(store.files.write_json, folder / "cutlist.json", "cutlist", "", {"style": text})


def test_what_nobody_could_read_again_is_not_written(tmp_path):
    assert "would be larger than 32 MiB" in nothing_is_written_that_would_not_be_read(tmp_path)
    assert not list(tmp_path.iterdir())


def test_json_has_limits(tmp_path):
    def items(count):
        return "[" + "[]," * (count - 2) + "[]]"

    depth, digits = json_values.MAX_DEPTH, json_values.MAX_DIGITS
    parse = json_values.parse_json
    assert len(parse(items(json_values.MAX_ITEMS))) == json_values.MAX_ITEMS - 1
    check("lists and objects in a JSON", refusal(parse, items(json_values.MAX_ITEMS + 1)))
    assert parse("[" * depth + "]" * depth)
    assert parse('["' + "[" * 9999 + '", "\\"[[["]')  # brackets in texts do not count
    check("depth of JSON", refusal(parse, "[" * (depth + 1) + "]" * (depth + 1)))
    assert parse("-" + "9" * digits) < 0
    check("a whole number in JSON", refusal(parse, "9" * (digits + 1)))


def write_npz(path, arrays, count):
    """An npz of so many arrays, each of these bytes in all, all of them 0."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (arrays,)}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(count):
            with archive.open(f"a{n}.npy", "w", force_zip64=True) as member:
                member.write(header.getvalue())
                for begin in range(0, arrays, 1 << 20):
                    member.write(bytes(min(1 << 20, arrays - begin)))
    return path, len(header.getvalue())


def test_arrays_have_a_limit_in_number(tmp_path):
    path, _ = write_npz(tmp_path / "a.npz", 1, npz.MAX_ARRAYS)
    assert len(npz.read_npz(path)) == npz.MAX_ARRAYS

    path, _ = write_npz(tmp_path / "b.npz", 1, npz.MAX_ARRAYS + 1)
    check("number of arrays in an .npz", refusal(npz.read_npz, path))


@pytest.mark.slow
def test_arrays_have_a_limit_in_size(tmp_path):
    """A gigabyte of zeros, which is a megabyte on the disk."""
    path, header = write_npz(tmp_path / "a.npz", npz.MAX_ARRAYS_BYTES - 128, 1)
    assert header == 128
    assert npz.read_npz(path)["a0"].nbytes == npz.MAX_ARRAYS_BYTES - 128

    path, _ = write_npz(tmp_path / "b.npz", npz.MAX_ARRAYS_BYTES - 127, 1)
    assert path.stat().st_size < 1 << 21
    check("arrays in an .npz", refusal(npz.read_npz, path))


def test_an_array_is_allocated_only_if_its_bytes_are_there(tmp_path):
    path = tmp_path / "a.npz"
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(80))

    assert "has 80 bytes" in refusal(npz.read_npz, path)


def test_a_name_has_a_limit(cut_talk, tmp_path):
    folder = copy_of(cut_talk, tmp_path)
    document = json.loads((folder / "people.json").read_text())

    def load(name):
        document["people"][0]["name"] = name
        (folder / "people.json").write_text(json.dumps(document))
        return store.load_people(folder)

    assert load("n" * MAX_NAME_LENGTH).value[0].name == "n" * MAX_NAME_LENGTH
    assert load("\U0001f600").value[0].name == "\U0001f600"
    line = without_path(refusal(load, "n" * (MAX_NAME_LENGTH + 1)), folder)
    check("a person's name", line.replace("n" * 56, "..."))
    assert "a name of up to" in refusal(load, "\ud800")


def test_edits_have_limits(tmp_path):
    journal = store.EditJournal(tmp_path, "digest")
    journal.append({"do": 1, "operations": [], "changes": {}})
    begin = journal.path.read_bytes()
    room = edit_journal.MAX_LINE_BYTES - len('{"do":2,"operations":[],"changes":""}')
    line = f'{{"do":2,"operations":[],"changes":"{"x" * room}"}}\n'.encode()

    journal.path.write_bytes(begin + line)
    assert len(store.EditJournal(tmp_path, "digest").lines()) == 2
    journal.path.write_bytes(begin + line.replace(b"xx", b"xxx", 1))
    late = store.EditJournal(tmp_path, "digest")
    check("an edit in edits.jsonl", without_path(refusal(late.lines), tmp_path / "x"))

    journal.path.write_bytes(begin)
    with pytest.raises(StoreError, match="edit fewer shots at once"):
        journal.append({"do": 2, "changes": "x" * edit_journal.MAX_LINE_BYTES})
    size_of_edit = len(b'{"finished":2}\n')
    os.truncate(journal.path, edit_journal.MAX_BYTES - size_of_edit)
    journal._end = edit_journal.MAX_BYTES - size_of_edit  # as if all of it were edits
    journal.append({"finished": 2})
    assert journal.path.stat().st_size == edit_journal.MAX_BYTES
    journal._end = edit_journal.MAX_BYTES - size_of_edit + 1
    line = refusal(journal._append, {"finished": 3})
    check("edits.jsonl", line.replace(f"{tmp_path}{os.sep}", ""))


def xml_of(count):
    return "<a>" + "<b/>" * (count - 1) + "</a>"


@pytest.mark.slow
def test_xml_has_a_limit_of_elements():
    count = safe_xml.MAX_ELEMENTS

    assert len(safe_xml.parse_xml(xml_of(count))) == count - 1
    check("elements of XML", refusal(safe_xml.parse_xml, xml_of(count + 1)))


def test_xml_has_a_limit_of_depth():
    depth = safe_xml.MAX_DEPTH

    assert safe_xml.parse_xml("<a>" * depth + "</a>" * depth) is not None
    check("depth of XML", refusal(safe_xml.parse_xml, "<a>" * (depth + 1) + "</a>" * (depth + 1)))


def test_a_timeline_has_a_limit(tmp_path):
    path, limit = tmp_path / "cut.fcpxml", timelines.MAX_TIMELINE_BYTES

    assert len(timelines.text_of(sparse(path, limit))) == limit
    line = refusal(timelines.text_of, sparse(path, limit + 1))
    check("an edited timeline", line.replace(f"{tmp_path}{os.sep}", ""))


def test_a_dtd_has_a_limit(tmp_path):
    path, limit = tmp_path / "fcpxml.dtd", lint_dtd.MAX_BYTES

    path.write_bytes(b"<!ELEMENT fcpxml ANY>".ljust(limit))
    assert lint_dtd.validate("<fcpxml/>", path)[0] == []
    path.write_bytes(b"<!ELEMENT fcpxml ANY>".ljust(limit + 1))
    line = refusal(lint_dtd.validate, "<fcpxml/>", path)
    check("a DTD", line.replace(f"{tmp_path}{os.sep}", ""))


@pytest.mark.slow
def test_a_transcript_has_a_limit(tmp_path, caplog):
    media = Media(tmp_path / "a.mp4", 25, 100, (640, 360))
    path, cue = tmp_path / "a.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n"

    path.write_bytes(cue.ljust(words.MAX_BYTES))
    assert len(words.read_words(path, media)) == 1
    path.write_bytes(cue.ljust(words.MAX_BYTES + 1))
    assert words.read_words(path, media) == []
    check("a transcript", caplog.messages[-1].replace(f"{tmp_path}{os.sep}", ""))


def test_messages_of_an_editor_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "preference_files", list)
    message = b"SPEAKERZOOM1:answer:abc:1:state=646f6e65:END"
    path = tmp_path / messages.ANSWER

    path.write_bytes(message.ljust(messages.MAX_FILE_BYTES))
    assert len(messages.messages(tmp_path)) == 1
    path.write_bytes(message.ljust(messages.MAX_FILE_BYTES + 1))
    assert messages.messages(tmp_path) == []
    check("a file with messages of a script in an editor", "it counts as empty")


def test_a_panel_has_a_limit(tmp_path):
    path, content = tmp_path / "panel.ccx", premiere_install.package()

    def with_comment(count):  # which an archive may end with
        path.write_bytes(content)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo("filler"), bytes(count))
        return path.stat().st_size

    overhead = with_comment(0)
    with_comment(premiere_install.MAX_PACKAGE_BYTES - overhead)
    assert premiere_install.is_ours(path)
    with_comment(premiere_install.MAX_PACKAGE_BYTES - overhead + 1)
    assert not premiere_install.is_ours(path)
    check("an installed panel for Premiere", "it counts as another program's, and stays")


def test_the_runtime_file_has_a_limit(tmp_path):
    service = runtime_file.RunningService(1234, os.getpid(), "token", "0")
    runtime_file.write(tmp_path, service)
    path = tmp_path / runtime_file.NAME
    text = path.read_text()

    path.write_text(text.ljust(runtime_file.MAX_FILE_BYTES))
    assert runtime_file.read(tmp_path) == service
    path.write_text(text[:-1] + " " * runtime_file.MAX_FILE_BYTES + "}")
    assert runtime_file.read(tmp_path) is None
    check("the runtime file of the service", "it counts as missing")


def test_requests_have_limits(cut_talk, tmp_path):
    folder = copy_of(cut_talk, tmp_path)
    with asyncio.Runner() as runner:
        client = AppClient(runner, folder.with_suffix(""))
        base = f"{client.base}api/"

        def patch(body):
            return client.send("PATCH", f"{base}cut", [*client.headers().items()], body)

        def error(answer):
            return f"{answer.status}: {answer.json['error']}"

        limit = guard.MAX_BODY_BYTES
        assert patch(b"{}".ljust(limit)).status not in (413, 500)
        check("the body of a request", error(patch(b"{}".ljust(limit + 1))))
        target = f"{base}state?x="
        target += "x" * (guard.MAX_TARGET_LENGTH - len(target) + 1)  # without the question mark
        assert client.send("GET", target, [*client.headers().items()]).status == 200
        beyond = client.send("GET", f"{target}x", [*client.headers().items()])
        check("an address", error(beyond))
        one = {"name": "lock", "shot": 10**6}
        rows = json.dumps({"operations": [one] * editing.MAX_OPERATIONS}).encode()
        assert "list of 1 to" not in error(patch(rows))
        rows = json.dumps({"operations": [one] * (editing.MAX_OPERATIONS + 1)}).encode()
        check("operations in a change", error(patch(rows)))


def test_weights_toml_has_a_limit(tmp_path):
    path = tmp_path / "weights.toml"

    path.write_bytes(b"#".ljust(catalogue.MAX_CATALOGUE_BYTES, b"x"))
    assert catalogue.read_catalogue(path) == ()
    path.write_bytes(b"#".ljust(catalogue.MAX_CATALOGUE_BYTES + 1, b"x"))
    line = refusal(catalogue.read_catalogue, path)
    check("weights.toml", line.replace(f"{tmp_path}{os.sep}", ""))


def test_a_download_ends_at_its_size():
    sent = BytesIO()
    fetch._copy(BytesIO(b"x" * 100), sent, 100, 100, lambda *_: None)
    assert sent.getvalue() == b"x" * 100

    line = refusal(fetch._copy, BytesIO(b"x" * 101), BytesIO(), 100, 100, lambda *_: None)
    check("a download", line.replace("100", "SIZE"))


def test_a_canvas_has_a_limit():
    media = Media("a.mp4", 25, 100, (640, 360))
    limit = values.MAX_SIDE_PX

    assert values.canvas(f"{limit}x{limit}")(media) == (limit, limit)
    line = refusal(values.canvas, f"{limit + 2}x{limit}", error=Exception)
    check("a side of the canvas", line)


def test_the_table_of_limits_is_whole():
    TABLE.check_cases()
    page = " ".join(PAGE.read_text("utf-8").split())
    assert f"{len(LIMITS)} limits, 0 failures" in page
