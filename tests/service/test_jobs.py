"""Jobs: timelines, films and proxies made in processes of their own, cancelled and resumed."""

import multiprocessing
import os
import re
import time

import av
import numpy as np
import opentimelineio as otio
import pytest
from review_service import running

from otio_speakerzoom import pipeline
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.plugins.mailbox import ANSWER, RECIPE
from otio_speakerzoom.service.free_name import free_name, result_digest
from otio_speakerzoom.service.job_list import JobRow, load_jobs, save_jobs
from otio_speakerzoom.service.jobs import MAX_UNFINISHED, JobContext, JobTable, Turns
from otio_speakerzoom.service.proxy import proxy_size
from otio_speakerzoom.service.tasks import Task
from otio_speakerzoom.store.files import write_json

pytest_plugins = ["talks"]

MAX_WAIT_S = 60
"""For a job, on a busy machine."""


def wait_for(condition):
    """Return what `condition` returns, once it is true."""
    deadline = time.monotonic() + MAX_WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return value


def submit(client, **job):
    answer = client.change("POST", "api/jobs", job)
    assert answer.status == 202, answer.json
    return answer.json["id"]


def row_of(client, id_):
    return next(row for row in client.get("api/jobs").json["jobs"] if row["id"] == id_)


def finished(client, id_):
    """Wait until a job has ended; return it."""
    return wait_for(
        lambda: (row := row_of(client, id_))["state"] not in ("waiting", "running") and row
    )


def test_an_export_lies_beside_the_source_and_has_the_latest_edit(client, talk):
    state = client.get("api/state").json
    body = {"operations": [{"name": "split", "frame": 30}]}
    client.change("PATCH", "api/cut", body, if_match=f'"{state["revision"]}"')
    row = finished(client, submit(client, kind="export", editor="plain", suffix=".otio"))

    assert (row["state"], row["error"]) == ("done", None)
    assert row["result"]["name"] == "talk.plain.otio"
    path = talk.with_name("talk.plain.otio")
    timeline = otio.adapters.read_from_file(str(path))
    clips = timeline.video_tracks()[0].find_clips()
    starts = [round(clip.range_in_parent().start_time.value) for clip in clips]
    assert starts == [shot["start"] for shot in client.get("api/state").json["shots"]]
    answer = client.get(row["result"]["media"])
    assert answer.body == path.read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="talk.plain.otio"'
    body = {"operations": [{"name": "split", "frame": 400}]}
    revision = client.get("api/state").json["revision"]
    client.change("PATCH", "api/cut", body, if_match=f'"{revision}"')
    again = finished(client, submit(client, kind="export", editor="plain", suffix=".otio"))
    assert again["result"]["name"] == "talk.plain.otio"  # which nobody has changed since
    assert path.read_bytes() != answer.body


def test_a_job_tells_its_progress_and_a_proxy_has_every_frame(client, talk):
    row = finished(client, submit(client, kind="proxy"))
    state = client.get("api/state").json

    assert (row["state"], row["done"], row["total"]) == ("done", 450, 450)
    assert state["proxy"] == {
        "media": "media/proxy", "first_frame_time": 0, "variable_rate": False,
    }  # fmt: skip
    proxy = next(Job(talk).folder.glob("proxy-*.mp4"))
    assert client.get("media/proxy", range="bytes=0-99").body == proxy.read_bytes()[:100]
    with av.open(str(proxy)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert (stream.codec_context.name, container.start_time) == ("h264", 0)
    keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]
    assert len(packets) == 450
    assert max(np.diff([*keys, 450])) <= 12
    content = proxy.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_cancelled_job_ends_its_process_and_leaves_no_file(client, talk):
    id_ = submit(client, kind="render")
    wait_for(lambda: row_of(client, id_)["done"])
    (process,) = multiprocessing.active_children()
    group = process.pid
    assert os.getpgid(group) == group  # it is ended with all that it starts
    cancelled = client.change("DELETE", f"api/jobs/{id_}")
    row = finished(client, id_)

    assert (cancelled.status, row["state"], row["result"]) == (200, "cancelled", None)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert {path.name for path in talk.parent.iterdir()} == {"talk.mp4", "talk.mp4.speakerzoom"}
    assert client.change("DELETE", "api/jobs/none").status == 404


def test_a_job_whose_process_dies_has_failed_in_one_line(client, talk):
    id_ = submit(client, kind="render")
    wait_for(lambda: row_of(client, id_)["done"])
    (process,) = multiprocessing.active_children()
    process.kill()
    row = finished(client, id_)

    assert (row["state"], row["result"]) == ("failed", None)
    assert "memory ran out" in row["error"]
    again = finished(client, submit(client, kind="export", editor="markers"))
    assert again["state"] == "done"


def test_a_job_that_the_end_of_the_service_cut_short_starts_again(talk):
    with running(talk) as (_, client):
        id_ = submit(client, kind="render", draft=True, height=180)
        wait_for(lambda: row_of(client, id_)["state"] == "running")
    assert [row.state for row in load_jobs(Job(talk))] == ["running"]
    assert not talk.with_name("talk.cut.mp4").exists()
    with running(talk) as (_, client):
        row = finished(client, id_)

    assert (row["state"], row["result"]["name"]) == ("done", "talk.cut.mp4")
    with av.open(str(talk.with_name("talk.cut.mp4"))) as film:
        assert film.streams.video[0].height == 180


def test_a_source_that_is_not_cut_yet_is_when_it_is_opened(talk):
    cut = pipeline.cached_cut(Job(talk))
    (Job(talk).folder / "cutlist.json").unlink()
    with running(talk) as (_, client):
        first = client.get("api/state").json
        state = wait_for(lambda: (s := client.get("api/state").json)["status"] == "cut" and s)

    assert (first["status"], first["shots"], first["people"]) == ("analysing", [], [])
    assert [s["start"] for s in state["shots"]] == [s.range.start for s in cut.shots]


@pytest.mark.parametrize(
    ("job", "line"),
    [
        ({}, "job.kind"),
        ({"kind": "shell"}, "job.kind"),
        ({"kind": "export", "editor": "none"}, "an editor"),
        ({"kind": "export", "editor": "fcp", "suffix": ".mlt"}, "an editor"),
        ({"kind": "render", "height": 7}, "job.height"),
        ({"kind": "render", "from": 20, "to": 10}, "job.end"),
        ({"kind": "proxy", "source": "/etc/passwd"}, "job.source"),
        ({"kind": "render", "work": "/tmp"}, "job.work"),
    ],
)
def test_a_job_that_we_do_not_know_is_refused_in_one_line(read_only, job, line):
    answer = read_only.change("POST", "api/jobs", job)

    assert answer.status == 422
    assert line in answer.json["error"]
    assert read_only.get("api/jobs").json["jobs"] == []


def stored(job, **row):
    """Store a list with one job that is done."""
    task = {"kind": "export", "editor": "resolve", "suffix": ".otio"}
    values = {"id": "a1", "state": "done", "file": "talk.otio", "digest": "", "error": "",
              "task": task, **row}  # fmt: skip
    write_json(job.folder / "jobs.json", "jobs", "", {"jobs": [values]})


def test_no_more_jobs_are_taken_than_may_wait_or_run(client, monkeypatch):
    monkeypatch.setattr("otio_speakerzoom.service.jobs.MAX_UNFINISHED", 3)
    ids = [submit(client, kind="render", height=height) for height in (180, 240, 360)]
    refused = client.change("POST", "api/jobs", {"kind": "render", "height": 480})
    again = client.change("POST", "api/jobs", {"kind": "render", "height": 360})

    assert (refused.status, refused.json["error"]) == (
        429, "3 jobs wait or run already; wait for one of them, or cancel one",
    )  # fmt: skip
    assert (again.status, again.json["id"]) == (202, ids[2])  # the same job
    assert client.change("DELETE", f"api/jobs/{ids[2]}").status == 200
    assert finished(client, ids[2])["state"] == "cancelled"
    ids.append(submit(client, kind="render", height=480))
    for id_ in ids:
        client.change("DELETE", f"api/jobs/{id_}")
    assert {finished(client, id_)["state"] for id_ in ids} <= {"cancelled", "done"}


def test_a_list_of_many_unfinished_jobs_starts_as_many_as_may_run(tmp_path, monkeypatch):
    job = Job(tmp_path / "talk.mp4")
    job.source.write_bytes(b"a recording")
    tasks = [Task("render", job.source, None, height=height) for height in range(100, 200, 2)]
    job.folder.mkdir()
    save_jobs(job, [JobRow(f"{n:04}", task) for n, task in enumerate(tasks)])
    context = JobContext(Turns(), lambda *_: "", lambda: True)  # which starts no process
    table = JobTable(job, context, lambda row: None)
    table.wait()

    states = [row["state"] for row in table.as_json()]
    assert states == ["waiting"] * MAX_UNFINISHED + ["cancelled"] * (50 - MAX_UNFINISHED)
    assert len(table._threads) <= MAX_UNFINISHED


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd", "../secret.otio", "..", "talk.mp4", "other.otio", "talk.otio\0", "talk.txt",
     "talk.mp4.speakerzoom/people.json"],
)  # fmt: skip
def test_a_list_that_somebody_changed_serves_no_other_file(tmp_path, file):
    source = tmp_path / "talk.mp4"
    source.write_bytes(b"a recording")
    (tmp_path / "talk.txt").write_text("private")
    stored(Job(source), file=file)
    assert load_jobs(Job(source)) == []

    stored(Job(source))
    assert [row.file for row in load_jobs(Job(source))] == ["talk.otio"]


def test_a_link_in_place_of_a_result_or_the_proxy_is_not_followed(talk, tmp_path):
    from otio_speakerzoom.service.proxy import proxy_path

    secret = tmp_path / "secret"
    secret.write_text("private")
    job = Job(talk)
    stored(job)
    talk.with_name("talk.otio").symlink_to(secret)
    proxy_path(job.folder, talk).symlink_to(secret)
    with running(talk) as (_, client):
        assert [row["id"] for row in client.get("api/jobs").json["jobs"]] == ["a1"]
        assert client.get("media/a1").status == 404
        assert client.get("media/proxy").status == 404
        assert client.get("api/state").json["proxy"] is None
        talk.with_name("talk.otio").unlink()
        talk.with_name("talk.otio").write_text("{}")
        assert client.get("media/a1").body == b"{}"


def test_only_what_a_job_wrote_is_opened_in_another_program(read_only):
    for media in ("source", "proxy", "/etc/passwd", "../talk.mp4", ""):
        answer = read_only.change("POST", "api/open", {"media": media, "with": "folder"})
        assert answer.status == 404


def test_a_file_of_the_user_is_never_replaced(tmp_path):
    path, second = tmp_path / "talk.otio", tmp_path / "talk-2.otio"
    assert free_name(path) == path
    path.write_bytes(b"the user's")
    assert free_name(path) == second
    second.write_bytes(b"ours")
    digest = result_digest(second)
    assert free_name(path, [digest]) == second
    second.write_bytes(b"ours, and changed since")
    assert free_name(path, [digest]) == tmp_path / "talk-3.otio"
    (tmp_path / "talk.cut.mp4").symlink_to(path)
    assert (
        free_name(tmp_path / "talk.cut.mp4", [result_digest(path)]) == tmp_path / "talk.cut-2.mp4"
    )


@pytest.mark.parametrize(
    ("size", "proxy"),
    [((1920, 1080), (1920, 1080)), ((3840, 2160), (1920, 1080)), ((1080, 1920), (1080, 1920)),
     ((2160, 3840), (1080, 1920)), ((640, 360), (640, 360)), ((853, 480), (852, 480)),
     ((4096, 1716), (1920, 804)), ((1, 1), (2, 2))],
)  # fmt: skip
def test_a_proxy_is_no_larger_than_its_source_nor_than_1080p(size, proxy):
    assert proxy_size(size) == proxy


def test_a_result_is_shown_in_its_folder_by_a_fixed_command(client, talk, tmp_path, monkeypatch):
    programs, record = tmp_path / "programs", tmp_path / "record"
    programs.mkdir()
    program = programs / "xdg-open"
    script = f'printf \'%s\\n\' "$#" "$@" > {record}.part; mv {record}.part {record}'
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("DISPLAY", ":99")
    row = finished(client, submit(client, kind="export", editor="resolve"))
    opener = {"media": row["result"]["media"].removeprefix("media/"), "with": "folder"}
    opened = client.change("POST", "api/open", opener)
    wait_for(record.exists)

    assert opened.status == 200
    assert record.read_text() == f"1\n{talk.parent}\n"
    assert {"id": "folder", "with": "folder", "label": "Show in its folder", "suffixes": None} in (
        client.get("api/state").json["openers"]
    )
    unfit = client.change("POST", "api/open", {**opener, "with": "rm"})
    assert (unfit.status, "rm" in unfit.json["error"]) == (422, True)


# --- Resolve --------------------------------------------------------------------------------------


@pytest.fixture
def mailbox(tmp_path, monkeypatch):
    """The folder through which the script in Resolve gets its work."""
    folder = tmp_path / "mailbox"
    monkeypatch.setenv("SPEAKERZOOM_MAILBOX", str(folder))
    return folder


def text_of(path):
    return path.exists() and path.read_text(encoding="utf-8")


def test_a_cut_is_sent_to_resolve_and_its_answer_is_the_end_of_the_job(mailbox, client):
    id_ = submit(client, kind="send")
    recipe = wait_for(lambda: text_of(mailbox / RECIPE))
    wait_for(lambda: "choose Workspace > Scripts" in row_of(client, id_)["stage"])
    request = re.search(r'\bid\s*=\s*"([0-9A-Za-z-]+)"', recipe)[1]
    fields = {"state": "done", "way": "direct", "name": "talk cut", "saved": "true"}
    hexed = ",".join(f"{name}={value.encode().hex()}" for name, value in fields.items())
    answer = f"SPEAKERZOOM1:answer:{request}:{time.time():.0f}:{hexed}:END"
    (mailbox / ANSWER).write_text(answer, encoding="ascii")

    row = finished(client, id_)
    assert (row["state"], row["error"]) == ("done", None)
    assert row["stage"] == "done: built from the clip in the media pool"
    assert not (mailbox / RECIPE).exists()


def test_a_job_that_is_cancelled_leaves_nothing_for_resolve_to_build(mailbox, client):
    id_ = submit(client, kind="send")
    wait_for(lambda: text_of(mailbox / RECIPE))

    client.change("DELETE", f"api/jobs/{id_}")

    assert finished(client, id_)["state"] == "cancelled"
    assert not (mailbox / RECIPE).exists()


def test_a_service_that_starts_again_sends_nothing_to_resolve(mailbox, talk):
    with running(talk) as (service, client):
        submit(client, kind="send")
        wait_for(lambda: text_of(mailbox / RECIPE))
        service.end()
    assert not (mailbox / RECIPE).exists()

    with running(talk) as (_, client):
        (row,) = client.get("api/jobs").json["jobs"]
        assert row["state"] == "cancelled"
        assert not (mailbox / RECIPE).exists()
