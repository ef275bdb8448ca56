"""`batch --ray URL`: recordings that machines of the cluster fetch."""

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import fsspec
import opentimelineio as otio
import pytest
from fake_ray import FakeRay
from fsspec.implementations.memory import MemoryFileSystem

from otio_speakerzoom.cli import batch
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.parser import parse
from otio_speakerzoom.cli.ray_urls import fetch
from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.errors import MediaError, WeightsError
from otio_speakerzoom.weights import fetch as weights

MOTION = ("--scorer", "motion", "--detect-every", "25", "--for", "resolve")


# --- which URLs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("https://host/day%201/talk%20a.mp4?key=secret#t", "talk a.mp4", "https://host/day%201/talk%20a.mp4"),
        ("https://me:secret@host:8443/talk.mp4", "talk.mp4", "https://me@host:8443/talk.mp4"),
        ("https://host/a%2Fb.mp4", "b.mp4", "https://host/a%2Fb.mp4"),
        ("s3://bucket/day 1/what?#%20.mp4", "what?#%20.mp4", "s3://bucket/day 1/what?#%20.mp4"),
        ("abfs://box@account.example/talk.mp4", "talk.mp4", "abfs://box@account.example/talk.mp4"),
        ("sftp://me:secret@host/talk.mp4", "talk.mp4", "sftp://me@host/talk.mp4"),
        ("memory://talk.mp4", "talk.mp4", "memory://talk.mp4"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_what_is_secret(text, name, shown):
    url = RecordingUrl(text)

    assert (url.fault(), url.name, str(url), url.file) == ("", name, shown, None)
    assert parse(["batch", text, "--ray", "auto", "-o", "out"]).urls == (url,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://host/talk.mp4", "use https, s3, "),
        ("ftp://host/talk.mp4", "use https, s3, "),
        ("github://me:project@main/talk.mp4", "use https, s3, "),
        ("zip://talk.mp4::https://host/a.zip", "use https, s3, "),
        ("s3://bucket/a.mp4::memory://b.mp4", "without ::"),
        ("s3://bucket/a\x1b.mp4", "control characters"),
        ("https://host/", "folders are not listed"),
        ("s3://bucket/folder/", "folders are not listed"),
        ("s3://bucket", "folders are not listed"),
        ("https://host/a/%2e%2e", "name a recording"),
        ("file://host/talk.mp4", "has no host"),
        ("https://host/" + "a" * 250, "too long"),
    ],
)
def test_other_urls_are_wrong_usage(text, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(["batch", text, "--ray", "auto", "-o", "out"])

    assert end.value.code == 2
    assert says in capsys.readouterr().err


def test_a_url_needs_a_cluster_and_a_place_for_its_results(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["batch", "s3://bucket/talk.mp4", "--ray", "auto"])
    assert end.value.code == 2
    assert "needs -o DIR or --work DIR for its results" in capsys.readouterr().err

    assert main(["batch", "s3://bucket/talk.mp4", "-o", str(tmp_path)]) == 1
    assert "is a URL, not a file; download it first" in capsys.readouterr().err


def test_a_file_url_is_the_file_itself(tmp_path):
    request = parse(["batch", f"file://{tmp_path}/day%201/talk.mp4", "--ray", "auto"])

    assert (request.sources, request.urls) == ((tmp_path / "day 1" / "talk.mp4",), ())
    assert [file.path for file in request.files] == list(request.sources)


def test_the_name_of_a_file_is_no_url(tmp_path, monkeypatch):
    """As a folder holds it, and as a shell completes it: only what is typed can be a URL."""
    monkeypatch.chdir(tmp_path)
    name = Path("memory:", "day", "talk.mp4")
    name.parent.mkdir(parents=True)
    name.write_text("")
    for words in ([str(name)], [str(name.parent)]):
        request = parse(["batch", *words, "--ray", "auto", "-o", "out"])
        (one,) = batch.requests_of_batch(request)
        assert (request.urls, one.url, one.source) == ((), None, name)


def test_two_urls_of_one_name_are_refused(tmp_path, capsys):
    urls = ["s3://a/talk.mp4", "s3://b/talk.mp4"]

    assert main(["batch", *urls, "--ray", "auto", "--work", str(tmp_path)]) == 1
    assert "s3://b/talk.mp4: its output would have the same name" in capsys.readouterr().err


# --- fetching -------------------------------------------------------------------------------------


@pytest.fixture
def memory():
    """The files in memory of fsspec, which belong to the process."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def fetched(url, to):
    with pytest.raises(MediaError) as error:
        fetch(RecordingUrl(url), to)
    return str(error.value)


def test_what_cannot_be_fetched_is_one_line(memory, tmp_path, monkeypatch):
    to = tmp_path / "talk.mp4"
    memory.pipe("/talk.mp4", b"x" * 1000)
    assert "memory://gone.mp4: cannot be fetched (" in fetched("memory://gone.mp4", to)

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=999))
    assert "0 MB are needed in " in fetched("memory://talk.mp4", to)
    assert not to.exists()

    monkeypatch.undo()
    monkeypatch.setattr(MemoryFileSystem, "info", lambda self, path: {"size": 1001})
    assert "1000 of 1001 bytes arrived" in fetched("memory://talk.mp4", to)


def test_an_error_of_a_library_does_not_print_a_key(memory, tmp_path, monkeypatch):
    def fail(self, path):
        raise RuntimeError("no https://me:secret@host/talk.mp4?key=secret\nsecond line")

    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (memory, url))
    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    line = fetched("https://me:secret@host/talk.mp4?key=secret", tmp_path / "talk.mp4")

    assert "(no https://me@host/talk.mp4)" in line
    assert "secret" not in line
    assert "second line" not in line


def test_a_recording_is_fetched_in_blocks_to_the_byte(memory, tmp_path, monkeypatch):
    content = bytes(range(256)) * 40
    memory.pipe("/day/talk.mp4", content)
    monkeypatch.setattr("otio_speakerzoom.cli.ray_urls.BLOCK_BYTES", 1000)
    fetch(RecordingUrl("memory://day/talk.mp4"), tmp_path / "talk.mp4")

    assert (tmp_path / "talk.mp4").read_bytes() == content


# --- a batch --------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A cluster of this process; its folder for temporary files."""
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    ray = FakeRay()
    monkeypatch.setattr(batch, "connect", lambda address: ray)
    return ray, folder


@pytest.fixture
def talk(memory, make_clip):
    """A recording here, which is also in memory."""
    try:
        weights.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    clip = make_clip("talk.mp4", size="160x90", seconds=1)
    memory.pipe("/day/talk.mp4", clip.read_bytes())
    return clip


def run(out, *words, url="memory://day/talk.mp4"):
    urls = [url] if isinstance(url, str) else url
    return main(["batch", *urls, "--ray", "auto", "-o", str(out), *MOTION, *map(str, words)])


def rows(capsys):
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def media_of(timeline):
    found = otio.adapters.read_from_file(str(timeline)).find_clips()
    return {clip.media_reference.target_url for clip in found}


def test_a_recording_is_fetched_and_its_results_gathered(machine, talk, tmp_path, capsys):
    ray, folder = machine
    out = tmp_path / "out"
    gone = "memory://day/gone.mp4"
    assert run(out, url=["memory://day/talk.mp4", gone]) == 1
    first, second = rows(capsys)

    timeline = out / "talk.otio"
    assert (first[:2], first[3]) == (["memory://day/talk.mp4", "done"], str(timeline))
    assert second[:2] == [gone, "failed"]
    assert second[3].startswith(f"{gone}: cannot be fetched (")
    assert {path.name for path in out.iterdir()} == {"talk.otio", "talk.mp4.speakerzoom"}
    assert list(folder.iterdir()) == []  # nothing is left on the machine
    assert not ray.is_connected
    (url,) = media_of(timeline)
    assert url.endswith("/out/talk.mp4")  # where it can be put

    here = shutil.copy(talk, out / "talk.mp4")
    words = ["cut", here, "-o", tmp_path / "b.otio", "--work", tmp_path / "b", *MOTION]
    assert main(list(map(str, words))) == 0
    assert (tmp_path / "b.otio").read_text() == timeline.read_text()
    ours, theirs = out / "talk.mp4.speakerzoom", tmp_path / "b" / "talk.mp4.speakerzoom"
    names = {path.name for path in theirs.iterdir()}
    assert {path.name for path in ours.iterdir()} == names
    for name in names - {".lock", "media.json", "cutlist.json"}:  # these name the recording
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    documents = [json.loads((place / "cutlist.json").read_text()) for place in (ours, theirs)]
    assert documents[0]["shots"] == documents[1]["shots"]


def test_the_next_batch_goes_on_with_what_is_there(machine, talk, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(out) == 0
    people = out / "talk.mp4.speakerzoom" / "people.json"
    cut = people.with_name("cutlist.json")
    before = {path: path.read_bytes() for path in people.parent.iterdir()}
    written = cut.stat().st_ino
    assert run(out, "--resume") == 0
    assert [row[1] for row in rows(capsys)] == ["done", "up to date"]
    assert cut.stat().st_ino == written  # not replaced
    assert people.read_bytes() == before[people]

    root = "memory://day=/Volumes/day 1"
    assert run(out, "--media-root", root, "--canvas", "9:16") == 0
    assert media_of(out / "talk.otio") == {"/Volumes/day 1/talk.mp4"}
    assert cut.stat().st_ino != written


def test_nothing_is_written_over_what_changed_meanwhile(machine, talk, tmp_path, capsys):
    ray, _ = machine
    out = tmp_path / "out"
    assert run(out) == 0
    locks = out / "talk.mp4.speakerzoom" / "locks.json"
    before = {path.name: path.read_bytes() for path in locks.parent.iterdir()}

    ray.before_task = lambda request: locks.write_text("{}")
    assert run(out, "--canvas", "9:16") == 1
    _, row = rows(capsys)
    assert row[1] == "failed"
    assert "talk.mp4.speakerzoom: was changed while memory://day/talk.mp4 was worked on" in row[3]
    assert {path.name: path.read_bytes() for path in locks.parent.iterdir()} == {
        **before,
        "locks.json": b"{}",
    }


def test_results_of_another_recording_are_not_replaced(machine, talk, memory, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(out) == 0
    before = {path.name: path.read_bytes() for path in (out / "talk.mp4.speakerzoom").iterdir()}
    memory.pipe("/other/talk.mp4", talk.read_bytes() + bytes(1000))

    assert run(out, url="memory://other/talk.mp4") == 1
    assert "belongs to another recording; choose another folder" in rows(capsys)[1][3]
    assert {
        path.name: path.read_bytes() for path in (out / "talk.mp4.speakerzoom").iterdir()
    } == before


def test_what_is_wrong_with_a_fetched_recording_names_its_url(machine, memory, tmp_path, capsys):
    _, folder = machine
    memory.pipe("/day/broken.mp4", b"dear diary")
    assert run(tmp_path / "out", url="memory://day/broken.mp4") == 1
    (row,) = rows(capsys)

    assert row[3].startswith("memory://day/broken.mp4: not a video")
    assert str(folder) not in row[3]
    assert list(folder.iterdir()) == []


def test_a_style_file_reaches_the_machine(machine, talk, tmp_path, capsys):
    style = tmp_path / "calm.toml"
    style.write_text("min_shot = 'four'\n")
    assert run(tmp_path / "out", "--style", style) == 1

    assert "min_shot" in rows(capsys)[0][3]
