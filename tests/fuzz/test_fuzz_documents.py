"""Damage to the JSON documents of a work folder."""

import itertools
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzzing import check_refusal
from mutators import damage_json
from valid_cuts import a_cut, locks_of
from version_1_folder import to_version_1

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import StoreError, TimelineError
from otio_speakerzoom.model import Box, Person, Sighting
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.job_list import JobRow, load_jobs, save_jobs
from otio_speakerzoom.service.tasks import Task
from otio_speakerzoom.store.files import content_digest

KINDS = ("cutlist", "locks", "people", "options", "media", "jobs")
CUT = a_cut(1)
SOURCE = "0123456789abcdef"
"""Digest of the source, in every document."""


@cache
def documents():
    """Return the kind and value of valid documents: of several cuts, in both versions."""
    rows = []
    for number in range(8):
        with TemporaryDirectory() as name:
            folder = Path(name)
            cut = a_cut(number) if number else CUT
            _save_all(folder, cut)
            if number % 4 == 3:
                (folder / "jobs.json").unlink(missing_ok=True)  # version 1 had none
                to_version_1(folder)
            paths = sorted(folder.glob("*.json"))
            rows += [(path.stem, json.loads(path.read_text())) for path in paths]
    return rows


def _save_all(folder, cut):
    store.save_cut_list(
        folder, cut, "made", {"hold_seconds": 1.0, "follow": "smooth"}, analysis_digest="a",
        locks_digest="b", people_folder="", source_digest=SOURCE,
    )  # fmt: skip
    store.save_locks(folder, locks_of(cut))
    sightings = [Sighting(1, 5, Box(1, 2, 30, 40)), Sighting(2, 5, Box(100, 2, 130, 40))]
    people = [*cut.people[:2], Person(3, (3, 4), "Zoë", prefer=True), Person(4, (5,), "", True)]
    store.save_people(folder, people, "made", sightings)
    store.save_media(folder, cut.media, "made", SOURCE)
    values = {"hold_seconds": 2.0, "obscure_others": "dim"}
    store.save_options(
        folder,
        store.Options(
            detector="yunet", detect_every=3, tracker="iou", scorer="motion", audio_stream=1,
            channels="mix", part=(0, 200), canvas=(1080, 1080), layout="stacked", style="calm",
            style_values=values,
        ),
        SOURCE,
    )  # fmt: skip
    tasks = [
        Task("export", Path("talk.mp4"), editor="fcp", suffix=".fcpxml"), Task("proxy",
        Path("talk.mp4")),
        Task("render", Path("talk.mp4"), height=360, begin=5, end=50), Task("analyse",
        Path("talk.mp4")),
    ]  # fmt: skip
    states = (("done", "talk.fcpxml"), ("failed", ""), ("waiting", ""), ("cancelled", ""))
    jobs = [
        JobRow(f"0{n}", task, state, file=file)
        for n, (task, (state, file)) in enumerate(zip(tasks, states, strict=True))
    ]
    job = Job(folder.with_suffix("") / "talk.mp4", folder)
    job.folder.mkdir(exist_ok=True)
    save_jobs(job, jobs)
    (job.folder / "jobs.json").rename(folder / "jobs.json")
    job.folder.rmdir()


def damaged_document(random):
    """Return the kind and the bytes of a document; some look as if nobody had edited them."""
    kind, value = random.choice(documents())
    data = damage_json(random, value, [v for k, v in documents() if k == kind])
    if random.random() < 0.3:
        try:
            document = json.loads(data)
            head = ("schema", "input_digest", "content_digest", "provenance")
            content = {key: v for key, v in document.items() if key not in head}
            document["content_digest"] = store.digest(content)
            data = json.dumps(document).encode()
        except (ValueError, RecursionError, AttributeError, TypeError):
            pass
    return kind, data


def load(kind, folder):
    """Return what a document holds, as its reader returns it."""
    if kind == "cutlist":
        cached = store.load_cut_list(folder, CUT.media, source_digest=SOURCE)
        return cached and cached.value
    if kind == "locks":
        store.lock_rows(folder)
        return store.load_locks(folder, CUT.media)
    if kind == "people":
        people, sightings = store.load_people(folder), store.load_sightings(folder)
        return people and (people.value, sightings)
    if kind == "options":
        return store.load_options(folder, SOURCE)
    cached = store.load_media(folder)
    return cached and cached.value


def save(kind, folder, value):
    if kind == "cutlist":
        store.save_cut_list(folder, value, "", source_digest=SOURCE)
    elif kind == "locks":
        store.save_locks(folder, value)
    elif kind == "people":
        store.save_people(folder, value[0], "", value[1])
    elif kind == "options":
        store.save_options(folder, value, SOURCE)
    else:
        store.save_media(folder, value, "", SOURCE)


def check_in_range(kind, value):
    """Check the values of a document that was accepted."""
    if kind == "cutlist":
        assert value.range.start >= 0
        assert value.range.end <= CUT.media.duration
        for before, after in zip(value.shots, value.shots[1:], strict=False):
            assert before.range.end == after.range.start
        for shot in (*value.shots, *value.angles):
            assert shot.crop.is_inside(CUT.media.size)
            assert {*shot.subjects} <= {person.id for person in value.people}
    elif kind == "locks":
        for before, after in itertools.pairwise(value):
            assert before.range.end <= after.range.start
        for lock in value:
            assert lock.range.end <= CUT.media.duration
            assert lock.crop is None or lock.crop.is_inside(CUT.media.size)


def try_document(tmp_path, item):
    """Load a document; what is accepted can be saved, and is the same when it is loaded again."""
    kind, data = item
    folder, copy = tmp_path / "talk.mp4.speakerzoom", tmp_path / "copy"
    for path in (folder, copy):
        path.mkdir(exist_ok=True)
        for old in path.iterdir():
            old.unlink()
    path = folder / f"{kind}.json"
    path.write_bytes(data)
    if kind == "jobs":
        return _try_jobs(tmp_path)
    try:
        value = load(kind, folder)
        content_digest(path)
        store.find_folder(tmp_path / "talk.mp4")
    except StoreError as error:
        check_refusal(error, path)
        return False
    finally:
        assert [entry.name for entry in folder.iterdir()] == [path.name]
        assert path.read_bytes() == data
    if value is None:
        return False
    check_in_range(kind, value)
    if kind == "cutlist":
        value = store.stored_form(value)
        _can_be_written(value)
    if kind == "locks":  # rows stay as they were written, and so does the rest of the document
        (copy / path.name).write_bytes(data)
    save(kind, copy, value)
    again = load(kind, copy)
    if kind in ("locks", "people"):  # which have sightings to a tenth of a pixel
        value = again
        save(kind, copy, value)
        again = load(kind, copy)
    assert again == value, f"{again!r:.300} != {value!r:.300}"
    return True


def _can_be_written(cut_list):
    """Check that a cut becomes a timeline."""
    for adapter in ("speakerzoom_resolve_otio", "speakerzoom_fcpxml"):
        try:
            pipeline.timeline_text(cut_list, adapter, {})
        except TimelineError as error:
            check_refusal(error, cut_list.media.path)


def _try_jobs(tmp_path):
    """Load a list of jobs: no result lies elsewhere than where such a job writes."""
    job = Job(tmp_path / "talk.mp4", tmp_path)
    rows = load_jobs(job)
    for row in rows:
        json.dumps(row.as_json())
        path = row.result_path(job)
        assert path is None or path.parent in (tmp_path, job.folder)
    return bool(rows)


pytest_plugins = ["fuzz_runs"]


def test_a_damaged_document_is_read_right_or_refused(fuzz, tmp_path):
    (tmp_path / "talk.mp4").write_bytes(b"not read")
    fuzz(
        "documents", damaged_document, lambda item: try_document(tmp_path, item), count=150,
        writable=[tmp_path],
    )  # fmt: skip
