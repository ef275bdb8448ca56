"""The wheel alone, in an environment of its own and outside the repository, does what it says.

Without a network it uses the packages of the environment that runs the tests. `make test-wheel`
installs it with all its requirements instead, and names that Python in SPEAKERZOOM_WHEEL_PYTHON.
"""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from building import build, copy_checkout
from conftest import REPOSITORY, SAMPLE
from smoke import SUFFIXES
from test_packages import PROJECT, package_files

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.weights import fetch

pytestmark = pytest.mark.slow

PATIENCE_S = 600
"""For one command on a busy machine; cutting the sample takes half a minute."""


class Installed:
    """The command in an environment of its own, run in a folder outside the repository."""

    def __init__(self, python, folder):
        self.python, self.folder, self.home = python, folder, folder / "home"
        self.home.mkdir()
        detector = fetch.need("blazeface-full-range").parent
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.environment = {
            **variables, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home),
            "XDG_STATE_HOME": str(self.home), "SPEAKERZOOM_WEIGHTS": str(detector),
            "SPEAKERZOOM_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def run(self, *words, program="speakerzoom"):
        """Run a program of the environment; return what it printed on stdout."""
        command = [str(self.python.parent / program), *map(str, words)]
        run = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert run.returncode == 0, (words, run.stdout, run.stderr)
        assert "Traceback" not in run.stderr
        return run.stdout


def environment_with(wheel, folder):
    """Install a wheel alone into a new environment that sees the packages of this one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    options = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *options], check=True)
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True)
    # the packages that the wheel requires, after its own: lines of a .pth are appended to the path,
    # and .pth files in these folders, such as that of an editable install, are not read
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    others.append(sysconfig.get_path("purelib"))
    Path(site.stdout.strip(), "others.pth").write_text("\n".join(dict.fromkeys(others)) + "\n")
    return python


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    try:
        fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("elsewhere")
    if given_python := os.environ.get("SPEAKERZOOM_WHEEL_PYTHON"):
        return Installed(Path(given_python), folder)
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout") / "project")
    wheel = build(checkout, tmp_path_factory.mktemp("dist"), "wheel")[".whl"]
    shutil.rmtree(checkout)  # so that nothing can be read from it
    return Installed(environment_with(wheel, tmp_path_factory.mktemp("env") / "env"), folder)


@pytest.fixture(scope="module")
def cut(installed):
    """The sample, cut by the installed command: the recording and its timeline."""
    recording = shutil.copy(SAMPLE, installed.folder / "two talkers.mp4")
    timeline = installed.folder / "talk.otio"
    options = ("--for", "resolve", "--scorer", "sync-asd")
    printed = installed.run("cut", recording, "-o", timeline, *options)
    assert printed == f"{timeline}\n"
    return Path(recording), timeline


def test_the_command_is_that_of_the_wheel_and_has_its_version(installed):
    printed = installed.run(
        "-c", "import otio_speakerzoom as package; print(package.__file__)", program="python"
    )
    folder = Path(printed.strip()).parent

    assert installed.python.parent.parent in folder.parents
    assert REPOSITORY not in folder.parents
    assert installed.run("--version") == f"{PROJECT['version']}\n"
    for name in package_files():
        assert (folder.parent / name).is_file(), name


def test_every_timeline_is_written_and_reads_back(installed, cut):
    recording, _ = cut
    shots = json.loads((Path(f"{recording}.speakerzoom") / "cutlist.json").read_text())["shots"]
    assert len(shots) >= 5
    for suffix, editors in FORMATS.items():
        for editor in editors:
            path = installed.folder / f"{editor}{suffix}"
            assert installed.run("export", recording, "-o", path, "--for", editor) == f"{path}\n"
            if suffix == ".edl":  # which we do not read
                assert path.read_text("utf-8").startswith("TITLE: ")
                continue
            checked = installed.run("check", path)
            assert f"plays {len(shots)} clips" in checked
            assert "no problem found" in checked


def test_a_film_is_rendered_and_reports_are_written(installed, cut):
    recording, _ = cut
    film, sheet, page = (installed.folder / name for name in ("cut.mp4", "sheet.png", "cut.html"))
    installed.run("render", recording, "-o", film, "--shot", "2", "--draft", "--height", "180")
    installed.run("inspect", recording, "--sheet", sheet, "--report", page)

    assert b"ftyp" in film.read_bytes()[:16]
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_opentimelineio_finds_the_adapters_and_they_write(installed, cut):
    recording, _ = cut
    timeline, folder = installed.folder / "for programs.otio", installed.folder / "adapters"
    installed.run("export", recording, "-o", timeline, "--for", "plain")
    folder.mkdir()
    script = shutil.copy(Path(__file__).with_name("smoke.py"), installed.folder)
    report = json.loads(installed.run(script, timeline, folder, program="python"))

    assert report["adapters"] == sorted(SUFFIXES)
    assert report["clips"] >= 5
    assert report["again"] == dict.fromkeys(report["again"], report["clips"])
    assert len(report["again"]) == 2
    assert report["places"]
    assert all(str(installed.python.parent.parent) in place for place in report["places"])


@contextmanager
def review(installed, recording):
    """Run `review` and yield the address of the page that it prints."""
    command = [installed.python.parent / "speakerzoom", "review", recording, "--no-browser"]
    process = subprocess.Popen(
        command, cwd=installed.folder, env=installed.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+/launch\?secret=\S+", line)
        assert address, (line, process.stderr.read() if process.poll() is not None else "")
        yield urlsplit(address[0])
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.communicate()


def test_the_review_page_and_all_its_modules_are_served(installed, cut):
    recording, _ = cut
    page_folder = "otio_speakerzoom/service/page/"
    paths = {name: path for name, path in package_files().items() if name.startswith(page_folder)}
    files = {name.removeprefix(page_folder): path for name, path in paths.items()}
    assert {"app.js", "style.css", "index.html"} <= files.keys()
    with review(installed, recording) as address:

        def get(path, cookie=""):
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            response = connection.getresponse()
            content = response.read()
            connection.close()
            return response, content

        launched, _ = get(f"{address.path}?{address.query}")
        cookie = launched.getheader("Set-Cookie").partition(";")[0]
        base = launched.getheader("Location")
        assert get(base, cookie)[1] == files["index.html"].read_bytes()
        for name in files:
            response, content = get(f"{base}page/{name}", cookie)
            assert (response.status, content) == (200, files[name].read_bytes()), name
        state, content = get(f"{base}api/state", cookie)
        assert state.status == 200
        assert json.loads(content)["version"] == PROJECT["version"]
        assert get(f"{base}api/state")[0].status in (401, 403)


def test_the_plugins_are_installed_into_a_home(installed):
    script = Path(installed.run("install", "resolve").strip())
    panel = Path(installed.run("install", "premiere").strip())

    assert installed.home in script.parents
    assert installed.home in panel.parents
    assert f'VERSION = "{PROJECT["version"]}"' in script.read_text("utf-8")
    assert panel.read_bytes().startswith(b"PK")
    assert installed.run("uninstall", "resolve").strip() == str(script)
    assert not script.exists()


def test_weights_and_doctor_work(installed):
    listed = installed.run("weights")
    machine = installed.run("doctor")

    assert "sync-asd" in listed
    assert "site-packages" in listed
    assert "broken" not in machine
    assert "speakerzoom_fcpxml" in machine.replace("\n", "")
