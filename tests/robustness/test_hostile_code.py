"""What the code calls: nothing that could run, load or fetch more than one file of data."""

import ast

import pytest
from conftest import REPOSITORY

FOLDERS = ("otio_speakerzoom", "adapters", "training", "benchmarks")
MODULES = [path for name in FOLDERS for path in sorted((REPOSITORY / name).rglob("*.py"))]
NEVER = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.startfile",
    "pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "yaml.load",
    "tempfile.mktemp", "urllib.request.urlopen", "urllib.request.urlretrieve",
    "ET.parse", "ET.fromstring", "ET.XML", "ET.iterparse", "cv2.imwrite",
}  # fmt: skip
"""These run text, load objects, follow links, or read XML without our limits."""
NEEDED = {
    "np.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
"""Call -> the argument that confines it."""
STARTS = {"subprocess.run", "subprocess.Popen", "subprocess.check_output", "subprocess.call"}
OPENS = {"otio_speakerzoom/source/container.py", "otio_speakerzoom/render/encode.py",
         "benchmarks/render.py", "benchmarks/repeated_film.py",
         "training/cut_tracks.py"}  # fmt: skip
"""The one place that opens files with libav for reading, and those that write films."""


def calls(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def faults(text, place=""):
    for name, call in calls(text):
        arguments = {item.arg: item.value for item in call.keywords}
        if name in NEVER:
            yield f"{place}:{call.lineno} {name}"
        if name in NEEDED:
            argument, value = NEEDED[name]
            if getattr(arguments.get(argument), "value", None) is not value:
                yield f"{place}:{call.lineno} {name} without {argument}={value}"
        if name in STARTS and "shell" in arguments:
            yield f"{place}:{call.lineno} {name} with a shell"
        if name == "av.open" and (
            place not in OPENS or not ast.unparse(call.args[0]).startswith("input_url(")
        ):
            yield f"{place}:{call.lineno} {name} elsewhere than in source/container.py"


@pytest.mark.parametrize(
    "line",
    ["eval('1')", "os.system('ls')", "pickle.loads(b'')", "np.load(path)", "av.open(str(path))",
     "np.load(path, allow_pickle=True)", "torch.load(path, weights_only=False)",
     "subprocess.run('ls', shell=True)", "ET.parse(path)", "cv2.imwrite(path, image)"],
)  # fmt: skip
def test_such_a_call_is_noticed(line):
    assert list(faults(line))


def test_no_call_runs_loads_or_fetches_more_than_a_file_of_data():
    assert len(MODULES) > 200
    places = {path: path.relative_to(REPOSITORY).as_posix() for path in MODULES}

    assert not [
        fault for path, place in places.items() for fault in faults(path.read_text("utf-8"), place)
    ]
