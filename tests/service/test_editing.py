"""Changes of the cut over HTTP: what they answer, stale revisions, two tabs, the command line."""

import errno
import http.client
import json
import os
import threading
from contextlib import contextmanager

import pytest
from review_service import Client, running

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits import programme
from otio_speakerzoom.pipeline import Job, Options

pytest_plugins = ["talks"]


def change(client, *operations, revision=None):
    revision = revision or client.get("api/state").json["revision"]
    body = {"operations": list(operations)}
    return client.change("PATCH", "api/cut", body, if_match=f'"{revision}"')


def as_shown(shot):
    return {name: shot[name] for name in ("start", "end", "subjects")}


def shots(state):
    return [(s["start"], s["end"], s["subjects"]) for s in state["shots"]]


@pytest.fixture
def state(client):
    return client.get("api/state").json


def test_an_operation_answers_the_window_of_shots_that_changed(client, state):
    cut = state["shots"][0]["end"]
    answer = change(client, {"name": "set_edge", "frame": cut, "to": cut - 7})

    assert answer.status == 200, answer.json
    window = answer.json["window"]
    assert (window["index"], window["removed"], len(window["shots"])) == (0, 2, 2)
    assert [window["shots"][0]["end"], window["shots"][1]["start"]] == [cut - 7, cut - 7]
    patched = state["shots"]
    patched[0:2] = window["shots"]
    now = client.get("api/state").json
    assert now["shots"] == patched
    assert now["revision"] == answer.json["revision"] != state["revision"]
    assert now["undo"] == answer.json["undo"] != ""


def test_undo_and_redo_answer_the_same_window_and_survive_a_restart(talk):
    with running(talk) as (_, client):
        before = client.get("api/state").json
        change(client, {"name": "split", "frame": 30})
    with running(talk) as (_, client):
        edited = client.get("api/state").json
        undone = client.change("POST", "api/undo", if_match=f'"{edited["revision"]}"')
        assert client.get("api/state").json["shots"] == before["shots"]
    with running(talk) as (_, client):
        revision = client.get("api/state").json["revision"]
        redone = client.change("POST", "api/redo", if_match=f'"{revision}"')
        assert client.get("api/state").json["shots"] == edited["shots"]

    assert (undone.json["window"]["index"], undone.json["window"]["removed"]) == (0, 2)
    assert (redone.json["window"]["index"], redone.json["window"]["removed"]) == (0, 1)
    assert undone.json["redo"]


def test_a_stale_revision_is_refused_with_what_still_applies(client, state):
    other = Client(client.service)
    other.base, other.cookie = client.base, client.cookie
    first, *_, last = state["shots"]
    change(other, {"name": "split", "frame": first["start"] + 20})
    mine = [
        {"name": "assign", "shot": as_shown(first), "subjects": []},
        {"name": "assign", "shot": as_shown(last), "subjects": []},
    ]
    answer = change(client, *mine, revision=state["revision"])

    assert answer.status == 412
    assert answer.json["applies"] == [False, True]
    assert answer.json["state"]["shots"] == client.get("api/state").json["shots"]
    assert len(answer.json["state"]["shots"]) == len(state["shots"]) + 1
    merged = change(client, mine[1], revision=answer.json["state"]["revision"])
    assert merged.status == 200
    assert client.get("api/state").json["shots"][-1]["subjects"] == []


def test_two_tabs_that_edit_at_once_lose_nothing(client, state):
    def edit(frame, results):
        revision = state["revision"]
        while True:
            answer = change(client, {"name": "split", "frame": frame}, revision=revision)
            if answer.status != 412:
                results.append(answer.status)
                return
            revision = answer.json["state"]["revision"]

    frames, results = (25, 130, 260, 380), []
    threads = [threading.Thread(target=edit, args=(f, results)) for f in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [200] * 4
    starts = {s["start"] for s in client.get("api/state").json["shots"]}
    assert set(frames) <= starts


def test_an_edit_is_what_the_command_line_exports(client, talk, state):
    last = state["shots"][-1]
    change(client, {"name": "assign", "shot": as_shown(last), "subjects": []})
    exported = pipeline.current_cut(Job(talk))

    assert shots(client.get("api/state").json) == [
        (s.range.start, s.range.end, list(s.subjects)) for s in exported.shots
    ]
    assert exported.shots[-1].subjects == ()
    assert exported.shots[-1].locked


def test_a_cut_on_the_command_line_keeps_the_edit_and_makes_the_page_stale(client, talk, state):
    last = state["shots"][-1]
    change(client, {"name": "assign", "shot": as_shown(last), "subjects": []})
    revision = client.get("api/state").json["revision"]
    pipeline.cut(Job(talk, options=Options(style="calm")))
    answer = change(client, {"name": "rename", "person": 1, "to": "Ann"}, revision=revision)

    assert answer.status == 412
    assert answer.json["applies"] == [True]
    assert answer.json["state"]["style"]["name"] == "calm"
    assert answer.json["state"]["shots"][-1]["subjects"] == []
    assert answer.json["state"]["shots"][-1]["locked"]


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        ({"name": "explode"}, "operation.name"),
        ({"name": "split", "frame": 10**9}, ""),
        ({"name": "split", "frame": -1}, "operation.frame"),
        ({"name": "split"}, "operation.frame"),
        ({"name": "rename", "person": 77, "to": "Ann"}, "person 77"),
        ({"name": "set_style", "style": "/etc/passwd", "values": {}}, ""),
        ("split", "operation"),
    ],
)
def test_an_operation_that_does_not_fit_changes_nothing(read_only, operation, line):
    before = read_only.get("api/state").json
    answer = change(read_only, {"name": "split", "frame": 30}, operation)

    assert answer.status == 422
    assert line in answer.json["error"]
    assert "\n" not in answer.json["error"]
    assert read_only.get("api/state").json == before


@pytest.mark.parametrize("body", [{}, {"operations": []}, {"operations": {}}, {"operations": 3}])
def test_a_change_without_operations_is_refused(read_only, body):
    assert read_only.change("PATCH", "api/cut", body, if_match='"x"').status == 422


def test_a_change_must_name_the_revision_it_is_meant_for(read_only):
    body = {"operations": [{"name": "split", "frame": 30}]}

    for tag in (None, "x", '"', "*"):
        assert read_only.change("PATCH", "api/cut", body, if_match=tag).status == 428
    assert read_only.change("POST", "api/undo").status == 428


def test_a_preview_of_a_style_saves_nothing(read_only, state_of_folder):
    before = state_of_folder()
    calm = read_only.change("POST", "api/plan", {"style": "calm", "values": {}})
    short = {"style": None, "values": {"min_shot_seconds": 0.5, "max_shot_seconds": 2}}
    lively = read_only.change("POST", "api/plan", short)

    assert len(lively.json["shots"]) > len(calm.json["shots"])
    assert state_of_folder() == before
    wrong = {"style": None, "values": {"min_shot_seconds": -1}}
    assert read_only.change("POST", "api/plan", wrong).status == 422


@pytest.fixture
def state_of_folder(cut_talk):
    def files():
        return {
            path.name: path.read_bytes()
            for path in Job(cut_talk).folder.iterdir()
            if not path.name.startswith("peaks-")
        }

    return files


def test_looking_changes_no_file(read_only, state_of_folder):
    before = state_of_folder()
    for path in ("", "api/state", "api/marks", "api/ribbons/0", "api/frames/3", "media/source"):
        assert read_only.get(path).status == 200

    assert state_of_folder() == before


# --- events ---------------------------------------------------------------------------------------


@contextmanager
def listening(client):
    """Open the stream of events; give a function that reads the next one."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", f"{client.base}api/events", headers={"Cookie": client.cookie})
    response = connection.getresponse()
    assert response.getheader("content-type").startswith("text/event-stream")

    def read():
        lines = iter(response.readline, b"\n")
        name, data = (line.decode().partition(": ")[2].strip() for line in lines)
        return name, json.loads(data)

    try:
        yield read
    finally:
        response.close()
        connection.close()


def test_a_page_hears_of_the_change_of_another(client, state):
    with listening(client) as read:
        assert read() == ("state", {"revision": state["revision"]})
        answer = change(client, {"name": "split", "frame": 30})

        assert read() == ("state", {"revision": answer.json["revision"]})


def test_a_page_hears_of_what_the_command_line_changes(client, talk, state):
    with listening(client) as read:
        read()
        pipeline.cut(Job(talk, options=Options(style="lively")))
        name, value = read()

    assert name == "state"
    assert value["revision"] == client.get("api/state").json["revision"] != state["revision"]


def test_a_damaged_file_is_named_in_one_line_and_nothing_is_lost(client, talk):
    path = Job(talk).folder / "cutlist.json"
    good = path.read_text()
    path.write_text(good[:100])
    broken = client.get("api/state").json
    path.write_text(good)

    assert broken["shots"] == []
    assert "cutlist.json" in broken["error"]
    assert "\n" not in broken["error"]
    assert client.get("api/state").json["status"] == "cut"


def test_a_source_that_was_replaced_is_named_in_one_line(client, talk):
    other = talk.read_bytes()[:-1] + b"x"
    talk.write_bytes(other)
    replaced = client.get("api/state").json
    talk.unlink()
    gone = client.get("api/state").json

    assert "has changed since the page was opened" in replaced["error"]
    assert "cannot be read" in gone["error"]
    assert replaced["shots"] == gone["shots"] == []
    assert client.get("media/source").status == 404


def test_a_full_disk_has_its_own_status_and_the_cut_stays_as_it_is(client, talk, monkeypatch):
    folder, before = Job(talk).folder, client.get("api/state").json
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    def no_space(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        answer = change(client, {"name": "split", "frame": 30})

    assert answer.status == 507
    assert "free some space" in answer.json["error"]
    assert client.get("api/state").json == before
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert change(client, {"name": "split", "frame": 30}).status == 200


def test_an_edit_that_another_process_holds_up_may_be_sent_again(client, talk, monkeypatch):
    monkeypatch.setattr(programme, "MAX_WAIT_S", 0.2)
    revision = client.get("api/state").json["revision"]
    with store.exclusive_lock(Job(talk).folder):
        answer = change(client, {"name": "split", "frame": 30}, revision=revision)
        assert client.get("api/state").status == 200

    assert answer.status == 503
    assert "another speakerzoom is working there" in answer.json["error"]
    assert change(client, {"name": "split", "frame": 30}, revision=revision).status == 200
