"""Random requests to the service of the review page: targets, headers, bodies, operations."""

import asyncio
import itertools
import json
import shutil
from functools import partial
from urllib.parse import quote

import pytest
from mutators import TEXTS, TOKENS, damage_bytes, damage_json, number_near
from page_requests import Opened
from service_client import FRAMES, AppClient

from otio_speakerzoom import store
from otio_speakerzoom.edits.operations import CLASSES
from otio_speakerzoom.service.app import page_table
from otio_speakerzoom.service.guard import MAX_BODY_BYTES

pytest_plugins = ["fuzz_runs", "cut_films"]


@pytest.fixture
def film(cut_film, tmp_path):
    """A copy of the film and its folder, to be changed."""
    shutil.copytree(cut_film.parent, tmp_path / "talk")
    return tmp_path / "talk" / cut_film.name


@pytest.fixture
def client(film):
    with asyncio.Runner() as runner:
        client = AppClient(runner, film)
        headers = client.headers()
        for path in ("api/state", "api/frames/3", "api/events"):  # what is loaded and computed once
            client.send("GET", client.base + path, list(headers.items()))
        yield client


# --- targets and headers --------------------------------------------------------------------------

TARGETS = (
    "", "page/app.js", "page/style.css", "api/state", "api/style", "api/events", "api/marks",
    "api/faces?start=3&end=40", "api/ribbons/0?start=5&end=90", "api/voice/1", "api/peaks/0?end=9",
    "api/frames/3?height=90", "api/frames/20?of=cut&height=64", "api/people/1/picture", "api/words",
    "api/times", "api/jobs", "api/jobs/ab12", "api/premiere/ab12", "media/source", "media/proxy",
    "media/ab12", "api/cut", "api/undo", "api/redo", "api/plan", "api/open", "nothing/here",
)  # fmt: skip
BARE = ("/", "/launch?secret=x&to=inbox", "/service?challenge=abc", "/api/inbox", "/s/inbox/",
        "/s/inbox/api/state", "/s/inbox/page/app.js", "/s/none/api/state")  # fmt: skip
PIECES = (
    "..", ".", "/", "//", "%2e%2e%2f", "%2f", "%00", "%ff", "%", "%u0000", "\\", ";", "*", "~", "@",
    "?", "&", "=", "#", "start=-1", "end=9999999999999999999", "start=1e9", "height=0",
    "height=99999999", "of=", "of=nothing", "start=%D9%A3", "\u0661", "1.5", "-1", "9" * 30, "+",
)  # fmt: skip
HEADERS = {
    "host": ("evil.example", "127.0.0.1", ""), "cookie": ("", "a=b", "=;=", "\xff\xfe"),
    "range": ("bytes=0-", "bytes=0-0", "bytes=-5", "bytes=5-1", "bytes=0-9,20-29",
    "bytes=" + "0-0," * 90,
              "bytes=99999999999-", "bytes=9" + "9" * 25 + "-", "bytes=a-b", "seconds=0-1",
              "bytes="),
    "if-range": ('"x"', "Wed, 21 Oct 2015 07:28:00 GMT", "\xff"), "if-none-match": ("*", '"a"'),
    "if-modified-since": ("Wed, 21 Oct 2015 07:28:00 GMT", "99 Foo 0", ""),
    "content-length": ("-1", "9" * 30, "x", "99999999", ""), "content-type": ("text/plain", "",
    "\xff"),
    "origin": ("null", "http://evil.example", ""), "sec-fetch-site": ("cross-site", "none", ""),
    "sec-fetch-dest": ("document", "video"), "accept": ("text/html", "*/*", "\xff"),
    "authorization": ("Bearer", "Bearer x", "Basic eDp5", "Bearer \xff\xfe"), "if-match": ("*",
    '"', '"x"'),
    "accept-encoding": ("gzip, br",), "transfer-encoding": ("chunked",),
    "expect": ("100-continue",),
    "x-forwarded-host": ("evil.example",), "upgrade": ("websocket",),
}  # fmt: skip
"""Headers that browsers send, with values that they do not."""


def random_request(base, usual, random):
    """Return method, target and headers of a request that changes nothing that exists."""
    target = base + random.choice(TARGETS) if random.random() < 0.85 else random.choice(BARE)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        at = random.choice((len(target), random.randrange(len(target) + 1)))
        piece = (
            random.choice(PIECES)
            if random.random() < 0.8
            else quote(random.choice(TEXTS)[:300], errors="surrogatepass")
        )
        target = f"{target[:at]}{piece}{target[at + random.choice((0, 0, 1, 5)) :]}"
    target = "".join(c if "!" <= c <= "~" else quote(c) for c in target)
    target = "/" + target.partition("#")[0].lstrip("/")
    method = random.choice(
        ("GET",) * 9 + ("HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "FOO")
    )
    headers = list(usual.items())
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        kind, name = random.randrange(6), random.choice(sorted(HEADERS))
        if kind == 0 and headers:
            headers.pop(random.randrange(len(headers)))
        elif kind == 1:
            headers.append(random.choice(list(usual.items())))
        else:
            if kind < 4:
                headers = [row for row in headers if row[0] != name]
            headers.append((name, random.choice(HEADERS[name])))
    body = random.choice((b"", b"{}", b"[", random.choice(TOKENS)))
    return method, target, headers, body


def try_request(client, film, item):
    """Send a request; only files of the page and the film come back, and all stays as it is."""
    method, target, headers, body = item
    before = stamps(film.parent)
    answer = client.send(method, target, headers, body)
    kind = answer.headers.get("content-type", "")
    if answer.status in (200, 206) and kind.startswith(("video/", "application/octet-stream")):
        assert b"talk" not in answer.body or answer.body[:200] in film.read_bytes()
        if "/media/" in target:
            assert answer.body in film.read_bytes() or "multipart" in kind
    if answer.status == 200 and kind.startswith(("text/javascript", "text/css")):
        assert (
            answer.body in [path.read_bytes() for path in page_table().values()] or not answer.body
        )
    if method in ("GET", "HEAD"):  # the others may take a lock, and find that nothing is to be done
        assert stamps(film.parent) == before
    return answer.status < 400


def stamps(folder):
    """When each file below a folder was written; not the lock, nor what is computed once."""
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock" and "peaks" not in path.name
    }


def test_a_random_request_is_answered_or_refused(fuzz, client, film):
    fuzz(
        "requests", partial(random_request, client.base, client.headers()),
        partial(try_request, client, film), count=120, writable=[film.parent],
    )  # fmt: skip


# --- bodies ---------------------------------------------------------------------------------------

BODIES = (
    ("PATCH", "api/cut", {"operations": [{"name": "split", "frame": 30}]}),
    ("PATCH", "api/cut", {"operations": [{"name": "lock", "shot": {"start": 0, "end": 75,
                                                                 "subjects": [1]}}]}),
    ("POST", "api/plan", {"style": "calm", "values": {"hold_seconds": 1.5, "follow": "smooth"}}),
    ("POST", "api/undo", {}), ("POST", "api/redo", {}),
    ("POST", "api/jobs", {"kind": "export", "editor": "fcp", "suffix": ".fcpxml"}),
    ("POST", "api/jobs", {"kind": "render", "from": 5, "to": 50, "height": 90, "draft": True}),
    ("POST", "api/jobs", {"kind": "analyse", "style": "calm", "canvas": "9:16"}),
    ("POST", "api/jobs", {"kind": "proxy"}), ("POST", "api/jobs", {"kind": "send"}),
    ("POST", "api/open", {"media": "media/ab12", "with": "folder"}),
    ("POST", "/api/inbox", {"source": "/none/talk.mp4", "work": None}),
    ("POST", "/api/inbox", {"source": None}),
    ("POST", "/api/inbox", {"source": f"/{'A' * 1000}.mp4"}),
)  # fmt: skip


def random_bodies(random):
    """Return method, path, body, and whether the token goes along, of a few requests."""
    rows = []
    for _ in range(random.choice((1, 2, 4))):
        method, path, value = random.choice(BODIES)
        kind = random.randrange(12)
        if kind == 0:
            body = damage_bytes(random, json.dumps(value).encode())
        elif kind == 1:
            body = random.choice((b"", b"null", b"[" * 9000, b" " * (MAX_BODY_BYTES + 1)))
        elif kind < 4:
            body = json.dumps(value).encode()
        else:
            body = damage_json(random, value, [row[2] for row in BODIES])
        rows.append((method, path, body, random.random() < 0.3 or path[0] == "/"))
    return rows


def try_bodies(cut_film, tmp_path, rows):
    """Send bodies to a copy of the film; the cut that is then there is valid."""
    with Opened(cut_film, tmp_path) as client:
        statuses = [_send_body(client, *row) for row in rows]
        check_cut(client)
    return min(statuses) < 400


def _send_body(client, method, path, body, has_bearer):
    headers = client.headers()
    if has_bearer:
        headers |= {"authorization": f"Bearer {client.access.bearer}"}
    headers["if-match"] = f'"{client.source.revision()}"'
    target = path if path.startswith("/") else client.base + path
    return client.send(method, target, list(headers.items()), body).status


def check_cut(client):
    """Check that the files hold a valid cut, and that the page gets the same."""
    folder, media = client.source.job.folder, client.source.media
    cached = store.load_cut_list(folder, media)
    shots = cached.value.shots
    assert (shots[0].range.start, shots[-1].range.end) == (0, media.duration)
    for before, after in itertools.pairwise(shots):
        assert before.range.end == after.range.start
    locks = store.load_locks(folder, media)
    for lock in locks:
        shown = [
            s for s in shots if s.range.start < lock.range.end and lock.range.start < s.range.end
        ]
        assert shown
    state = client.send("GET", f"{client.base}api/state", list(client.headers().items())).json
    assert "error" not in state, state["error"]
    assert [(s["start"], s["end"]) for s in state["shots"]] == [
        (s.range.start, s.range.end) for s in shots
    ]
    names = {path.name for path in client.source.job.source.parent.iterdir()}
    assert names == {client.source.job.source.name, folder.name}


def test_a_random_body_is_answered_or_refused_and_the_cut_stays_valid(fuzz, cut_film, tmp_path):
    fuzz(
        "bodies", random_bodies, partial(try_bodies, cut_film, tmp_path), count=10,
        writable=[tmp_path], readable=[cut_film.parent],
    )  # fmt: skip


# --- operations -----------------------------------------------------------------------------------


def random_operations(random):
    """Return changes of one to three operations each; most refer to what is there, some do not.

    Numbers stand for what only the state knows: a share of the shots, of the frames, of the people.
    """
    return [
        [(random.choice(sorted(CLASSES)), [random.random() for _ in range(4)], _off(random))
         for _ in range(random.choice((1, 1, 1, 3)))]
        if random.random() < 0.8 else random.choice(("undo", "redo"))
        for _ in range(random.choice((2, 4, 7)))
    ]  # fmt: skip


def _off(random):
    """Return what makes an operation wrong: a key with another value; mostly nothing."""
    if random.random() < 0.7:
        return None
    keys = ("frame", "to", "shot", "start", "end", "subjects", "crop", "person", "into", "value",
            "style", "values", "name")  # fmt: skip
    value = random.choice((random.choice(TEXTS), number_near(random, 30), None, [], {}, [1, 2, 3]))
    return random.choice(keys), value


def operation(state, name, shares, off):
    """Return the JSON of an operation on a state of the page."""
    shots, people = state["shots"], state["people"]
    shot = shots[int(shares[0] * len(shots))]
    frame = int(shares[1] * FRAMES)
    person, other = (people[int(s * len(people))]["id"] for s in shares[2:])
    crop = [10 * shares[0], 10 * shares[1], 200 + 100 * shares[2], 120 + 50 * shares[3]]
    values = {
        "assign": {"subjects": [[], [person], [person, other]][int(3 * shares[1])]},
        "set_edge": {"frame": shot["start"], "to": frame}, "split": {"frame": frame},
        "join": {"frame": shot["start"]}, "crop": {"crop": crop},
        "rename": {"person": person, "to": TEXTS[int(shares[1] * len(TEXTS))]},
        "merge": {"person": person, "into": other}, "ignore": {"person": person,
        "value": shares[0] < 0.5},
        "prefer": {"person": person, "value": shares[0] < 0.5},
        "set_style": {"style": [None, "calm", "lively"][int(3 * shares[0])],
                      "values": {"hold_seconds": [None, 4 * shares[1]][int(2 * shares[2])]}},
    }  # fmt: skip
    row = {"name": name, **values.get(name, {})}
    if name in ("assign", "crop", "lock", "unlock"):
        row["shot"] = {key: shot[key] for key in ("start", "end", "subjects")}
    if off:
        key, value = off
        holder = row["shot"] if key in ("start", "end", "subjects") and "shot" in row else row
        holder[key] = value
    return row


def try_operations(cut_film, tmp_path, changes):
    """Apply operations through the service; the cut is valid after each of them."""
    accepted = 0
    with Opened(cut_film, tmp_path) as client:
        for rows in changes:
            headers = client.headers()
            state = client.send("GET", f"{client.base}api/state", list(headers.items())).json
            headers["if-match"] = f'"{state["revision"]}"'
            if isinstance(rows, str):
                request = ("POST", f"{client.base}api/{rows}", list(headers.items()), b"{}")
            else:
                value = {"operations": [operation(state, *row) for row in rows]}
                body = json.dumps(value, allow_nan=True).encode()
                request = ("PATCH", f"{client.base}api/cut", list(headers.items()), body)
            accepted += client.send(*request).status == 200
            check_cut(client)
    return accepted > 0


def test_random_operations_leave_a_valid_cut(fuzz, cut_film, tmp_path):
    fuzz(
        "operations", random_operations, partial(try_operations, cut_film, tmp_path), count=5,
        writable=[tmp_path], readable=[cut_film.parent],
    )  # fmt: skip
