"""Damage to one file of a work folder that the review page then opens, edits and exports."""

import io
import json
from functools import cache, partial

import numpy as np
import pytest
from array_mutators import damage_values
from mutators import damage_json, damage_values_of
from page_requests import Opened, change, read

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job

pytest_plugins = ["fuzz_runs", "cut_films"]

PATHS = ("api/state", "api/marks", "api/faces?start=0&end=150", "api/ribbons/0", "api/voice/0",
         "api/frames/20?of=cut&height=64", "api/people/1/picture")  # fmt: skip


@pytest.fixture(scope="session")
def edited_film(cut_film, tmp_path_factory):
    """The same with three edits, one of them undone; not to be changed."""
    with Opened(cut_film, tmp_path_factory.mktemp("edited")) as client:
        for value in (
            {"name": "split", "frame": 40}, {"name": "rename", "person": 1, "to": "Ann"},
            {"name": "set_style", "style": "lively", "values": {"hold_seconds": 0.5}},
        ):  # fmt: skip
            body = {"operations": [value]}
            assert change(client, "PATCH", "api/cut", body, client.source.revision()).status == 200
        assert change(client, "POST", "api/undo", {}, client.source.revision()).status == 200
        return client.source.job.source


@cache
def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())
            if path.suffix in (".json", ".jsonl", ".npz")}  # fmt: skip


def damaged_file(folder, random):
    """Return the name and bytes of a file whose form is right, mostly, and whose values are not."""
    files = contents(folder)
    name = random.choice(sorted(files))
    if name.endswith(".npz"):
        with np.load(io.BytesIO(files[name])) as file:
            arrays = {key: file[key] for key in file.files}
        file = io.BytesIO()
        np.savez(file, **damage_values(random, arrays))
        return name, file.getvalue()
    if name.endswith(".jsonl"):
        lines = files[name].splitlines()
        n = random.randrange(len(lines))
        lines[n] = _damaged(random, json.loads(lines[n]))
        return name, b"\n".join(lines) + b"\n"
    document = json.loads(files[name])
    data = _damaged(random, document)
    if random.random() < 0.5:  # as if it had been written so
        document = json.loads(data) if data.startswith(b"{") and b"\xed" not in data else {}
        head = ("schema", "input_digest", "content_digest", "provenance")
        content = {key: value for key, value in document.items() if key not in head}
        data = json.dumps({**document, "content_digest": store.digest(content)}).encode()
    return name, data


def _damaged(random, value):
    if random.random() < 0.7:
        return damage_values_of(random, value)
    return damage_json(random, value)


def try_folder(film, tmp_path, item):
    """Open a folder with a damaged file as the page and the command line do."""
    name, data = item
    with Opened(film, tmp_path) as client:
        (client.source.job.folder / name).write_bytes(data)
        for path in PATHS:
            read(client, path, may_wait=True)
        state = read(client, "api/state").json
        answers = [
            change(client, "POST", "api/undo", {}, state["revision"], may_wait=True),
            change(client, "PATCH", "api/cut", {"operations": [{"name": "split", "frame": 100}]},
                   client.source.revision(), may_wait=True),
            change(client, "POST", "api/redo", {}, client.source.revision(), may_wait=True),
            change(client, "POST", "api/plan", {"style": "calm"}, "", may_wait=True),
        ]  # fmt: skip
        _export(client.source.job)
        if "error" not in state:  # nothing that we have written can be worse
            after = read(client, "api/state", may_wait=True).json
            assert "error" not in after, after["error"]
    return "error" not in state and all(answer.status == 200 for answer in answers[:2])


def _export(job):
    """Write a timeline of the cut that is there; one line where that is not possible."""
    try:
        cut_list = pipeline.cached_cut(job)
        if cut_list is not None:
            pipeline.timeline_text(cut_list, "speakerzoom_resolve_otio", {})
    except SpeakerZoomError as error:
        line = str(error)
        assert len(line.splitlines()) == 1, line
        assert len(line) < 2000, line


def test_a_folder_with_a_damaged_file_is_used_right_or_refused(fuzz, edited_film, tmp_path):
    fuzz(
        "folders", partial(damaged_file, Job(edited_film).folder),
        partial(try_folder, edited_film, tmp_path), count=4, writable=[tmp_path],
        readable=[edited_film.parent],
    )  # fmt: skip
