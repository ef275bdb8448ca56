"""What `doctor` says of OpenCV, and that its commands work in the environment that it runs in."""

import shlex
import sys
from types import SimpleNamespace

import pytest

from otio_speakerzoom.cli import doctor
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.weights import pip_commands

HEADLESS, CONTRIB = "opencv-python-headless", "opencv-contrib-python"


@pytest.fixture
def packages(monkeypatch):
    """Let only these packages of OpenCV be installed, and this be what `import cv2` gives."""

    def pretend(*installed, native="5.1.0", listed="5.1.0.95", error=None):
        def load(name):
            if error:
                raise error
            version = SimpleNamespace(opencv_version=listed)
            return SimpleNamespace(__version__=native, version=version)

        monkeypatch.setattr(doctor, "_installed", installed.__contains__)
        monkeypatch.setattr(doctor, "importlib", SimpleNamespace(import_module=load))

    return pretend


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Pretend to run in an environment with these files in its top folder, with pip or without."""

    def pretend(*files, pip=True):
        folder = tmp_path / "otio-speakerzoom"
        folder.mkdir()
        for file in files:
            (folder / file).touch()
        monkeypatch.setattr(sys, "prefix", str(folder))
        monkeypatch.setattr(pip_commands, "has_pip", lambda: pip)
        return shlex.quote(str(folder))

    return pretend


def test_two_packages_of_opencv_are_no_fault_while_one_of_them_loads(packages):
    packages(HEADLESS, CONTRIB)
    assert doctor._opencv() == (
        f"5.1.0 from {HEADLESS} and {CONTRIB}, which share the folder cv2/; it works while both "
        "stay installed"
    )
    packages(HEADLESS)
    assert doctor._opencv() == f"5.1.0 from {HEADLESS}"


def test_files_of_two_versions_in_one_folder_are_a_fault(packages, environment):
    environment()
    packages(HEADLESS, CONTRIB, native="5.0.0")
    with pytest.raises(SpeakerZoomError, match=r"cv2/ has files of 5\.1\.0\.95 and of 5\.0\.0: "):
        doctor._opencv()


def test_without_the_libraries_of_a_display_either_remedy_is_shown(
    packages, environment, monkeypatch
):
    environment()
    missing = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    packages(HEADLESS, CONTRIB, error=missing)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SpeakerZoomError) as error:
        doctor._opencv()

    assert str(error.value) == (
        f"{missing}: run `pip uninstall -y {CONTRIB}`, then `pip install --force-reinstall "
        f"--no-deps {HEADLESS}`; or on Debian and Ubuntu `apt install libgl1 libglib2.0-0`"
    )
    packages(error=ModuleNotFoundError("No module named 'cv2'"))
    with pytest.raises(SpeakerZoomError, match="run `pip install --force-reinstall") as error:
        doctor._opencv()
    assert "apt" not in str(error.value)


def test_in_an_environment_of_pipx_the_commands_are_those_of_pipx(packages, environment):
    environment("pipx_metadata.json", "pyvenv.cfg")
    packages(HEADLESS, CONTRIB, native="5.0.0")
    with pytest.raises(SpeakerZoomError) as error:
        doctor._opencv()

    assert f"`pipx runpip otio-speakerzoom uninstall -y {CONTRIB}`" in str(error.value)
    assert f"`pipx runpip otio-speakerzoom install --force-reinstall --no-deps {HEADLESS}`" in str(
        error.value
    )


def test_without_pip_the_commands_are_those_of_uv(packages, environment):
    folder = environment("uv-receipt.toml", pip=False)
    packages(HEADLESS, CONTRIB, native="5.0.0")
    with pytest.raises(SpeakerZoomError) as error:
        doctor._opencv()

    assert f"`uv pip uninstall --python {folder} {CONTRIB}`" in str(error.value)
    assert f"`uv pip install --python {folder} --reinstall --no-deps {HEADLESS}`" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("system", "command"),
    [("linux", "pip install 'av>=18.1'"), ("win32", 'pip install "av>=18.1"')],
)
def test_a_requirement_is_quoted_for_the_shell_of_the_system(system, command, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)

    assert pip_commands.install_command("av>=18.1") == command
