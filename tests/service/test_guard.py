"""Who gets an answer: forged hosts, other sites, other users, other files."""

import json
import re
import socket

import pytest
from review_service import Client, running

from otio_speakerzoom.service.guard import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES
from otio_speakerzoom.service.media_file import MAX_ANSWER_BYTES

pytest_plugins = ["talks"]


def raw(port, text):
    """Send bytes to the service as they are, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "",
     "127.0.0.1:{port}.evil.example", "www.localhost:{port}", "0.0.0.0:{port}", "127.1:{port}",
     "127.0.0.1:{port} ", "localhost.:{port}", "user@127.0.0.1:{port}"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "api/state", "nothing/here"])
def test_a_host_that_is_not_ours_is_refused_before_any_route(read_only, host, path):
    host = host.format(port=read_only.port)
    if host.endswith(" "):
        host = host + "x"  # a client strips a trailing space itself
    answer = read_only.get(path, host=host)

    assert (answer.status, answer.json) == (400, {"error": "the Host header is not this service's"})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_three_names_of_this_machine_are_ours(read_only, name):
    assert read_only.get("api/state", host=f"{name}:{read_only.port}").status == 200


def test_a_rebinding_name_gets_no_cookie_even_with_the_secret(read_only):
    url = read_only.service.launch_url(None).removeprefix(read_only.origin)
    answer = read_only.send("GET", url, host=f"rebind.example:{read_only.port}", cookie=None)

    assert answer.status == 400
    assert read_only.send("GET", url, cookie=None).status == 303  # the secret is not used up


def test_two_hosts_or_none_are_refused(read_only):
    port = read_only.port
    two = raw(port, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n")
    none = raw(port, "GET / HTTP/1.0\r\n\r\n")

    assert two.startswith("HTTP/1.1 400")
    assert none.split(" ", 2)[1] == "400"


def test_an_absolute_address_in_the_request_line_reaches_no_other_host(read_only):
    answer = raw(
        read_only.port,
        f"GET http://evil.example/s/x/ HTTP/1.1\r\nHost: evil.example\r\n"
        f"Cookie: {read_only.cookie}\r\nConnection: close\r\n\r\n",
    )

    assert answer.startswith("HTTP/1.1 400")


@pytest.mark.parametrize("path", ["", "page/index.html", "api/state", "media/source", "api/style"])
def test_nothing_is_served_without_the_cookie(read_only, path):
    without = read_only.get(path, cookie=None)

    assert without.status == 401
    assert "speakerzoom review" in without.json["error"]
    assert read_only.get(path).status == 200


def test_a_browser_without_the_cookie_shows_what_to_do(read_only):
    answer = read_only.get("", cookie=None, accept="text/html,*/*;q=0.8")

    assert answer.status == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert b"run `speakerzoom review` again" in answer.body


def test_a_cookie_of_an_earlier_run_is_stale(talk, read_only):
    with running(talk) as (_, client):
        name, _, value = read_only.cookie.partition("=")
        own_name = client.cookie.partition("=")[0]

        assert client.get("api/state", cookie=f"{own_name}={value}").status == 401
        assert client.get("api/state", cookie=f"{name}={value}").status == 401
        assert client.get("api/state", cookie="=;=;\x01").status == 401
        assert client.get("api/state", cookie=f"other=1; {client.cookie}").status == 200


def test_a_launch_secret_works_once(read_only):
    url = read_only.service.launch_url(None).removeprefix(read_only.origin)
    first, second = (read_only.send("GET", url, cookie=None) for _ in range(2))

    assert first.status == 303
    assert re.fullmatch(
        rf"speakerzoom-{read_only.port}=[\w-]{{43}}; HttpOnly; SameSite=Strict; Path=/",
        first.headers["set-cookie"],
    )
    assert second.status == 401
    assert "set-cookie" not in second.headers
    assert read_only.send("GET", "/launch?secret=", cookie=None).status == 401


def test_a_launch_leads_to_no_other_site(read_only):
    for target in ("https://evil.example", "//evil.example", "..", "<script>"):
        url = read_only.service.launch_url(None).partition("&to=")[0]
        answer = read_only.send(
            "GET", url.removeprefix(read_only.origin) + f"&to={target}", cookie=None
        )
        assert answer.headers["location"] == "/"


def test_a_launch_from_a_file_goes_on_by_a_page_of_ours(read_only):
    url = read_only.service.launch_url(None).removeprefix(read_only.origin)
    answer = read_only.send("GET", url, cookie=None, sec_fetch_site="cross-site")

    assert answer.status == 200  # a browser would not send the Strict cookie along a redirect
    assert b'content="0; url=/s/inbox/"' in answer.body
    assert "SameSite=Strict" in answer.headers["set-cookie"]


def test_a_program_with_the_bearer_token_needs_no_cookie(read_only):
    bearer = f"Bearer {read_only.service.access.bearer}"

    assert read_only.get("api/state", cookie=None, authorization=bearer).status == 200
    for wrong in ("Bearer ", bearer[:-1], f"Basic {bearer}", bearer.replace("Bearer", "Token")):
        assert read_only.get("api/state", cookie=None, authorization=wrong).status == 401


INBOX = "/api/inbox"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example", "sec_fetch_site": "cross-site"}, 403),
        ({"origin": "https://evil.example", "sec_fetch_site": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": None}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "http://localhost"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": None}, 415),
        ({"cookie": None}, 401),
    ],
)
def test_a_change_from_another_site_is_refused(read_only, headers, status):
    allowed = read_only.change("POST", "api/nothing")

    assert allowed.status in (404, 405)  # past the guard
    assert read_only.change("POST", "api/nothing", **headers).status == status


def test_a_page_that_another_site_embeds_reads_nothing(read_only):
    for site in ("cross-site", "same-site"):
        assert read_only.get("api/state", sec_fetch_site=site).status == 403
        assert read_only.get("media/source", sec_fetch_site=site).status == 403
    assert read_only.get("api/state", sec_fetch_site="same-origin").status == 200


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_not_allowed(read_only, method):
    answer = read_only.send(method, "/s/x/api/state", origin="https://evil.example")

    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["", "api/state", "media/source", "api/nothing", "page/x.js"])
def test_every_answer_has_the_headers_that_confine_it(read_only, path):
    for answer in (read_only.get(path), read_only.get(path, cookie=None)):
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "name",
    ["..", "../guard.py", "%2e%2e%2fguard.py", "..%2fguard.py", "..%5cguard.py", "%252e%252e%252fx",
     "index.html%00.js", "/etc/passwd", "%2fetc%2fpasswd", "page/index.html", "INDEX.HTML", "."],
)  # fmt: skip
def test_no_path_leads_out_of_the_page(read_only, name):
    for path in (f"page/{name}", f"media/{name}", f"{name}/api/state"):
        answer = read_only.get(path)
        assert answer.status in (404, 405), path


def test_dots_in_the_address_of_a_source_lead_nowhere(read_only):
    for path in ("/s/../api/state", "/s/%2e%2e/api/state", "/s//api/state", "/s/x/page/app.js/.."):
        assert read_only.send("GET", path).status == 404


def test_a_body_is_bounded_whatever_length_it_declares(read_only):
    port, bearer = read_only.port, read_only.service.access.bearer
    head = (
        f"POST /api/inbox HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {bearer}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n"
    )
    declared = raw(port, f"{head}Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n")
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"
    chunked = raw(port, f"{head}Transfer-Encoding: chunked\r\n\r\n{17 * chunk}0\r\n\r\n")

    assert declared.startswith("HTTP/1.1 413")
    assert chunked.startswith("HTTP/1.1 413")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_body_that_is_no_object_is_refused_in_one_line(read_only, body):
    answer = read_only.send(
        "POST", "/api/inbox", body=body, content_type="application/json", cookie=None,
        authorization=f"Bearer {read_only.service.access.bearer}",
    )  # fmt: skip

    assert answer.status == 400
    assert set(answer.json) == {"error"}


def test_a_page_cannot_hand_over_a_path(read_only, cut_talk):
    errand = {"source": str(cut_talk)}
    answer = Client(read_only.service)
    answer.cookie = read_only.cookie
    body = answer.send(
        "POST", INBOX, body=str(errand).replace("'", '"').encode(), origin=answer.origin,
        content_type="application/json",
    )  # fmt: skip

    assert body.status == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api/frames/" + "9" * 5000, 414),
        ("api/frames/" + "9" * 1900, 404),
        ("api/ribbons/" + "9" * 1900, 404),
        ("api/ribbons/0?start=" + "9" * 1900, 200),
        ("api/ribbons/0?start=-3&end=x", 200),
        ("api/faces?start=1&end=" + "9" * 18, 422),
        ("api/frames/1?height=" + "9" * 18, 422),
    ],
)
def test_numbers_of_any_length_are_answered(read_only, path, status):
    assert read_only.get(path).status == status


@pytest.mark.parametrize(
    ("source", "line"),
    [("talk.mp4", "absolute"), (7, "absolute"), ("/no/talk.mp4", "no such file"),
     ("/tmp/\udcff.mp4", "UTF-8"), ("/dev/zero", "regular file"), ("/tmp/a\0b", "")],
)  # fmt: skip
def test_an_errand_with_no_source_is_refused_in_one_line(read_only, source, line):
    answer = read_only.send(
        "POST", INBOX, body=json.dumps({"source": source}).encode(), cookie=None,
        content_type="application/json",
        authorization=f"Bearer {read_only.service.access.bearer}",
    )  # fmt: skip

    assert answer.status == 422
    assert line in answer.json["error"]
    assert len(read_only.service.sources) == 1


# --- ranges of media ------------------------------------------------------------------------------


def test_one_range_is_served(read_only, cut_talk):
    content = cut_talk.read_bytes()
    answer = read_only.get("media/source", range="bytes=100-199")

    assert (answer.status, answer.body) == (206, content[100:200])
    assert answer.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert answer.headers["content-type"] == "video/mp4"
    assert read_only.get("media/source").headers["accept-ranges"] == "bytes"


def test_a_suffix_is_the_end_of_the_file_not_its_beginning(read_only, cut_talk):
    content = cut_talk.read_bytes()
    answer = read_only.get("media/source", range="bytes=-500")

    assert (answer.status, answer.body) == (206, content[-500:])
    size = len(content)
    assert answer.headers["content-range"] == f"bytes {size - 500}-{size - 1}/{size}"
    longer = read_only.get("media/source", range=f"bytes=-{10 * size}")
    # early versions of Starlette refuse it
    assert (longer.status, longer.body) in [(206, content), (416, b"")]


def test_several_ranges_are_served_in_parts(read_only, cut_talk):
    content = cut_talk.read_bytes()
    answer = read_only.get("media/source", range="bytes=0-9,1000-1009")

    assert answer.status == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert content[:10] in answer.body
    assert content[1000:1010] in answer.body
    assert f"bytes 1000-1009/{len(content)}".encode() in answer.body


def test_a_range_beyond_the_end_cannot_be_satisfied(read_only, cut_talk):
    size = cut_talk.stat().st_size
    answer = read_only.get("media/source", range=f"bytes={size}-")

    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_range_of_another_version_of_the_file_gets_all_of_it(read_only, cut_talk):
    tag = read_only.get("media/source").headers["etag"]
    same = read_only.get("media/source", range="bytes=0-9", if_range=tag)
    other = read_only.get("media/source", range="bytes=0-9", if_range='"another"')

    assert (same.status, len(same.body)) == (206, 10)
    assert (other.status, other.body) == (200, cut_talk.read_bytes())


def test_the_index_of_a_film_comes_in_one_answer(talk):
    size, rest = 3 * MAX_ANSWER_BYTES, bytes(2 * MAX_ANSWER_BYTES)
    start = box(b"ftyp", b"isom") + box(b"mdat", rest)
    content = start + box(b"moov", bytes(size)) + box(b"free", rest)
    with running(talk) as (_, client):
        talk.write_bytes(content)
        before = client.get("media/source", range="bytes=0-").body
        index = client.get("media/source", range=f"bytes={len(start)}-").body
        part = client.get("media/source", range=f"bytes={len(start)}-{len(start) + 9}").body
        after = client.get("media/source", range=f"bytes={len(start) + 8 + size}-").body

    assert len(before) == len(after) == MAX_ANSWER_BYTES
    assert index == content[len(start) :][: 8 + size]
    assert len(part) == 10


def box(name, content):
    """A box of an MP4."""
    return (8 + len(content)).to_bytes(4) + name + content


def test_a_film_comes_in_answers_so_short_that_no_connection_is_held_open(talk):
    content = talk.read_bytes() * (1 + 3 * MAX_ANSWER_BYTES // talk.stat().st_size)
    with running(talk) as (_, client):
        talk.write_bytes(content)  # any bytes will do
        for asked in ("bytes={}-", f"bytes={{}}-{len(content) - 1}"):
            parts = []
            while (at := sum(map(len, parts))) < len(content):
                answer = client.get("media/source", range=asked.format(at))
                last = at + len(answer.body) - 1
                assert answer.status == 206
                assert answer.headers["content-range"] == f"bytes {at}-{last}/{len(content)}"
                assert 0 < len(answer.body) <= MAX_ANSWER_BYTES
                parts.append(answer.body)
            assert b"".join(parts) == content
        assert client.get("media/source").body == content
