"""Recordings with hard names, and what is no recording although its name says so."""

import os
import re
import socket
import stat
import subprocess
import tempfile
import zipfile
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import Clip, write_clip
from commands import command
from reading import check_whole, digests, facts_of, leftovers, read, shown
from remedies import COMMAND
from tables import Table

NAMES = {
    "a space": "a talk.mp4", "spaces at both ends": " talk.mp4 ", "a single quote": "it's.mp4",
    "double quotes": 'a "talk".mp4', "a line break": "two\nlines.mp4", "a tab": "a\tb.mp4",
    "a carriage return": "a\rb.mp4", "a code for terminals": "a\x1b[31mb.mp4",
    "a line separator of Unicode": "a\u2028b.mp4", "text from right to left": "a\u202eb.mp4",
    "a leading dash": "-talk.mp4", "a dash alone": "-", "emoji": "🎬.mp4",
    "a decomposed letter": "e\u0301.mp4", "250 characters": "t" * 246 + ".mp4",
    "250 bytes of umlauts": "ü" * 123 + ".mp4", "a percent sign": "100%.mp4",
    "a pattern of numbers": "shot%03d.mp4", "a colon": "a:b.mp4", "concat:": "concat:a|b.mp4",
    "http:": "http:talk.mp4", "a backslash": "a\\b.mp4", "a dot at the end": "talk.mp4.",
    "a dot at the beginning": ".talk.mp4", "no suffix": "talk", "a suffix in capitals": "TALK.MP4",
    "a command in $( )": "$(touch owned).mp4", "a command in backquotes": "`touch owned`.mp4",
    "a command after a semicolon": "a;touch owned;.mp4", "an asterisk": "*.mp4",
    "brackets": "[1-3].mp4", "a tilde": "~.mp4", "a number sign and a question mark": "#1 ?.mp4",
    "markup": "<b>&amp;.mp4", "commas and equals signs": "a,b=c.mp4",
    "bytes that are not UTF-8": os.fsdecode(b"\xff\xfe.mp4"),
}  # fmt: skip
QUICK = ("a line break", "bytes that are not UTF-8")
TABLE = Table("hard names", ("a name with", "outcome"), list(NAMES))
TIMELINES = ("otio", "fcpxml", "xml", "mlt")


def slow_but(names, quick):
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in names]


@pytest.mark.skipif(os.name == "nt", reason="Windows allows few of these names")
@pytest.mark.parametrize("name", slow_but(NAMES, QUICK))
def test_a_hard_name_is_right_or_one_line(name, tmp_path):
    source, work = tmp_path / "source", tmp_path / "work"
    source.mkdir()
    work.mkdir()
    path = write_clip(source / NAMES[name], Clip(format="mp4"))
    before = digests(source)
    cut = command("cut", path, "--work", work, "--scorer", "motion", "-o", work / "talk.otio")
    if cut.returncode:
        (line,) = cut.stderr.splitlines()
        text = f"`{_named(line, path)}`"
    else:
        text = _exported(path, work) + _remedied(path)
    assert digests(source) == before
    assert not leftovers(tmp_path)
    assert not (tmp_path / "owned").exists()
    TABLE.check(name, text)


def _exported(path, work):
    """Export a cut, let `check` find the recording by each timeline, and return the outcome."""
    refusals = []
    for suffix in TIMELINES:
        out = work / f"talk.{suffix}"
        export = command("export", path, "--work", work, "-o", out)
        if export.returncode:
            (line,) = export.stderr.splitlines()
            refusals.append(f"; no .{suffix}: `{_named(line, path)}`")
        else:
            check = command("check", out)
            assert check.returncode == 0, check.stdout
            assert "no media" not in check.stdout
    return "right: it is cut, and timelines find it" + "".join(refusals)


def _remedied(path):
    """Run the command for its pixels, from the one line of the error, in a plain POSIX shell."""
    content = path.read_bytes()
    oblong = path.with_name("oblong.mp4")
    write_clip(oblong, Clip(prepare=_oblong))
    oblong.replace(path)
    cut = command("cut", path, "--work", path.parent / "w", "-o", path.parent / "talk.otio")
    assert cut.returncode == 1
    (line,) = cut.stderr.splitlines()
    remedy = COMMAND.search(line)[0].replace(" -i ", " -v error -nostdin -y -i ", 1)
    subprocess.run(["/bin/sh", "-c", remedy], check=True, cwd=path.parent.parent)
    (out,) = [p for p in path.parent.iterdir() if "_conformed" in p.name]
    read(out, facts_of(Clip(), size=(84, 48)))
    out.unlink()
    path.write_bytes(content)
    return "; commands that we print for it work"


def _oblong(stream):
    stream.codec_context.sample_aspect_ratio = Fraction(4, 3)


def _named(line, path):
    """Return a message with escapes that every machine shows alike."""
    return (
        re.sub(re.escape(f"{path.parent}/"), "", line).encode("ascii", "backslashreplace").decode()
    )


def test_the_table_of_hard_names_is_complete():
    check_whole(TABLE)


# --- what is no recording -------------------------------------------------------------------------


def content(data):
    return lambda path: path.write_bytes(data)


def linked(path):
    write_clip(path.with_name("whole.mp4"), Clip())
    path.symlink_to("whole.mp4")


def bound(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("talk.txt", "Good morning.")


def film_and_archive(path):
    """A film with an archive after its end, which players and archivers both accept."""
    write_clip(path, Clip())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("talk.txt", "Good morning.")


def page_and_film(path):
    """A page of HTML with a film after it."""
    write_clip(path, Clip())
    path.write_bytes(b"<html><body>Not found</body></html>\n" + path.read_bytes())


def sound_only(path):
    write_clip(path.with_suffix(".mkv"), Clip())
    import av

    with av.open(str(path.with_suffix(".mkv"))) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    path.with_suffix(".mkv").unlink()


def picture(codec, pixels, format_="image2"):
    clip = Clip(codec=codec, pixels=pixels, frames=1, sounds=(), format=format_)
    return lambda path: write_clip(path, clip)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nwhole.mp4\n#EXT-X-ENDLIST\n"
OTHERS = {
    "no file": lambda path: None,
    "an empty file": content(b""),
    "ten megabytes of zeros": content(bytes(10 << 20)),
    "ten megabytes of random bytes": content(np.random.default_rng(0).bytes(10 << 20)),
    "text": content(b"Good morning.\n" * 100),
    "a page of HTML": content(b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "JSON": content(b'{"error": "not found"}'),
    "a playlist (M3U8)": content(PLAYLIST),
    "a list for concat": content(b"ffconcat version 1.0\nfile whole.mp4\n"),
    "a session description (SDP)": content(b"v=0\nm=video 9 RTP/AVP 96\n"),
    "a manifest (DASH)": content(b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>'),
    "subtitles": content(b"1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n"),
    "a PDF": content(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"),
    "an archive": zipped,
    "a program": content(b"\x7fELF" + bytes(200)),
    "a picture (PNG)": picture("png", "rgb24"),
    "a picture (JPEG)": picture("mjpeg", "yuvj420p"),
    "audio without a picture": sound_only,
    "a film with an archive after it": film_and_archive,
    "a film after a page of HTML": page_and_film,
    "a folder": lambda path: path.mkdir(),
    "a named pipe": lambda path: os.mkfifo(path),
    "a socket": bound,
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to /dev/null": lambda path: path.symlink_to("/dev/null"),
    "a link to a film": linked,
    "a link to nothing": lambda path: path.symlink_to("nothing.mp4"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}  # fmt: skip
UNREADABLE = ("a file that we may not read", "a folder that we may not enter",
              "a folder that we may not write to")  # fmt: skip
OTHER_TABLE = Table("no recordings", ("talk.mp4 is", "outcome"), [*OTHERS, *UNREADABLE])
READABLE = ("a film with an archive after it", "a link to a film")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_recording_is_refused_in_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    OTHERS[name](Path("talk.mp4"))
    path = tmp_path / "talk.mp4"
    outcome = read(path, facts_of(Clip())) if name in READABLE else _refused(path)
    OTHER_TABLE.check(name, outcome)


def _refused(path):
    """Return the one line with which `cut` refuses a source."""
    out = path.parent / "never.otio"
    cut = command("cut", path, "--work", path.parent / "work", "-o", out)
    (line,) = cut.stderr.splitlines()
    assert (cut.returncode, cut.stdout) == (1, "")
    assert not out.exists()
    assert not leftovers(path.parent)
    return f"`{shown(line, path)}`"


@contextmanager
def without_privileges():
    """Be another user for a while, where the tests run as root, who may read everything."""
    if os.geteuid():
        yield
        return
    try:
        os.setresuid(65534, 65534, 0)
    except OSError as error:
        pytest.skip(f"cannot become another user: {error}")
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="this system has other permissions")
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_permissions_forbid_is_one_line(name):
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text, "footage")
        folder.mkdir()
        path = write_clip(folder / "talk.mp4", Clip())
        path.chmod(0o000 if "file" in name else 0o644)
        folder.chmod(0o000 if "enter" in name else 0o555)
        Path(text).chmod(0o777)
        with without_privileges():
            line = _refused_in(path, Path(text))
        folder.chmod(stat.S_IRWXU)
        assert [p.name for p in folder.iterdir()] == ["talk.mp4"]
    OTHER_TABLE.check(name, line)


def _refused_in(path, folder):
    cut = command("cut", path, "-o", folder / "never.otio")
    (line,) = cut.stderr.splitlines()
    assert (cut.returncode, cut.stdout) == (1, "")
    assert not (folder / "never.otio").exists()
    return f"`{shown(line, path).replace(str(path.parent), 'FOLDER')}`"


def test_the_table_of_what_is_no_recording_is_complete():
    check_whole(OTHER_TABLE)
