"""Damage to edited timelines of every format: they are read, compared, checked and imported."""

import itertools
import json
import math
import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import generated_store
import other_timelines
import pytest
from fuzzing import check_refusal
from mutators import damage_json
from valid_cuts import a_cut
from xml_mutators import damage_xml

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.diff import compare
from otio_speakerzoom.interchange.import_edits import import_timeline
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.pipeline import Job, timeline_text
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.formats import FORMATS

pytest_plugins = ["fuzz_runs"]

BUNDLE = ".fcpxmld"
"""A folder with the document inside."""
CUTS = 5


def adapters(suffix):
    return FORMATS[".fcpxml" if suffix == BUNDLE else suffix]


@cache
def timelines(suffix):
    """Return valid timelines of a format, each with the dialect and the cut that it is of."""
    rows = []
    for number in range(CUTS):
        cut_list = a_cut(number)
        for dialect, adapter in adapters(suffix).items():
            try:
                rows.append((timeline_text(cut_list, *adapter), dialect, cut_list))
            except TimelineError:  # what this editor cannot show
                continue
        if suffix == ".otio":
            rows.append((to_otio(cut_list).to_json_string(), "", cut_list))
    return rows


def damaged_timeline(suffix, random):
    """Return the suffix, the bytes of a timeline, the hints to read it with, and its cut."""
    text, dialect, cut_list = random.choice(timelines(suffix))
    data = damage_text(random, suffix, text, [row[0] for row in timelines(suffix)])
    media = cut_list.media
    hints = random.choice((
        MediaHints(),
        MediaHints(media.size, cut_list.canvas, media.rotation, media_name=media.path.name),
        MediaHints(media.size, cut_list.canvas, dialect=dialect if suffix != ".otio" else ""),
        MediaHints(sequence=random.choice(("1", "0", "99", "talk", "²", ""))),
    ))  # fmt: skip
    is_bundle = suffix == ".fcpxml" and random.random() < 0.1
    return BUNDLE if is_bundle else suffix, data, hints, cut_list


def damage_text(random, suffix, text, others):
    if suffix == ".otio":
        rows = [json.loads(other) for other in random.sample(others, 1)]
        return damage_json(random, json.loads(text), [*rows, *other_timelines.JSON])
    rows = [*random.sample(others, 1), *other_timelines.XML]
    return damage_xml(random, text.encode(), [row.encode() for row in rows])


def write(folder, suffix, data):
    path = folder / f"edited{suffix}"
    if suffix == BUNDLE:
        path.mkdir()
        (path / "Info.fcpxml").write_bytes(data)
    else:
        path.write_bytes(data)
    return path


@contextmanager
def unchanged(folder):
    """Check that a context changes no file below a folder, nor adds one."""
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    yield
    assert {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")} == before


def try_timeline(tmp_path, item):
    """Read a timeline and compare it with its cut."""
    suffix, data, hints, cut_list = item
    folder = tmp_path / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = write(folder, suffix, data)
    with unchanged(folder):
        try:
            timeline = read_timeline(path, hints)
        except TimelineError as error:
            check_refusal(error, path)
            return False
    check_timeline(timeline)
    if timeline.rate == cut_list.media.rate and timeline.canvas in (None, cut_list.canvas):
        check_comparison(compare(timeline, cut_list), cut_list)
    return True


def check_timeline(timeline):
    """Check that everything in an edited timeline is what its record promises."""
    assert timeline.rate > 0
    assert timeline.canvas is None or min(timeline.canvas) > 0
    assert timeline.clips
    for line in timeline.warnings:
        assert len(line.splitlines()) <= 1, f"a warning of several lines: {line!r}"
    for track in timeline.tracks:
        starts = [clip.record.start for clip in track]
        assert starts == sorted(starts)
    for clip in timeline.clips:
        for span in (clip.record, clip.source, clip.available_range):
            assert span is None or 0 <= span.start < span.end
        assert len(clip.unsupported.splitlines()) <= 1, f"a reason of several lines: {clip}"
        moves = [key.transform for key in clip.keys] + [clip.transform] * bool(clip.transform)
        for move in moves:
            assert all(map(math.isfinite, (move.scale, move.dx, move.dy)))
            assert move.scale > 0
        frames = [key.frame for key in clip.keys]
        assert frames == sorted(set(frames))
        assert clip.size is None or min(clip.size) > 0


def check_comparison(comparison, cut_list):
    """Check that locks lie in the cut and beside each other, and show what is in the frame."""
    locks, span = comparison.locks, cut_list.range
    for before, after in itertools.pairwise(locks):
        assert before.range.end <= after.range.start
    for lock in locks:
        assert span.start <= lock.range.start < lock.range.end <= span.end
        assert {*lock.subjects} <= {person.id for person in cut_list.people}
        assert lock.crop is None or lock.crop.is_inside(cut_list.media.size), lock
    for change in comparison.changes:
        assert change.range.start < change.range.end
        assert len(change.description.splitlines()) == 1
    for line in comparison.warnings:
        assert len(line.splitlines()) == 1, f"a warning of several lines: {line!r}"


@pytest.mark.parametrize("suffix", [s for s in READERS if s != BUNDLE])
def test_a_damaged_timeline_is_read_right_or_refused(fuzz, tmp_path, suffix):
    fuzz(
        f"timelines {suffix}", partial(damaged_timeline, suffix),
        lambda item: try_timeline(tmp_path, item), count=40, writable=[tmp_path],
    )  # fmt: skip


# --- check and import -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def talk(make_clip, tmp_path_factory):
    """Four seconds of two people with a generated analysis, cut; not to be changed."""
    folder = tmp_path_factory.mktemp("talk")
    film = Path(shutil.copy(make_clip("talk.mp4", seconds=4), folder / "talk.mp4"))
    generated_store.generate_analysis(film, 2)
    pipeline.cut(Job(film))
    return film


@cache
def edits_of(cut_list, suffix):
    """Return timelines of a cut, as it is and with its shots of other lengths."""
    shots = list(cut_list.shots)
    rows = []
    for cut in (cut_list, replace(cut_list, shots=tuple(shots[:-1] or shots))):
        for adapter in adapters(suffix).values():
            try:
                rows.append(timeline_text(cut, *adapter))
            except TimelineError:
                continue
    return rows


def damaged_edit(cut_list, random):
    suffix = random.choice([*READERS])
    texts = edits_of(cut_list, suffix)
    data = damage_text(random, suffix, random.choice(texts), texts)
    return suffix, data, random.choice((None, None, *DIALECTS.get(suffix, ())))


DIALECTS = {".fcpxml": ("fcp", "resolve"), ".xml": ("premiere", "resolve")}


def try_check(folder, item):
    """Check a timeline that lies beside its media: every finding is one line."""
    suffix, data, _ = item
    for old in folder.glob("edited*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    path = write(folder, suffix, data)
    with unchanged(folder):
        try:
            report = check(path)
        except TimelineError as error:
            check_refusal(error, path)
            return False
    for line in (*report.problems, *report.remarks):
        assert len(line.splitlines()) == 1, f"a finding of several lines: {line!r}"
    return not report.problems


def test_check_says_what_is_wrong_with_a_damaged_timeline(fuzz, tmp_path, talk):
    cut_list = pipeline.cached_cut(Job(talk))
    folder = tmp_path / "folder"
    folder.mkdir()
    media = replace(cut_list.media, path=Path(shutil.copy(talk, folder)))
    cut_list = replace(cut_list, media=media)
    fuzz(
        "check", partial(damaged_edit, cut_list), lambda item: try_check(folder, item), count=40,
        writable=[tmp_path],
    )  # fmt: skip


def try_import(job, item):
    """Import a timeline; the cut that is planned with the new locks is valid."""
    suffix, data, dialect = item
    folder = job.source.parent
    for old in folder.glob("edited*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    (job.folder / "locks.json").unlink(missing_ok=True)
    path = write(folder, suffix, data)
    cut = (job.folder / "cutlist.json").read_bytes()
    try:
        result = import_timeline(job, path, dialect)
    except TimelineError as error:
        check_refusal(error, path)
        assert not (job.folder / "locks.json").exists()
        return False
    finally:
        assert (job.folder / "cutlist.json").read_bytes() == cut
        assert {entry.name for entry in folder.iterdir()} == {
            path.name, job.source.name, job.folder.name
        }  # fmt: skip
    check_comparison(result.comparison, result.cut_list)
    locks = store.load_locks(job.folder, result.cut_list.media)
    assert [lock.range for lock in locks] == [lock.range for lock in result.comparison.locks]
    return True


def test_a_damaged_timeline_is_imported_right_or_refused(fuzz, tmp_path, talk):
    folder = tmp_path / "folder"
    shutil.copytree(talk.parent, folder)
    job = Job(folder / talk.name)
    cut_list = pipeline.cut(job)
    fuzz(
        "import", partial(damaged_edit, cut_list), lambda item: try_import(job, item), count=40,
        writable=[tmp_path],
    )  # fmt: skip
