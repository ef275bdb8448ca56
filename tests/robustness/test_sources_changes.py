"""Recordings that grow, are replaced or vanish: while they are read, and between."""

import os
import re
from contextlib import contextmanager
from dataclasses import replace

import av
import pytest
from clips import Clip, Sound, write_clip
from commands import command
from reading import check_whole, digests, leftovers, shown
from tables import Table

FRAMES = 200
LONG = Clip(codec="mjpeg", pixels="yuvj420p", size=(320, 240), frames=FRAMES,
            sounds=(Sound("pcm_s16le"),))  # fmt: skip
"""A megabyte, so that it is not in a buffer as a whole before it changes."""
AT_FRAME = 20
"""Where it changes while it is analysed or rendered."""


def grow(path):
    with path.open("ab") as file:
        file.write(bytes(100_000))


def replace_by_another(path):
    write_clip(path.with_suffix(".other.mkv"), Clip(frames=50))
    path.with_suffix(".other.mkv").replace(path)


def write_anew(path):
    """As a copy does that begins again over the old file."""
    path.write_bytes(path.read_bytes()[:100_000])


def overwrite(path):
    """With another recording of the same length, in place."""
    other = path.with_suffix(".other.mkv")
    write_clip(other, replace(LONG, sounds=(Sound("pcm_s24le"),)))
    with path.open("r+b") as file:
        file.write(other.read_bytes())
    other.unlink()


def halve(path):
    os.truncate(path, path.stat().st_size // 2)


def rename(path):
    path.rename(path.with_name("renamed.mkv"))


def remove(path):
    path.unlink()


def touch(path):
    os.utime(path, (0, 0))


CHANGES = {
    "grows": grow, "is replaced by another": replace_by_another, "is written anew": write_anew,
    "is overwritten with another": overwrite,
    "loses its second half": halve, "is renamed": rename, "is deleted": remove,
    "gets another date": touch,
}  # fmt: skip
IN_PLACE = ("is written anew", "is overwritten with another", "loses its second half")
TABLE = Table(
    "changing recordings",
    ("the recording", "during `cut`", "before `export`", "before `render`", "during `render`"),
    list(CHANGES),
)


@pytest.fixture
def analysed(tmp_path):
    """A recording that is cut, in a folder of its own, with its results in another."""
    source, work = tmp_path / "source", tmp_path / "work"
    source.mkdir()
    work.mkdir()
    path = write_clip(source / "talk.mkv", LONG)
    cut = run("cut", path, work, "talk.otio")
    assert cut.returncode == 0
    return path, work


def run(verb, path, work, out):
    options = ("--scorer", "motion") if verb == "cut" else ()
    options += ("--draft",) if verb == "render" else ()
    return command(verb, path, "--work", work, *options, "-o", work / out)


@contextmanager
def changed_at(monkeypatch, stage, change):
    """Change something once while a stage runs; tell whether it came to that."""
    done = []

    def on_stage(name):
        def on_progress(count, total):
            if name == stage and count >= AT_FRAME and not done:
                assert count < total
                done.append(count)
                change()

        return on_progress

    @contextmanager
    def show_progress(console, *, hidden):
        yield on_stage

    with monkeypatch.context() as patches:
        patches.setattr("otio_speakerzoom.cli.progress.show_progress", show_progress)
        yield
    assert done


def outcome_of(result, path, out):
    """Say how a run ended, which must be whole: with a result, or with one line and none."""
    if result.returncode == 0:
        assert out.exists()
        return "right"
    (line,) = [text for text in result.stderr.splitlines() if text.startswith("error: ")]
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert not out.exists()
    return f"`{shown(line, path)}`"


def outcome_meanwhile(name, result, path, out):
    """The outcome of a run during which a recording was changed."""
    text = outcome_of(result, path, out)
    if name not in IN_PLACE:
        return text
    # which of the two it meets depends on how far ahead the threads have read
    assert re.search(r"its video ends at frame|was changed while it was read|read to the end", text)
    return "one line: it ends early, or was changed"


def results(work):
    """The content of the folder of results, by its digests."""
    return digests(work / "talk.mkv.speakerzoom")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_a_recording_that_changes_is_one_line_and_results_stay(
    name, analysed, tmp_path, monkeypatch
):
    path, work = analysed
    stored, content = results(work), path.read_bytes()

    def restore():
        path.write_bytes(content)
        path.with_name("renamed.mkv").unlink(missing_ok=True)

    outcomes = [_during_cut(name, path, tmp_path / "new", monkeypatch)]
    for verb, out in (("export", "talk.xml"), ("render", "film.mp4")):
        restore()
        CHANGES[name](path)
        outcomes.append(outcome_of(run(verb, path, work, out), path, work / out))
        (work / out).unlink(missing_ok=True)
    restore()
    with changed_at(monkeypatch, "render", lambda: CHANGES[name](path)):
        film = run("render", path, work, "film.mp4")
    outcomes.append(outcome_meanwhile(name, film, path, work / "film.mp4"))
    if film.returncode == 0:
        with av.open(str(work / "film.mp4")) as container:
            assert len(list(container.decode(video=0))) == FRAMES
    assert results(work) == stored
    assert not leftovers(tmp_path)
    restore()
    assert run("export", path, work, "again.otio").returncode == 0
    assert (work / "again.otio").read_bytes() == (work / "talk.otio").read_bytes()
    TABLE.check(name, *outcomes)


def _during_cut(name, path, work, monkeypatch):
    """Change it during an analysis; what is saved must not be of a mix of both."""
    content = path.read_bytes()
    stage = "find faces and score speech"
    with changed_at(monkeypatch, stage, lambda: CHANGES[name](path)):
        cut = run("cut", path, work, "talk.otio")
    text = outcome_meanwhile(name, cut, path, work / "talk.otio")
    if cut.returncode:
        assert not list(work.rglob("detections.npz"))
    path.with_name("renamed.mkv").unlink(missing_ok=True)
    path.write_bytes(content)
    assert run("cut", path, work, "whole.otio").returncode == 0
    return text


def test_a_recording_that_is_deleted_while_it_is_rendered_leaves_the_results(analysed, monkeypatch):
    path, work = analysed
    stored = results(work)
    with changed_at(monkeypatch, "render", path.unlink):
        film = run("render", path, work, "film.mp4")

    outcome_of(film, path, work / "film.mp4")
    assert results(work) == stored
    assert not leftovers(work)


def test_the_table_of_changes_is_complete():
    check_whole(TABLE)
